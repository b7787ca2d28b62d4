"""The comparison of what is shown with the order it came from, leak by leak.

It compares texts, so that it also judges what was read from a finished label, where blanks and line ends may differ. A
leak names the field and the rule, never the value. The rules are GB/T 41833-2022's minimum (name, six digits, unit and
room) and what this project hides beyond it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from typing import NamedTuple, final

from masking.order import Order
from masking.redact.facts import Facts, facts_of
from masking.redact.freetext import find_personal
from masking.redact.goods import NEUTRAL, category, is_sensitive
from masking.redact.known import find_words
from masking.redact.levels import Level
from masking.redact.normalise import HAN_NUMERALS, Normal, normalise
from masking.redact.spans import Span
from masking.waybill import MaskedView

_RULES = {Level.BUILDING: "building", Level.UNIT: "unit", Level.FLOOR: "floor", Level.ROOM: "room"}
_TOKEN = re.compile(rf"[A-Za-z]*\d+[A-Za-z]*|[{HAN_NUMERALS}]+")
_PLAIN_DOOR = re.compile(r"\d(?:单元|室|[栋幢](?![之中])|号楼(?![之中]))")


@final
class Leak(NamedTuple):
    """One rule that a field breaks."""

    field: str
    rule: str


def leaks(view: MaskedView, order: Order) -> list[Leak]:
    """What a view still shows of its order that it may not; empty for a good one."""
    return check(view, order, facts_of(order.recipient), facts_of(order.sender))


def check(view: MaskedView, order: Order, recipient: Facts, sender: Facts) -> list[Leak]:
    """The same, for parties that have been read."""
    shown = {name: normalise(masked.text) for name, masked in view.fields().items()}
    found = [] if view.stamp else [Leak("stamp", "missing")]
    for who, facts in (("recipient", recipient), ("sender", sender)):
        found += _name(f"{who}.name", facts, shown)
        found += _phone(f"{who}.phone", facts, shown)
        found += _address(f"{who}.address", facts, view.fields()[f"{who}.address"].text, shown)
    goods = order.goods.reveal()
    open_goods = order.show_goods and not is_sensitive(goods)
    if not open_goods and shown["goods"].text not in {category(goods), NEUTRAL, ""}:
        found.append(Leak("goods", "goods-no-category-word"))
    for field in ("goods", "remark") if open_goods else ("remark",):
        text = view.fields()[field].text
        if any(_visible(text, span) for span in find_personal(shown[field])):
            found.append(Leak(field, "personal-text"))
    return list(dict.fromkeys(found))


def _name(field: str, facts: Facts, shown: Mapping[str, Normal]) -> list[Leak]:
    """At least one letter of the name is hidden; no word of it stands elsewhere."""
    letters = "".join(filter(str.isalnum, shown[field].text))
    found = [Leak(field, "name-whole")] if len(letters) >= len(facts.letters) else []
    whole = facts.words[:1]
    return found + [
        Leak(where, "name-of-the-" + field.partition(".")[0])
        for where, normal in shown.items()
        if find_words(normal, whole if where.endswith(".name") else facts.words)
    ]


def _phone(field: str, facts: Facts, shown: Mapping[str, Normal]) -> list[Leak]:
    """At least six digits of each phone and its last four are hidden; no phone stands elsewhere."""
    digits, visible = _digits(facts.phone.text), _digits(shown[field].text)
    found = []
    if len(visible) > max(0, len(digits) - 6 * max(1, len(facts.phones))):
        found.append(Leak(field, "phone-six-digits"))
    if len(visible) >= 4 and digits.endswith(visible[-4:]):
        found.append(Leak(field, "phone-last-four"))
    numbers = [phone.digits[-11:] for phone in facts.phones] or [digits]
    for where, normal in shown.items():
        told = _digits(normal.text)
        if len(told) >= 7 and any(number in told for number in numbers):
            found.append(Leak(where, "phone-of-the-" + field.partition(".")[0]))
    return found


def _address(field: str, facts: Facts, text: str, shown: Mapping[str, Normal]) -> list[Leak]:
    """No part of the door is visible, and no phone or person that stood in the address."""
    address = facts.address
    if len(text) == len(address.text):
        found = [
            Leak(field, "address-" + _RULES[part.level])
            for part in address.doors
            if _telling(text, address.normal.back(part.start, part.end))
        ]
        found += [Leak(field, "address-personal") for span in address.personal if _visible(text, span)]
    else:
        found = _by_tokens(field, facts, shown[field].text)
    if _PLAIN_DOOR.search(shown[field].text):
        found.append(Leak(field, "address-door"))
    return found


def _by_tokens(field: str, facts: Facts, shown: str) -> list[Leak]:
    """The same where places can't be compared: a number of the door may stand as often as it stands outside the door."""
    plain = facts.address.normal.text
    outside = plain
    for part in facts.address.doors:
        outside = outside[: part.start] + " " * (part.end - part.start) + outside[part.end :]
    spare = Counter(_TOKEN.findall(shown))
    spare.subtract(_TOKEN.findall(outside))
    return [
        Leak(field, "address-" + _RULES[part.level])
        for part in facts.address.doors
        if any(spare[token] > 0 for token in _TOKEN.findall(plain[part.start : part.end]))
    ]


def _digits(text: str) -> str:
    return "".join(filter(str.isdecimal, text))


def _visible(text: str, span: Span) -> bool:
    return any(ch.isalnum() for ch in text[span[0] : span[1]])


def _telling(text: str, span: Span) -> bool:
    """Whether a digit, a Latin letter or a Han numeral is visible."""
    return any(
        ch.isnumeric() or ch in HAN_NUMERALS or (ch.isalpha() and not "一" <= ch <= "鿿")
        for ch in text[span[0] : span[1]]
    )
