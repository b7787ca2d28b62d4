"""Plaintext: what a merchant knows of an order, in types that do not print themselves.

`Order` and `Party` hold what was said; `problems` tells what checkout would reject, by field and rule. A `Plain` shows
its text only to code that asks by name (`reveal`), never through `repr`, `str`, `format`, JSON, pickle or a traceback.
Printers may not import this module (a contract in CI).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, NoReturn, final

from masking.rules import Rule

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
"""How many characters a text of an order may have, and the rule that a longer one breaks; by the last part of its name."""

WAYBILL_NUMBER = re.compile(r"[A-Za-z0-9-]{6,32}")
ROUTING_CODE = re.compile(r"[A-Za-z0-9 -]{2,32}")


@final
class Plain:
    """A personal text that does not print itself."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself. Every call is a place to look at in review."""
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
        raise TypeError("a Plain is not serialised; reveal() it where that is meant")

    __getstate__ = __reduce__


def _plain(value: str | Plain, what: str) -> Plain:
    if isinstance(value, Plain):
        return value
    if not isinstance(value, str):
        raise TypeError(f"{what} must be a string")
    return Plain(value.strip())


class Problem(NamedTuple):
    """What is wrong with an order: the field and the rule it breaks, never the value."""

    field: str
    rule: Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True, init=False)
class Party:
    """A recipient or a sender: name, phone, address, as typed, trimmed."""

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

    `reference` is the merchant's order number, trimmed: required, printable, and the idempotency key. `waybill_number` and
    `routing_code` belong to the carrier and may follow later through `ship`. `show_goods` prints the goods text
    (masked like any free text) instead of a category word.
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
        """What checkout would reject, worst first; empty for a good order."""
        found = list(reference_problems(self.reference))
        for name, value in self.fields().items():
            found += _text_problems(name, value.reveal())
        found += number_problems(self.waybill_number, self.routing_code)
        return found


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """What the next step of this parcel needs, opened.

    `fields` maps names of `FIELDS` (and `recipient.surname`) to plaintext; `view_ref` is drawn over it on the screen,
    so that a photograph names the view; keep it in memory only, until `valid_until`; `remaining` parcels today.
    """

    fields: Mapping[str, Plain]
    view_ref: str
    valid_until: datetime
    remaining: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Connect:
    """Ring `to` ("+8657180000002;ext=301"), showing both sides `shown`; `call` names the call in its reports.

    For the switch alone.
    """

    to: Plain
    shown: str
    call: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """A call that a provider is to connect: `a` may ring `b` until then. For the provider's port alone."""

    call: bytes
    waybill: bytes
    a: Plain
    b: Plain
    until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """Enrolled; `code` is told this once, and stored only as a hash. It lets one device in, once, until then."""

    id: str
    code: Plain
    until: datetime


def number_problems(waybill_number: str | None, routing_code: str | None) -> list[Problem]:
    """What is wrong with a carrier's waybill number or routing code, if given."""
    found = []
    if waybill_number is not None and not _matches(WAYBILL_NUMBER, waybill_number):
        found.append(Problem("waybill_number", Rule.WAYBILL_NUMBER_MALFORMED))
    if routing_code is not None and not _matches(ROUTING_CODE, routing_code):
        found.append(Problem("routing_code", Rule.ROUTING_CODE_MALFORMED))
    return found


def reference_problems(reference: str) -> list[Problem]:
    """What is wrong with a merchant's order number."""
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


def _text_problems(name: str, text: str) -> list[Problem]:
    kind = name.rsplit(".", 1)[-1]
    if not text:
        return [] if kind in {"goods", "remark"} else [Problem(name, Rule.MISSING)]
    limit, longer = LIMITS[kind]
    if len(text) > limit:
        return [Problem(name, longer)]
    if any(unicodedata.category(ch) in {"Cc", "Cs", "Co", "Cn"} and ch not in "\n\t" for ch in text):
        return [Problem(name, Rule.CONTROL_CHARACTER)]
    if kind in {"name", "phone", "address"} and ("**" in text or "••" in text or (kind == "phone" and "*" in text)):
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
