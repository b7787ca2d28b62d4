"""Plaintext values: orders and opened fields, in types that don't print their content.

`Order` and `Party` hold the data as given, and `Order.problems` lists what checkout would reject. A `Plain` gives its
string only to an explicit `reveal()`, never through `repr`, `str`, `format`, JSON, pickle or a traceback.
Printers must not import this module (import-linter enforces it).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NoReturn, final

from masking.words.rules import Rule

FIELDS = (
    "recipient.name",
    "recipient.phone",
    "recipient.address",
    "sender.name",
    "sender.phone",
    "sender.address",
    "goods",
    "remark",
)
"""The eight personal fields of an order, in the order in which they are sealed (FORMAT.md section 2)."""

LIMITS = {
    "reference": (64, Rule.LONGER_THAN_64),
    "name": (64, Rule.LONGER_THAN_64),
    "phone": (40, Rule.LONGER_THAN_40),
    "address": (300, Rule.LONGER_THAN_300),
    "goods": (500, Rule.LONGER_THAN_500),
    "remark": (500, Rule.LONGER_THAN_500),
}
"""By the last part of a field's name: the most characters that it may have, and the rule that a longer value breaks."""

WAYBILL_NUMBER = re.compile(r"[A-Za-z0-9-]{6,32}")
ROUTING_CODE = re.compile(r"[A-Za-z0-9 -]{2,32}")

_SIGNS = "*＊﹡∗⁎✱●•∙⚫■▇█×✕✖＃#_＿"
_MASKED = {
    "name": re.compile(
        rf"[{_SIGNS}○◯□·]{{2}}|[㐀-鿿][*＊﹡●•■×]|[㐀-鿿][{_SIGNS}○◯□·]$|(?<![A-Za-z])[xX]{{2,}}(?![A-Za-z])"
    ),
    "phone": re.compile(rf"[{_SIGNS}·]{{2}}|[*＊﹡●•■×]|(?<=\d)[xX]{{2,}}|(?<=\d)[-–—]{{3,}}(?=\d)"),
    "address": re.compile(rf"[{_SIGNS}]{{2}}|·{{2}}|(?<![A-Za-z])[xX]{{2,}}(?![A-Za-z])"),
}
"""The signs that shops put in the place of hidden characters."""


@final
class Plain:
    """A personal string that doesn't print its content."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The plaintext string. Review every call of this method."""
        return self._text

    def __bool__(self) -> bool:
        return bool(self._text)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Plain) and self._text == other._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __repr__(self) -> str:
        return "Plain(hidden)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Plain can't be serialised. Call reveal() where the plaintext is meant to be written")

    __getstate__ = __reduce__


def _plain(value: str | Plain, what: str) -> Plain:
    if isinstance(value, Plain):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string")
    return Plain(value.strip())


class Problem(NamedTuple):
    """A fault of an order: the field and the rule that it breaks, never the value."""

    field: str
    rule: Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Party:
    """A recipient or a sender: name, phone and address as typed, without surrounding white space."""

    name: Plain
    phone: Plain
    address: Plain

    def __init__(self, *, name: str | Plain, phone: str | Plain, address: str | Plain) -> None:
        object.__setattr__(self, "name", _plain(name, "name"))
        object.__setattr__(self, "phone", _plain(phone, "phone"))
        object.__setattr__(self, "address", _plain(address, "address"))


