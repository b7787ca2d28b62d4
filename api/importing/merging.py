"""Merges the rows of one order, or sets them apart where the order has several parcels."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from masking.redact.phones import canonical

from .headers import PARTIES
from .lines import OrderLine, Texts

_MOST_LINES = 500  # of one order
_PART = re.compile(r"\d{1,3}/\d{1,3}")
PARCEL = re.compile(r" \d{1,3}/\d{1,3}$")
"""What an order number ends with if the order has several parcels."""
_MUST_AGREE = (
    *(f"{party}.{part}" for party in PARTIES for part in ("name", "phone", "address")),
    "waybill_number",
    "routing_code",
)


def apart(lines: Sequence[OrderLine]) -> list[list[OrderLine]]:
    """The lines of an order by parcel, each parcel with an order number of its own: `A-1 1/2`.

    An order has several parcels if each line names its parcel or its waybill number, and they differ.
    """
    marks = [line.parcel or line.waybill_number for line in lines]
    kinds = list(dict.fromkeys(marks))
    if len(kinds) < 2 or not all(marks) or any(line.fault for line in lines):
        return [list(lines)]
    whole = len(kinds)
    names = {mark: mark if _PART.fullmatch(mark) else f"{n}/{whole}" for n, mark in enumerate(kinds, 1)}
    if len(set(names.values())) < whole:  # 2/2 and a waybill number
        names = {mark: f"{n}/{whole}" for n, mark in enumerate(kinds, 1)}
    parcels_: dict[str, list[OrderLine]] = {}
    recipient, sender = (_common([line.recipient for line in lines]), _common([line.sender for line in lines]))
    for line, mark in zip(lines, marks, strict=True):
        own = replace(line, reference=f"{line.reference} {names[mark]}")
        own.recipient, own.sender = _filled(line.recipient, recipient), _filled(line.sender, sender)
        parcels_.setdefault(mark, []).append(own)
    return list(parcels_.values())


def _common(parties: Sequence[Texts]) -> Texts:
    """The parts of a party in which all lines agree that say it; blank where they differ."""
    said = [list(dict.fromkeys(filter(None, part))) for part in zip(*parties, strict=True)]
    name, phone, address = (part[0] if len(part) == 1 else "" for part in said)
    return name, phone, address


def _filled(party: Texts, common: Texts) -> Texts:
    name, phone, address = (own or other for own, other in zip(party, common, strict=True))
    return name, phone, address


def merge(lines: Sequence[OrderLine]) -> OrderLine | tuple[str, str]:
    """The lines of one order merged, or the field in which they differ. A blank is filled from the other lines."""
    if len(lines) > _MOST_LINES:
        return "reference", f"more-than-{_MOST_LINES}-lines"
    agreed: dict[str, str] = {}
    for line in lines:
        said = zip(_MUST_AGREE, (*line.recipient, *line.sender, line.waybill_number, line.routing_code), strict=True)
        for name, text in said:
            if text and not _same(name, agreed.setdefault(name, text), text):
                return name, "lines-of-one-order-differ"
    values = [agreed.get(name, "") for name in _MUST_AGREE]
    return replace(
        lines[0],
        recipient=(values[0], values[1], values[2]),
        sender=(values[3], values[4], values[5]),
        remark="；".join(dict.fromkeys(line.remark for line in lines if line.remark)),
        waybill_number=values[6],
        routing_code=values[7],
    )


def _same(name: str, one: str, other: str) -> bool:
    """Whether two cells say the same: phones by their digits, other fields without regard to blanks."""
    if one == other:
        return True
    if name.endswith(".phone"):
        return canonical(one) == canonical(other) is not None
    return "".join(one.split()) == "".join(other.split())


def goods_of(lines: Sequence[OrderLine]) -> str:
    """The goods of all lines, with equal ones added up. A quantity of one is not written."""
    if len(lines) == 1 and not lines[0].quantity:
        return lines[0].goods
    amounts: dict[str, list[str]] = {}
    for line in lines:
        if line.goods:
            amounts.setdefault(line.goods, []).append(line.quantity)
    return "；".join(goods + _amount(each) for goods, each in amounts.items())


def _amount(quantities: Sequence[str]) -> str:
    if all(re.fullmatch(r"\d{1,6}(?:\.0+)?", quantity) for quantity in quantities):
        total = sum(int(quantity.partition(".")[0]) for quantity in quantities)
        return f"×{total}" if total != 1 else ""
    return "".join(f"×{quantity}" for quantity in quantities if quantity)
