"""Step 1: an order comes in, a waybill without personal data goes out.

Each field of the order is sealed on its own under the waybill's key, which is wrapped twice. The merchant gets the masked
view, a virtual number and a waybill id. The same reference with the same content gives the same waybill. An invalid order is
`Rejected` by field and rule, and valid orders of the same batch go through. The answer is sent after the commit.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.people import Actor, Role
from masking.crypto.envelope import Envelope
from masking.crypto.index import waybill_id_of
from masking.errors import IntegrityError
from masking.journal import journal
from masking.journal.damaged_records import record_findings
from masking.keys.keystore import Generation, OnlineWrap
from masking.redact.view import mask_orders
from masking.runtime import World, milliseconds
from masking.store import leasing, numbering, sealed_orders, sealing
from masking.store.reading import to_waybill
from masking.store.rows import people, slots, waybills
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.plaintext import Order
from masking.values.printable import MaskedView, Rejected, Waybill, WaybillState
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.rules import Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checkout:
    """One order of one merchant. `envelope` is the envelope that it came in, if it was sealed at the source."""

    merchant: Actor
    order: Order
    envelope: Envelope | None = None


def checkout(world: World, store: Store, requests: Sequence[Checkout]) -> list[Waybill | Rejected]:
    """Enter each order. The orders are committed to disk before this returns.

    Orders are decided in sequence. Of two orders under one reference, the second gets the first's waybill, or is rejected if
    its content differs. The number is None if the pool is empty or numbers are leased with the first print.

    Returns:
        A waybill or a rejection for each order, in order.

    Raises:
        UnavailableError: no order of this batch is known to be stored. Check them out again with the same references.
    """
    now = world.now()
    outcomes: list[Waybill | Rejected | None] = [_first_problem(request) for request in requests]
    good = [n for n, outcome in enumerate(outcomes) if outcome is None]
    views = dict(zip(good, mask_orders([requests[n].order for n in good]), strict=True))
    with store.transaction() as tx:
        staff = people.active(tx, {requests[n].merchant.id for n in good})
        for n in good:
            merchant = requests[n].merchant
            here = merchant.tenant == store.settings.tenant and merchant.role is Role.MERCHANT
            if staff.get(merchant.id) != merchant or not here:
                outcomes[n] = Rejected(reference=requests[n].order.reference, field="merchant", rule=Rule.NOT_ENROLLED)
        good = [n for n in good if outcomes[n] is None]
        found = waybills.by_reference(tx, {_key(requests[n]) for n in good})
        replayed = _replayed(
            tx, requests, good
        )  # an envelope makes a waybill only once; an existing order keeps its answer
        new = [n for n in good if _key(requests[n]) not in found]
        for n, refused in _not_new(world, store, tx, requests, new, replayed, now).items():
            outcomes[n] = refused
        good = [n for n in good if outcomes[n] is None]
        fresh: dict[tuple[str, str, str], int] = {}
        for n in good:
            if _key(requests[n]) not in found:
                fresh.setdefault(_key(requests[n]), n)
        records = _seal(world, store, tx, [(requests[n], views[n]) for n in fresh.values()], now)
        entered = {record.id for record in records}
        wanting = [] if store.settings.lease_at_print else records
        numbers = leasing.lease(world, store, tx, wanting, now)
        # another worker may have entered an order under the same reference meanwhile
        found |= waybills.by_reference(tx, fresh)
        numbers |= slots.leases(tx, [record.id for record in found.values()])
        wraps = store.keys.online_wraps(record.key for record in found.values())
        mine = {n: found[key].id for key, n in fresh.items() if key in found and found[key].id in entered}
        journal.append(
            tx,
            [
                store.leaf(world, now, LedgerKind.CHECKOUT, requests[n].merchant.id, record)
                for n, record in mine.items()
            ],
        )
        damaged: list[tuple[str, bytes]] = []
        for n in good:
            order, record = requests[n].order, found.get(_key(requests[n]))
            if record is None:
                unit, number = requests[n].merchant.unit, order.waybill_number
                outcomes[n] = numbering.already_used(world, store, tx, unit, number, order.reference, now)
                continue
            waybill = to_waybill(record, waybill_id_of(record.id), numbers.get(record.id), created=n in mine)
            rule = None if n in mine else _not_again(store, tx, record, wraps.get(record.id), order, waybill)
            outcomes[n] = Rejected(reference=order.reference, field="reference", rule=rule) if rule else waybill
            if rule is Rule.DAMAGED:
                damaged.append((requests[n].merchant.id, record.id))
        record_findings(world, store, tx, damaged, now, step="checkout")
    return [outcome for outcome in outcomes if outcome is not None]


def _first_problem(request: Checkout) -> Rejected | None:
    problem = sealing.first_problem(request.order)
    return problem and Rejected(reference=request.order.reference, field=problem.field, rule=problem.rule)


def _not_new(
    world: World,
    store: Store,
    tx: Transaction,
    requests: Sequence[Checkout],
    new: Sequence[int],
    replayed: Collection[int],
    now: datetime,
) -> dict[int, Rejected]:
    """Why orders under new references are rejected, by their place in the batch."""
    refused: dict[int, Rejected] = {}
    numbered = {n: number for n in new if (number := requests[n].order.waybill_number)}
    is_any_allowed = not numbered or numbering.is_any_allowed(store, tx)
    for n in new:
        unit, reference = requests[n].merchant.unit, requests[n].order.reference
        problem = None
        if n in replayed:
            problem = Rejected(reference=reference, field="envelope", rule=Rule.REPLAYED)
        elif n in numbered and not is_any_allowed:
            problem = numbering.not_allotted(world, store, tx, unit, numbered[n], reference, now)
        if problem:
            refused[n] = problem
    return refused


def _not_again(
    store: Store, tx: Transaction, record: Record, wrapped: OnlineWrap | None, order: Order, waybill: Waybill
) -> Rule | None:
    """The rule by which an order can't get the existing waybill of its reference, None if it can."""
    if wrapped is None and record.state == State.ACTIVE:
        now = waybills.by_id(tx, [record.id]).get(
            record.id
        )  # amended or sealed away since it was read, or its key is lost
        return (
            Rule.DAMAGED if now and now.state == State.ACTIVE and now.key == record.key else Rule.CHANGED_AFTER_CHECKOUT
        )
    try:
        if not sealing.same_content(store.keys, record, wrapped, order):
            return Rule.CHANGED_AFTER_CHECKOUT
    except IntegrityError:
        return Rule.DAMAGED
    return Rule.DAMAGED if waybill.state is WaybillState.DAMAGED else None