@final
@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Order:
    """One order at checkout.

    Attributes:
        reference: the merchant's order number, and the idempotency key. Required and printable; white space around it is
            removed.
        recipient, sender: the two parties.
        goods: the merchant's description of the goods.
        remark: the buyer's remark.
        waybill_number, routing_code: the carrier's, which may follow later through `ship`.
        show_goods: print the goods text, masked like any free text, instead of a category word.
    """

    reference: str
    recipient: Party
    sender: Party
    goods: Plain
    remark: Plain
    waybill_number: str | None = None
    routing_code: str | None = None
    show_goods: bool = False

    def __init__(
        self,
        *,
        reference: str,
        recipient: Party,
        sender: Party,
        goods: str | Plain = "",
        remark: str | Plain = "",
        waybill_number: str | None = None,
        routing_code: str | None = None,
        show_goods: bool = False,
    ) -> None:
        put = object.__setattr__
        put(self, "reference", reference.strip() if isinstance(reference, str) else reference)
        put(self, "recipient", recipient)
        put(self, "sender", sender)
        put(self, "goods", _plain(goods, "goods"))
        put(self, "remark", _plain(remark, "remark"))
        put(self, "waybill_number", waybill_number or None)
        put(self, "routing_code", routing_code or None)
        put(self, "show_goods", show_goods)

    def fields(self) -> dict[str, Plain]:
        """The eight personal fields by name, in the order of `FIELDS`."""
        r, s = self.recipient, self.sender
        values = (r.name, r.phone, r.address, s.name, s.phone, s.address, self.goods, self.remark)
        return dict(zip(FIELDS, values, strict=True))

    def problems(self) -> list[Problem]:
        """The faults that make checkout reject the order: of its reference, its fields, then its carrier's numbers."""
        found = list(reference_problems(self.reference))
        for name, value in self.fields().items():
            found += _text_problems(name, value.reveal())
        found += number_problems(self.waybill_number, self.routing_code)
        return found


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """The opened fields that the next step of a parcel needs. Keep it in memory only, until `valid_until`.

    Attributes:
        fields: plaintexts, by names of `FIELDS`, `recipient.surname` and, if the remark holds one, `recipient.door_code`.
        view_ref: the reference of this view. Draw it over the fields on the screen, so that a photograph names the view.
        valid_until: when the plaintexts must be dropped.
        remaining: how many parcels this courier may still open today.
    """

    fields: Mapping[str, Plain]
    view_ref: str
    valid_until: datetime
    remaining: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """The answer to the switch: the phone that a call rings. No other role gets it.

    Attributes:
        to: the phone to ring ("+8657180000002;ext=301").
        shown: the number to show to both sides.
        call: the id of the call, for its reports.
    """

    to: Plain
    shown: str
    call: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A call announced to a number provider: `a` may ring `b` until `until`. Only for the provider's port."""

    call: bytes
    waybill: bytes
    a: Plain
    b: Plain
    until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """A person is enrolled. `code` enrols one device, once, until `until`. It is returned only here and stored as a hash."""

    id: str
    code: Plain
    until: datetime


def number_problems(waybill_number: str | None, routing_code: str | None) -> list[Problem]:
    """The faults of a carrier's waybill number and routing code. None of the two is required."""
    found = []
    if waybill_number is not None and not _matches(WAYBILL_NUMBER, waybill_number):
        found.append(Problem("waybill_number", Rule.WAYBILL_NUMBER_MALFORMED))
    if routing_code is not None and not _matches(ROUTING_CODE, routing_code):
        found.append(Problem("routing_code", Rule.ROUTING_CODE_MALFORMED))
    return found


def reference_problems(reference: str) -> list[Problem]:
    """The faults of a merchant's order number."""
    if not isinstance(reference, str) or not reference.strip():
        return [Problem("reference", Rule.MISSING)]
    limit, longer = LIMITS["reference"]
    if len(reference) > limit:
        return [Problem("reference", longer)]
    if not reference.isprintable():
        return [Problem("reference", Rule.CONTROL_CHARACTER)]
    return []


def _matches(pattern: re.Pattern[str], text: object) -> bool:
    return isinstance(text, str) and pattern.fullmatch(text) is not None


def _is_allowed(char: str) -> bool:
    """Whether a character without a category may be typed: line breaks, and ideographs newer than Python's own table.

    Unicode keeps planes 2 and 3 for ideographs. Each version adds some that stand in the names of living people.
    """
    return char in "\n\t" or (0x20000 <= ord(char) < 0x40000 and ord(char) & 0xFFFE != 0xFFFE)


def _text_problems(name: str, text: str) -> list[Problem]:
    kind = name.rsplit(".", 1)[-1]
    if not text:
        return [] if kind in {"goods", "remark"} else [Problem(name, Rule.MISSING)]
    limit, longer = LIMITS[kind]
    if len(text) > limit:
        return [Problem(name, longer)]
    if any(unicodedata.category(ch) in {"Cc", "Cs", "Co", "Cn"} and not _is_allowed(ch) for ch in text):
        return [Problem(name, Rule.CONTROL_CHARACTER)]
    if kind in _MASKED and _MASKED[kind].search(text):
        return [Problem(name, Rule.ALREADY_MASKED)]
    if kind in {"name", "address"} and not any(ch.isalnum() for ch in text):
        return [Problem(name, Rule.NO_LETTER)]
    if kind == "phone":
        if re.search(r"\d(?:\.\d+)?[eE]\+\d", text):
            return [Problem(name, Rule.SPREADSHEET_EXPONENT)]
        digits = sum(ch.isnumeric() for ch in text)
        if digits < 7:
            return [Problem(name, Rule.FEWER_THAN_7_DIGITS)]
    return []
