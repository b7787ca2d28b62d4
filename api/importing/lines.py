"""Turns one row into one line of an order: cleans cells, repairs phones and joins the parts of addresses."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import final

from masking.values.plaintext import Party

from .answers import NEEDED
from .cells import ERRORS, clean, is_placeholder, lost_digits, phone_again, whole_again
from .decoding import DAMAGED
from .deliverable import is_nowhere, is_uncallable
from .headers import PARTIES
from .layout import WAYS, Layout
from .pasted import LONGEST, take_apart
from .workbook import SpoiledNumber

Texts = tuple[str, str, str]
"""Name, phone, address."""

_NO_PLACE = frozenset({"市辖区", "县", "其它区", "其他区", "其它", "其他", "暂无", "无", "-", "/", "null", "None"})
"""What platforms write if an address has no such part."""

_NO_NUMBER = frozenset(["-", "--", "/", "无", "暂无", "null", "None", "NULL"])
_WITH_CARRIER = re.compile(
    r"([A-Za-z0-9]{6,32})\s*[-,，:：;；/ (（]\s*[㐀-鿿].{0,20}|[㐀-鿿]{1,20}\s*[-,，:：;；/ ]\s*([A-Za-z0-9]{6,32})"
)
_LONGEST_NUMBER = 80
"""Characters of a waybill number with its carrier. A longer cell is no such number, and its blanks would take long."""
_HAN = re.compile(r"[㐀-鿿]")
_NUMBERS = frozenset({"reference", "mobile", "phone", "waybill_number", "routing_code", "name"})
_AREAS = ("region", "province", "city", "district", "street")


@final
@dataclass(slots=True, repr=False)
class OrderLine:
    """One row of one order, and its fault as field and rule. It holds plaintext, so it has no repr."""

    row: int
    reference: str
    recipient: Texts
    sender: Texts
    goods: str
    quantity: str
    remark: str
    waybill_number: str
    routing_code: str
    parcel: str
    """Which parcel of its order the row belongs to, if it says so: `1/3`."""
    fault: tuple[str, str] | None


@final
class LineReader:
    """Reads the fields of an order from the cells of a row."""

    def __init__(self, layout: Layout, confidence: float) -> None:
        columns = layout.columns
        self._confidence = confidence
        self._width = len(layout.headers)
        self._used = {at: name for name, hits in columns.items() for at in hits}
        self._goods, self._quantity, self._remark, self._waybill, self._route = (
            columns.get(name, ()) for name in ("goods", "quantity", "remark", "waybill_number", "routing_code")
        )
        self._parcel = columns.get("parcel", ())
        self._recipient, self._sender = (_columns_of(party, columns) for party in PARTIES)
        self._default = texts(layout.sender) if layout.sender else ("", "", "")

    def line(self, row: int, cells: Sequence[str], reference: str) -> OrderLine:
        """One row as a line of an order; its member `fault` says what is wrong."""
        fault = self._damage(cells)
        recipient, unsure = self._party(cells, self._recipient)
        if unsure:
            fault = fault or ("recipient.line", unsure)
        if not all(recipient):
            fault = fault or _placeholder("recipient", recipient, cells, self._recipient)
        sender, unsure = self._party(cells, self._sender)
        if unsure:
            fault = fault or ("sender.line", unsure)
        name, phone, address = sender
        if not (name and phone and address):
            sender = name or self._default[0], phone or self._default[1], address or self._default[2]
        waybill, route = whole_again(_waybill_number(_first(cells, self._waybill))), _first(cells, self._route)
        if fault is None:
            for field, text in (
                ("reference", reference),
                ("recipient.phone", recipient[1]),
                ("waybill_number", waybill),
                ("routing_code", route),
            ):
                if lost_digits(text):
                    fault = field, "spreadsheet-exponent"
                    break
            fault = fault or _undeliverable(recipient)
        return OrderLine(
            row,
            reference,
            recipient,
            sender,
            " ".join(_all(cells, self._goods)),
            _first(cells, self._quantity),
            "；".join(_all(cells, self._remark)),
            waybill,
            route,
            _first(cells, self._parcel),
            fault,
        )

    def _damage(self, cells: Sequence[str]) -> tuple[str, str] | None:
        if len(cells) > self._width and any(map(clean, cells[self._width :])):
            return "row", "more-cells-than-headers"
        for at, text in enumerate(cells):
            if type(text) is SpoiledNumber and self._used.get(at, "").rpartition(".")[2] in _NUMBERS:
                return self._used[at], "date-in-place-of-a-number"
        whole = "".join(cells)
        if DAMAGED in whole:
            for at, text in enumerate(cells):
                if DAMAGED in text and at in self._used:
                    return self._used[at], "damaged-character"
        if "#" in whole or "Err:" in whole:
            for at, text in enumerate(cells):
                if at in self._used and clean(text) in ERRORS:
                    return self._used[at], "spreadsheet-error"
        return None

    def _party(self, cells: Sequence[str], columns: Mapping[str, Sequence[int]]) -> tuple[Texts, str | None]:
        """A party's name, phone and address, and the rule that makes them uncertain, if any."""
        if not columns:
            return ("", "", ""), None
        company = _first(cells, columns.get("company", ()))
        name = _first(cells, columns.get("name", ())) or _joined_name(
            *(_first(cells, columns.get(part, ())) for part in ("given_name", "family_name"))
        )
        phone = phone_again(_first(cells, columns.get("mobile", ())) or _first(cells, columns.get("phone", ())))
        detail = _without_repeats(_all(cells, columns.get("address", ())))
        unsure = None
        if "line" in columns and not detail and (pasted := _first(cells, columns["line"])):
            apart = take_apart(pasted)
            found = texts(apart.party)
            name, phone, detail = name or found[0], phone or found[1], [found[2]]
            if len(pasted) > LONGEST:
                unsure = f"longer-than-{LONGEST}"
            elif apart.confidence < self._confidence:
                unsure = f"taken-apart-with-confidence-{apart.confidence:.2f}"
        areas = [area for part in _AREAS if part in columns and (area := _first(cells, columns[part])) not in _NO_PLACE]
        if not any(areas) and not company and len(detail) == 1:
            return (name, phone, detail[0]), unsure
        return (name, phone, _address([area for area in areas if area], detail, company)), unsure


