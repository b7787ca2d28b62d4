"""The rows of an understood file become orders: cells are cleaned, addresses joined, the lines of one order made one.

Two passes over the file, so that memory stays bounded: `survey` counts which orders have several lines, `parcels` then
holds back only those. No plaintext is written anywhere on the way.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import final

from api.files.cells import clean, lost_digits, phone_again
from api.files.decoding import DAMAGED
from api.files.headers import PARTIES
from api.files.layout import Layout
from api.files.line import take_apart
from masking.order import Order, Party

_TOTAL = re.compile(r"(?:合计|总计|小计|共计|total|subtotal|sum)\s*[:：]?.{0,12}", re.IGNORECASE)
_NO_PLACE = frozenset({"市辖区", "县", "其它区", "其他区", "其它", "其他", "暂无", "无", "-", "/", "null", "None"})
"""What platforms write where an address has no such part."""

_MOST_LINES = 500  # of one order


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Parcel:
    """One order of the file and the rows it stands in."""

    rows: tuple[int, ...]
    order: Order


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """Rows that make no order: the field and the rule, never the value."""

    rows: tuple[int, ...]
    field: str
    rule: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What a first pass over the file finds.

    Attributes:
        lines: how many rows hold orders.
        orders: how many orders they are.
        repeated: how many lines each order of several lines has.
        asked: columns that no header explains and that are not blank.
    """

    lines: int
    orders: int
    repeated: Mapping[str, int]
    asked: Sequence[int]


@dataclass(slots=True, repr=False)
class _Line:
    """One row of one order. Holds plaintext, so it has no repr."""

    row: int
    reference: str
    parties: tuple[str, ...]
    goods: str
    quantity: str
    remark: str
    waybill_number: str
    routing_code: str
    fault: tuple[str, str] | None


def survey(layout: Layout) -> Survey:
    """Count the file's orders, and find which unexplained columns hold anything."""
    seen: set[int] = set()
    repeated: dict[str, int] = {}
    blank = set(layout.unplaced)
    lines = singles = 0
    for _, cells, reference in _order_rows(layout):
        lines += 1
        for at in tuple(blank):
            if at < len(cells) and clean(cells[at]):
                blank.discard(at)
        if not reference or lost_digits(reference):
            singles += 1
        elif hash(reference) in seen:
            repeated[reference] = repeated.get(reference, 1) + 1
        else:
            seen.add(hash(reference))
    return Survey(
        lines=lines,
        orders=len(seen) + singles,
        repeated=repeated,
        asked=[at for at in layout.unplaced if at not in blank],
    )


def parcels(layout: Layout, repeated: Mapping[str, int], *, confidence: float) -> Iterator[Parcel | Fault]:
    """Every order of the file once, in the order in which its last line stands; nothing is left out."""
    read = _Columns(layout, confidence)
    held: dict[str, list[_Line]] = {}
    for number, cells, reference in _order_rows(layout):
        line = read.line(number, cells, reference)
        wanted = repeated.get(reference, 1)
        if wanted == 1 or (line.fault and line.fault[0] == "reference"):
            yield _parcel([line])
            continue
        lines = held.setdefault(reference, [])
        lines.append(line)
        if len(lines) == wanted:
            yield _parcel(held.pop(reference))
    for lines in held.values():
        yield _parcel(lines)


def _order_rows(layout: Layout) -> Iterator[tuple[int, list[str], str]]:
    """The rows below the headers with each row's order number; blank rows and totals are no orders.

    A row that names neither order nor recipient but does name goods goes on with the order above it: merged cells.
    """
    columns = layout.columns
    at = [*columns.get("reference", ()), sys.maxsize][0]  # a file that is only being asked about may have none
    recipient = [n for name, hits in columns.items() if name.startswith("recipient.") for n in hits]
    goods = [n for name in ("goods", "quantity") for n in columns.get(name, ())]
    above = ""
    for number, cells in layout.reading.rows():
        if number <= layout.header_row:
            continue
        reference = clean(cells[at]) if at < len(cells) else ""
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


