"""Turns the rows of an understood file into orders, and merges the rows of one order.

Two passes over the file keep memory bounded: `survey` finds the orders that have several rows, and `parcels` holds back
only those. No plaintext is written to disk.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import final

from masking.values.plaintext import Order, Party

from .cells import clean, lost_digits, whole_again
from .headers import PARTIES
from .layout import Layout
from .lines import LineReader, OrderLine, Texts
from .unknown import UnknownColumn, asked

_TOTAL = re.compile(r"(?:合计|总计|小计|共计|total|subtotal|sum)\s*[:：]?.{0,12}", re.IGNORECASE)
_MOST_LINES = 500  # of one order


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One order of the file and the numbers of its rows."""

    rows: tuple[int, ...]
    order: Order


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RowFault:
    """Rows that do not form an order: the field and the rule, never the value."""

    rows: tuple[int, ...]
    field: str
    rule: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The result of the first pass over the file.

    Attributes:
        lines: the number of rows that hold orders.
        orders: the number of orders.
        repeated: the number of rows of each order that has several.
        asked: columns of unknown meaning that have to be asked about.
        digest: the SHA-256 of the file, in hex.
    """

    digest: str
    lines: int
    orders: int
    repeated: Mapping[str, int]
    asked: Sequence[int]


def survey(layout: Layout) -> Survey:
    """Count the file's orders, and find the columns of unknown meaning that have to be asked about."""
    said = digest(layout.reading.path)
    seen: set[int] = set()
    repeated: dict[str, int] = {}
    unknown = [(at, UnknownColumn(layout.headers[at])) for at in layout.unplaced]
    lines = singles = 0
    for _, cells, reference in _order_rows(layout):
        lines += 1
        for at, column in unknown:
            if at < len(cells) and (text := clean(cells[at])):
                column.see(text)
        if not reference or lost_digits(reference):
            singles += 1
        elif hash(reference) in seen:
            repeated[reference] = repeated.get(reference, 1) + 1
        else:
            seen.add(hash(reference))
    return Survey(
        digest=said,
        lines=lines,
        orders=len(seen) + singles,
        repeated=repeated,
        asked=asked(unknown, required_are_missing=any(not name.startswith("sender.") for name in layout.missing)),
    )


def digest(path: Path) -> str:
    """The SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def order_numbers(layout: Layout) -> Iterator[str]:
    """The order number of every row that holds an order, as in `parcels`."""
    return (reference for _, _, reference in _order_rows(layout))


def parcels(layout: Layout, repeated: Mapping[str, int], *, confidence: float) -> Iterator[Parcel | RowFault]:
    """Every order of the file once, in the sequence of each order's last row."""
    read = LineReader(layout, confidence).line
    senders: dict[Texts, Party] = {}
    held: dict[str, list[OrderLine]] = {}
    for number, cells, reference in _order_rows(layout):
        line = read(number, cells, reference)
        wanted = repeated.get(reference, 1)
        if wanted == 1 or (line.fault and line.fault[0] == "reference"):
            yield _parcel([line], senders)
            continue
        lines = held.setdefault(reference, [])
        lines.append(line)
        if len(lines) == wanted:
            yield _parcel(held.pop(reference), senders)
    for lines in held.values():
        yield _parcel(lines, senders)


def _order_rows(layout: Layout) -> Iterator[tuple[int, list[str], str]]:
    """The rows below the headers with each row's order number, without blank rows and totals.

    A row with goods but without order number and recipient belongs to the order above it, as merged cells leave it.
    """
    columns = layout.columns
    at = [*columns.get("reference", ()), sys.maxsize][0]  # missing in a file that still has questions
    recipient = [n for name, hits in columns.items() if name.startswith("recipient.") for n in hits]
    goods = [n for name in ("goods", "quantity") for n in columns.get(name, ())]
    above = ""
    for number, cells in layout.reading.rows():
        if number <= layout.header_row:
            continue
        reference = whole_again(clean(cells[at])) if at < len(cells) else ""
        if not reference or _TOTAL.fullmatch(reference):
            if not any(map(clean, cells)):
                continue
            named = any(n < len(cells) and clean(cells[n]) for n in recipient)
            first = next(text for text in map(clean, cells) if text)
            if not named and _TOTAL.fullmatch(first):
                continue
            if not reference and not named and above and any(n < len(cells) and clean(cells[n]) for n in goods):
                reference = above
        above = reference
        yield number, cells, reference


def _parcel(lines: Sequence[OrderLine], senders: dict[Texts, Party]) -> Parcel | RowFault:
    """The parcel that all lines of an order form, or their fault. Equal senders share one value."""
    rows = tuple(line.row for line in lines)
    for line in lines:
        if line.fault:
            return RowFault(rows=rows, field=line.fault[0], rule=line.fault[1])
    first = lines[0]
    if len(lines) > 1:
        merged = _merge(lines)
        if isinstance(merged, tuple):
            return RowFault(rows=rows, field=merged[0], rule=merged[1])
        first = merged
    sender = senders.get(first.sender)
    if sender is None:
        senders.clear()
        sender = senders[first.sender] = _party(first.sender)
    order = Order(
        reference=first.reference,
        recipient=_party(first.recipient),
        sender=sender,
        goods=_goods(lines),
        remark=first.remark,
        waybill_number=first.waybill_number,
        routing_code=first.routing_code,
    )
    return Parcel(rows=rows, order=order)


def _merge(lines: Sequence[OrderLine]) -> OrderLine | tuple[str, str]:
    """The lines of one order merged, or the field in which they differ. A blank is filled from the other lines."""
    if len(lines) > _MOST_LINES:
        return "reference", f"more-than-{_MOST_LINES}-lines"
    agreed: dict[str, str] = {}
    for line in lines:
        said = zip(_MUST_AGREE, (*line.recipient, *line.sender, line.waybill_number, line.routing_code), strict=True)
        for name, text in said:
            if text and agreed.setdefault(name, text) != text:
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


_MUST_AGREE = (
    *(f"{party}.{part}" for party in PARTIES for part in ("name", "phone", "address")),
    "waybill_number",
    "routing_code",
)


def _party(said: Texts) -> Party:
    name, phone, address = said
    return Party(name=name, phone=phone, address=address)


def _goods(lines: Sequence[OrderLine]) -> str:
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