def texts(party: Party) -> Texts:
    """A party's name, phone and address in plain text."""
    return party.name.reveal(), party.phone.reveal(), party.address.reveal()


def _columns_of(party: str, columns: Mapping[str, Sequence[int]]) -> dict[str, Sequence[int]]:
    return {name.partition(".")[2]: hits for name, hits in columns.items() if name.startswith(f"{party}.") and hits}


def _first(cells: Sequence[str], columns: Sequence[int]) -> str:
    for at in columns:
        if at < len(cells) and (text := clean(cells[at])) and not is_placeholder(text):
            return text
    return ""


def _all(cells: Sequence[str], columns: Sequence[int]) -> list[str]:
    return [text for at in columns if at < len(cells) and (text := clean(cells[at])) and not is_placeholder(text)]


def _undeliverable(recipient: Texts) -> tuple[str, str] | None:
    _, phone, address = recipient
    if phone and address and is_uncallable(phone, address):
        return "recipient.phone", "not-a-whole-phone"
    return ("recipient.address", "without-a-road-or-place") if address and is_nowhere(address) else None


def _placeholder(
    party: str, said: Texts, cells: Sequence[str], columns: Mapping[str, Sequence[int]]
) -> tuple[str, str] | None:
    """The part of a party whose cells hold only a placeholder, with the rule; None if they are blank."""
    for part, text in zip(NEEDED, said, strict=True):
        hits = [at for way in WAYS.get(part, (part,)) for at in columns.get(way, ())]
        if not text and any(at < len(cells) and clean(cells[at]) for at in hits):
            return f"{party}.{part}", "placeholder"
    return None


def _waybill_number(text: str) -> str:
    """The number in a cell that names the carrier too, as in `YT0000000001-圆通`."""
    found = _WITH_CARRIER.fullmatch(text) if len(text) <= _LONGEST_NUMBER else None
    return (found[1] or found[2]) if found else text


def _joined_name(given: str, family: str) -> str:
    """A name from two columns, in the order of its script: 张三, but San Zhang."""
    if given and family and not (given + family).isascii() and _HAN.search(given + family):
        return family + given
    return f"{given} {family}".strip()


def _without_repeats(parts: Sequence[str]) -> Sequence[str]:
    """One column if it says all of the others, as Shopify's `Shipping Street` does; otherwise all of them."""
    whole = max(parts, key=len, default="")
    return [whole] if len(parts) > 1 and all(part in whole for part in parts) else parts


def _address(areas: Sequence[str], detail: Sequence[str], company: str) -> str:
    """One address from its parts; a Chinese one starts with the widest. A part that the detail repeats is left out."""
    known = list(dict.fromkeys(re.sub(r"[\s/,-]+", "", area) for area in areas))
    tail = [*detail, *([company] if company and company not in "".join(detail) else [])]
    if all(text.isascii() for text in (*areas, *tail)):
        return ", ".join([*tail, *reversed(list(dict.fromkeys(areas)))])
    whole = " ".join(tail)
    packed = re.sub(r"\s+", "", whole)
    for n in range(len(known)):
        if packed.startswith("".join(known[n:])):
            return "".join(known[:n]) + whole
    return "".join(known) + whole
