"""Enters a file's orders through a merchant's connection, in batches that are committed one by one.

A batch may be entered again by the next run after a crash: the same reference and content give the same waybill. An
order that differs from the stored one is rejected unless the caller amends. Waybill numbers and routing codes may follow
in a later file.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from masking.errors import UnavailableError
from masking.values.plaintext import Order
from masking.values.printable import Refusal, Rejected, Waybill, WaybillState
from masking.words.rules import Rule

from .orders import Parcel, RowFault

if TYPE_CHECKING:
    from masking.client import RemoteShop
    from masking.connection import Shop

BATCH = 1000

BOTH_OR_NEITHER = "other-number-missing"
CHANGED = Rule.CHANGED_AFTER_CHECKOUT


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """Rows that became a waybill. `how` is "new", "known" or "amended"."""

    rows: tuple[int, ...]
    waybill: Waybill
    how: str


def enter(
    shop: Shop | RemoteShop, found: Iterable[Parcel | RowFault], *, amend: bool = False, batch: int = BATCH
) -> Iterator[list[Taken | RowFault]]:
    """The outcome of each parcel, in order, one list for each committed batch.

    Raises:
        UnavailableError: it is unknown whether the current batch was stored. Earlier batches are.
    """
    source = iter(found)
    while chunk := list(itertools.islice(source, batch)):
        asked = [parcel for parcel in chunk if isinstance(parcel, Parcel)]
        outcomes = iter(_checkout(shop, asked, amend=amend))
        yield [next(outcomes) if isinstance(each, Parcel) else each for each in chunk]


def _checkout(shop: Shop | RemoteShop, parcels: Sequence[Parcel], *, amend: bool) -> list[Taken | RowFault]:
    if not parcels:
        return []
    orders = [parcel.order for parcel in parcels]
    outcomes: list[Taken | RowFault] = []
    for parcel, answer in zip(parcels, shop.checkout(orders), strict=True):
        match answer:
            case Waybill(state=WaybillState.PENDING):  # it waits in the outbox, and the next run asks again
                raise UnavailableError(
                    "the service does not answer. Entered orders are kept: run the same command again"
                )
            case Waybill():
                how = "new" if answer.created else "known"
                outcomes.append(Taken(rows=parcel.rows, waybill=answer, how=how))
            case Rejected(rule=rule) if rule == CHANGED and amend:
                outcomes.append(_amend(shop, parcel))
            case Rejected():
                outcomes.append(RowFault(rows=parcel.rows, field=answer.field, rule=answer.rule))
    later = [
        n for n, taken in enumerate(outcomes) if isinstance(taken, Taken) and _numbers_differ(parcels[n].order, taken)
    ]
    for n in later:
        outcomes[n] = _ship(shop, parcels[n], outcomes[n], amend=amend)
    return outcomes


def _amend(shop: Shop | RemoteShop, parcel: Parcel) -> Taken | RowFault:
    found = shop.find(reference=parcel.order.reference)
    if not found:
        return RowFault(rows=parcel.rows, field="reference", rule=CHANGED)
    [answer] = shop.amend([(found[0].id, parcel.order)])
    return _after(parcel, answer, "amended")


def _numbers_differ(order: Order, taken: Taken) -> bool:
    waybill = taken.waybill
    return any(
        given and given != stored
        for given, stored in (
            (order.waybill_number, waybill.waybill_number),
            (order.routing_code, waybill.routing_code),
        )
    )


def _ship(shop: Shop | RemoteShop, parcel: Parcel, taken: Taken | RowFault, *, amend: bool) -> Taken | RowFault:
    """Enter numbers that came with a later file. Replacing stored numbers is a change, which needs `amend`."""
    if isinstance(taken, RowFault):
        return taken
    order, waybill = parcel.order, taken.waybill
    number, route = order.waybill_number or waybill.waybill_number, order.routing_code or waybill.routing_code
    for name, stored, given in (
        ("waybill_number", waybill.waybill_number, number),
        ("routing_code", waybill.routing_code, route),
    ):
        if stored and stored != given and not amend:
            return RowFault(rows=parcel.rows, field=name, rule=CHANGED)
        if not given:
            return RowFault(rows=parcel.rows, field=name, rule=BOTH_OR_NEITHER)
    [answer] = shop.ship([(waybill.id, number or "", route or "")])
    return _after(parcel, answer, "amended")


def _after(parcel: Parcel, answer: Waybill | Rejected | Refusal, how: str) -> Taken | RowFault:
    match answer:
        case Waybill():
            return Taken(rows=parcel.rows, waybill=answer, how=how)
        case Rejected():
            return RowFault(rows=parcel.rows, field=answer.field, rule=answer.rule)
        case Refusal():
            return RowFault(rows=parcel.rows, field="reference", rule=f"{CHANGED}, {answer.reason}")