class _Columns:
    """Picks the texts of an order out of a row's cells."""

    def __init__(self, layout: Layout, confidence: float) -> None:
        columns = layout.columns
        self._confidence = confidence
        self._width = len(layout.headers)
        self._single = [
            columns.get(name, ()) for name in ("goods", "quantity", "remark", "waybill_number", "routing_code")
        ]
        self._party = [{part: columns.get(f"{party}.{part}", ()) for part in _PARTS} for party in PARTIES]
        self._default = _texts(layout.sender) if layout.sender else ("", "", "")
        self._used = {at: name for name, hits in columns.items() for at in hits}

    def line(self, row: int, cells: Sequence[str], reference: str) -> _Line:
        """One row as a line of an order, with what is wrong with it, if anything."""
        fault = self._fault(cells)
        texts: list[str] = []
        for party, columns in zip(PARTIES, self._party, strict=True):
            found, problem = self._read_party(cells, columns)
            if problem and fault is None:
                fault = f"{party}.line", problem
            if party == "sender":
                found = tuple(text or default for text, default in zip(found, self._default, strict=True))
            texts += found
        goods, quantity, remarks, waybills, routes = (
            [t for at in hits if (t := _cell(cells, at))] for hits in self._single
        )
        waybill, route = (waybills or [""])[0], (routes or [""])[0]
        if fault is None:
            for name, text in (("reference", reference), ("waybill_number", waybill), ("routing_code", route)):
                if lost_digits(text):
                    fault = name, "spreadsheet-exponent"
                    break
        return _Line(
            row,
            reference,
            tuple(texts),
            " ".join(goods),
            (quantity or [""])[0],
            "；".join(remarks),
            waybill,
            route,
            fault,
        )

    def _fault(self, cells: Sequence[str]) -> tuple[str, str] | None:
        if len(cells) > self._width and any(map(clean, cells[self._width :])):
            return "row", "more-cells-than-headers"
        for at, text in enumerate(cells):
            if DAMAGED in text and at in self._used:
                return self._used[at], "damaged-character"
        return None

    def _read_party(
        self, cells: Sequence[str], columns: Mapping[str, Sequence[int]]
    ) -> tuple[tuple[str, ...], str | None]:
        name, company = (_first(cells, columns[part]) for part in ("name", "company"))
        phone = phone_again(_first(cells, columns["mobile"]) or _first(cells, columns["phone"]))
        detail = [t for at in columns["address"] if (t := _cell(cells, at))]
        areas = [_first(cells, columns[part]) for part in ("region", "province", "city", "district", "street")]
        problem = None
        pasted = _first(cells, columns["line"]) if columns["line"] and not detail else ""
        if pasted:
            apart = take_apart(pasted)
            found = _texts(apart.party)
            name, phone, detail = name or found[0], phone or found[1], [found[2]]
            if apart.confidence < self._confidence:
                problem = f"taken-apart-with-confidence-{apart.confidence:.2f}"
        return (name, phone, _address([a for a in areas if a not in _NO_PLACE], detail, company)), problem


_PARTS = ("name", "mobile", "phone", "region", "province", "city", "district", "street", "address", "company", "line")


def _cell(cells: Sequence[str], at: int) -> str:
    return clean(cells[at]) if at < len(cells) else ""


def _first(cells: Sequence[str], columns: Sequence[int]) -> str:
    for at in columns:
        if at < len(cells) and (text := clean(cells[at])):
            return text
    return ""


def _texts(party: Party) -> tuple[str, str, str]:
    return party.name.reveal(), party.phone.reveal(), party.address.reveal()


def _address(areas: Sequence[str], detail: Sequence[str], company: str) -> str:
    """One address of its parts, widest first where it is Chinese; a part that the detail repeats is said once."""
    known = [re.sub(r"[\s/,-]+", "", area) for area in areas if area]
    known = [area for n, area in enumerate(known) if area not in known[:n]]
    tail = [*detail, *([company] if company and company not in "".join(detail) else [])]
    if not known:
        return " ".join(tail)
    if all(text.isascii() for text in (*areas, *tail)):
        return ", ".join([*tail, *reversed(list(dict.fromkeys(filter(None, areas))))])
    whole = " ".join(tail)
    for n in range(len(known)):
        if re.sub(r"\s+", "", whole).startswith("".join(known[n:])):
            return "".join(known[:n]) + whole
    return "".join(known) + whole


def _parcel(lines: Sequence[_Line]) -> Parcel | Fault:
    """One parcel of all lines of an order, or why not; every row is named."""
    rows = tuple(line.row for line in lines)
    for line in lines:
        if line.fault:
            return Fault(rows=rows, field=line.fault[0], rule=line.fault[1])
    first = lines[0]
    parties, waybill, route = list(first.parties), first.waybill_number, first.routing_code
    if len(lines) > _MOST_LINES:
        return Fault(rows=rows, field="reference", rule=f"more-than-{_MOST_LINES}-lines")
    for line in lines[1:]:
        for n, text in enumerate(line.parties):
            if text and parties[n] and text != parties[n]:
                return Fault(rows=rows, field=_PARTY_FIELDS[n], rule="lines-of-one-order-differ")
            parties[n] = parties[n] or text
        for name, mine, text in (
            ("waybill_number", waybill, line.waybill_number),
            ("routing_code", route, line.routing_code),
        ):
            if mine and text and mine != text:
                return Fault(rows=rows, field=name, rule="lines-of-one-order-differ")
        waybill, route = waybill or line.waybill_number, route or line.routing_code
    recipient, sender = (
        Party(name=name, phone=phone, address=address) for name, phone, address in (parties[:3], parties[3:])
    )
    remarks = dict.fromkeys(line.remark for line in lines if line.remark)
    order = Order(
        reference=first.reference,
        recipient=recipient,
        sender=sender,
        goods=_goods(lines),
        remark="；".join(remarks),
        waybill_number=waybill,
        routing_code=route,
    )
    return Parcel(rows=rows, order=order)


_PARTY_FIELDS = tuple(f"{party}.{part}" for party in PARTIES for part in ("name", "phone", "address"))


def _goods(lines: Sequence[_Line]) -> str:
    """The goods of all lines, equal ones counted together; a quantity of one is not written."""
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