def _replayed(tx: Transaction, requests: Sequence[Checkout], good: Sequence[int]) -> list[int]:
    """Mark all envelopes as used. Returns the requests whose envelope was used before, or earlier in this batch."""
    first: dict[bytes, int] = {}
    until: dict[bytes, datetime] = {}
    for n in good:
        envelope = requests[n].envelope
        if envelope:
            first.setdefault(envelope.id, n)
            until[envelope.id] = envelope.not_after
    known = sealed_orders.enter(tx, until)
    return [n for n in good if (e := requests[n].envelope) and (e.id in known or first[e.id] != n)]


def _key(request: Checkout) -> tuple[str, str, str]:
    return request.merchant.tenant, request.merchant.unit, request.order.reference


def _seal(
    world: World, store: Store, tx: Transaction, new: Sequence[tuple[Checkout, MaskedView]], now: datetime
) -> list[Record]:
    """Seal and enter new orders. Returns the records that were entered; their wraps are committed."""
    tenant = store.settings.tenant
    ids = [world.record_id(now) for _ in new]
    keys = store.keys.add_wraps(tenant, [Generation(record, 1) for record in ids], world, now)
    records, sealed = [], {}
    for (request, view), record, key in zip(new, ids, keys, strict=True):
        columns, sealed[record] = sealing.seal_order(
            world, store.keys, request.merchant, request.order, view, Generation(record, 1), key, now
        )
        records.append(
            Record(
                id=record,
                tenant=tenant,
                merchant=request.merchant.unit,
                reference=request.order.reference,
                created=milliseconds(now),
                waybill_number=request.order.waybill_number,
                routing_code=request.order.routing_code,
                **columns,
            )
        )
    entered = waybills.insert(tx, records)
    waybills.insert_sealed(tx, {record: fields for record, fields in sealed.items() if record in entered})
    return [record for record in records if record.id in entered]
