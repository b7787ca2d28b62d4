"""Turns the rows of an understood file into orders, and merges the rows of one order.

Two passes over the file keep memory bounded: `survey` finds the orders that have several rows, and `parcels` holds back
only those. No plaintext is written to disk.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from masking.values.plaintext import Order, Party

from .cells import clean, lost_digits, whole_again
from .layout import Layout
from .lines import LineReader, OrderLine, Texts
from .merging import apart, goods_of, merge
from .statuses import reason_to_leave_out
from .unknown import UnknownColumn, asked

_TOTAL = re.compile(r"(?:合计|总计|小计|共计|total|subtotal|sum)\s*[:：]?.{0,12}", re.IGNORECASE)
_NUMBER = re.compile(r"(?=.*\d)[\w#./+=-]{1,64}", re.ASCII)
"""An order number, unlike a note at the foot of a table."""
_FEW = 4
NOT_AN_ORDER = "not-an-order"
HIDDEN = "hidden-in-the-sheet"


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
        hidden: the number of rows with orders that the spreadsheet hides, and that are entered all the same.
        left_out: the rows that are no orders to send, by the reason: a word of `statuses.STATES`, `NOT_AN_ORDER` or `HIDDEN`.
    """

    digest: str
    lines: int
    orders: int
    repeated: Mapping[str, int]
    asked: Sequence[int]
    left_out: Mapping[str, Sequence[int]]
    hidden: int


def survey(layout: Layout) -> Survey:
    """Count the file's orders, and find the columns of unknown meaning that have to be asked about."""
    said = digest(layout.reading.path)
    seen: set[int] = set()
    repeated: dict[str, int] = {}
    unknown = [(at, UnknownColumn(layout.headers[at])) for at in layout.unplaced]
    lines = singles = hidden = 0
    left_out: dict[str, list[int]] = {}
    for number, cells, reference in _order_rows(layout, left_out):
        lines += 1
        hidden += number in layout.reading.hidden
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
        left_out=left_out,
        hidden=hidden,
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
            yield from (_parcel(each, senders) for each in apart(held.pop(reference)))
    for lines in held.values():
        yield from (_parcel(each, senders) for each in apart(lines))


def _order_rows(layout: Layout, left_out: dict[str, list[int]] | None = None) -> Iterator[tuple[int, list[str], str]]:
    """The rows of orders to send below the headers, with each row's order number. `left_out` takes the others' numbers.

    A row with goods but without order number and recipient belongs to the order above it, as merged cells leave it.
    """
    columns = layout.columns
    at = [*columns.get("reference", ()), sys.maxsize][0]  # missing in a file that still has questions
    recipient = [n for name, hits in columns.items() if name.startswith("recipient.") for n in hits]
    goods = [n for name in ("goods", "quantity") for n in columns.get(name, ())]
    status = columns.get("status", ())
    headers = [header for header in layout.headers if header]
    left = {} if left_out is None else left_out
    gone: dict[str, str] = {}
    above = ""
    for number, cells in layout.reading.rows():
        if number <= layout.header_row:
            continue
        reference = whole_again(clean(cells[at])) if at < len(cells) else ""
        filled = [text for text in map(clean, cells) if text] if len(cells) < _FEW or not reference else cells
        if not filled:
            continue
        named = any(n < len(cells) and clean(cells[n]) for n in recipient)
        has_goods = any(n < len(cells) and clean(cells[n]) for n in goods)
        if _is_no_order(reference, filled, headers, named=named, has_goods=has_goods):
            left.setdefault(NOT_AN_ORDER, []).append(number)
            continue
        if not reference and not named and above and has_goods:
            reference = above
        above = reference
        if layout.skip_hidden and number in layout.reading.hidden:
            left.setdefault(HIDDEN, []).append(number)
            continue
        reasons = [reason_to_leave_out(clean(cells[n])) for n in status if n < len(cells)]
        reason = next(filter(None, reasons), None) or (None if named else gone.get(reference))
        if reason:
            gone[reference] = reason
            left.setdefault(reason, []).append(number)
            continue
        yield number, cells, reference


def _is_no_order(
    reference: str, filled: Sequence[str], headers: Sequence[str], *, named: bool, has_goods: bool
) -> bool:
    """Whether a row is a total, a note, or the headers once more. An order row that lost its recipient stays an order."""
    if filled[0] == headers[0] and [text for text in map(clean, filled) if text] == headers:
        return True
    if named:
        return False
    first = reference or clean(filled[0])
    if _TOTAL.fullmatch(first):
        return True
    return not has_goods and (not reference or not _NUMBER.fullmatch(reference))


def _parcel(lines: Sequence[OrderLine], senders: dict[Texts, Party]) -> Parcel | RowFault:
    """The parcel that all lines of an order form, or their fault. Equal senders share one value."""
    rows = tuple(line.row for line in lines)
    for line in lines:
        if line.fault:
            return RowFault(rows=rows, field=line.fault[0], rule=line.fault[1])
    first = lines[0]
    if len(lines) > 1:
        merged = merge(lines)
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
        goods=goods_of(lines),
        remark=first.remark,
        waybill_number=first.waybill_number,
        routing_code=first.routing_code,
    )
    return Parcel(rows=rows, order=order)


def _party(said: Texts) -> Party:
    name, phone, address = said
    return Party(name=name, phone=phone, address=address)
