"""The comparison of what is shown with the order it came from, leak by leak.

It compares texts, so that it also judges what was read from a finished label, where blanks and line ends may differ. A
leak names the field and the rule, never the value. The rules are GB/T 41833-2022's minimum (name, six digits, unit and
room) and what this project hides beyond it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple, final

from masking.order import Order
from masking.redact.facts import Facts, facts_of
from masking.redact.freetext import find_personal
from masking.redact.goods import NEUTRAL, WORDS, category, is_sensitive
from masking.redact.known import find_words
from masking.redact.levels import Level
from masking.redact.normalise import HAN_NUMERALS, SEPARATOR, Normal, normalise
from masking.redact.spans import SIGN, Span
from masking.waybill import STAMP, MaskedView

RULES = {Level.BUILDING: "building", Level.UNIT: "unit", Level.FLOOR: "floor", Level.ROOM: "room"}
_TOKEN = re.compile(rf"[A-Za-z]*\d+[A-Za-z]*|[{HAN_NUMERALS}]+")
_NOT_DIGITS = re.compile(rf"[^\d{SEPARATOR}]+")
_PHONES = {"recipient": 1, "sender": 4}
"""Where the phones stand among the fields of a view."""
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
    fields = view.fields()
    shown = {name: normalise(masked.text).text for name, masked in fields.items()}
    all_text = SEPARATOR.join(shown.values())
    all_digits = _NOT_DIGITS.sub("", all_text)
    all_text = all_text.lower()
    found = [] if view.stamp == STAMP else [Leak("stamp", "missing")]
    for who, facts in (("recipient", recipient), ("sender", sender)):
        letters = len("".join(filter(str.isalnum, shown[f"{who}.name"])))
        if facts.letters and letters >= len(facts.letters):
            found.append(Leak(f"{who}.name", "name-whole"))
        if any(word in all_text for word in facts.words):
            found += _words(who, facts, shown)
        found += _phone(who, facts, all_digits.split(SEPARATOR)[_PHONES[who]])
        if any(number in all_digits for number in facts.numbers):
            found += _numbers(who, facts, dict(zip(fields, all_digits.split(SEPARATOR), strict=True)))
        found += _address(f"{who}.address", facts, fields[f"{who}.address"].text, shown[f"{who}.address"])
    goods = order.goods.reveal()
    open_goods = order.show_goods and not is_sensitive(goods)
    if not open_goods and shown["goods"] not in {category(goods), NEUTRAL, ""}:
        found.append(Leak("goods", "goods-no-category-word"))
    for field in ("goods", "remark") if open_goods else ("remark",):
        text = fields[field].text
        if text and _tells(text, recipient.rooms + sender.rooms):
            found.append(Leak(field, "personal-text"))
    return list(dict.fromkeys(found)) if found else found


def _tells(text: str, rooms: Sequence[str]) -> bool:
    """Whether a free text shows anything personal, or a number of either door."""
    normal = normalise(text)
    return any(_visible(text, span) for span in find_personal(normal) + find_words(normal, rooms))


def _words(who: str, facts: Facts, shown: Mapping[str, str]) -> list[Leak]:
    """No word of a name stands in any other field, nor the whole name in the fields for names."""
    return [
        Leak(field, f"name-of-the-{who}")
        for field, text in shown.items()
        if (field != "goods" or text not in WORDS)
        and find_words(Normal(text, None, len(text)), facts.words[:1] if field.endswith(".name") else facts.words)
    ]


def _phone(who: str, facts: Facts, visible: str) -> list[Leak]:
    """At least six digits of each phone and its last four are hidden."""
    found = []
    if len(visible) > max(0, len(facts.digits) - 6 * max(1, len(facts.phones))):
        found.append(Leak(f"{who}.phone", "phone-six-digits"))
    if len(visible) >= 4 and facts.digits.endswith(visible[-4:]):
        found.append(Leak(f"{who}.phone", "phone-last-four"))
    return found


def _numbers(who: str, facts: Facts, digits: Mapping[str, str]) -> list[Leak]:
    """No phone stands whole in any field."""
    return [
        Leak(field, f"phone-of-the-{who}")
        for field, told in digits.items()
        if any(number in told for number in facts.numbers)
    ]


def _address(field: str, facts: Facts, text: str, shown: str) -> list[Leak]:
    """No part of the door is visible, and no phone or person that stood in the address."""
    address = facts.address
    if len(text) == len(address.text):
        found = [
            Leak(field, "address-" + RULES[part.level])
            for part in address.doors
            if telling(text[slice(*address.normal.back(part.start, part.end))].strip(SIGN))
        ]
        found += [Leak(field, "address-personal") for span in address.personal if _visible(text, span)]
    else:
        found = _by_tokens(field, facts, shown)
    if _PLAIN_DOOR.search(shown):
        found.append(Leak(field, "address-door"))
    return found


def _by_tokens(field: str, facts: Facts, shown: str) -> list[Leak]:
    """The same where places can't be compared: a number may stand as often as it stands outside the door."""
    plain = facts.address.normal.text
    outside = plain
    for part in facts.address.doors:
        outside = outside[: part.start] + " " * (part.end - part.start) + outside[part.end :]
    spare = Counter(_TOKEN.findall(shown))
    spare.subtract(_TOKEN.findall(outside))
    return [
        Leak(field, "address-" + RULES[part.level])
        for part in facts.address.doors
        if any(spare[token] > 0 for token in _TOKEN.findall(plain[part.start : part.end]))
    ]


def _visible(text: str, span: Span) -> bool:
    return any(ch.isalnum() for ch in text[span[0] : span[1]])


def telling(text: str) -> bool:
    """Whether a digit, a Latin letter or a Han numeral is visible."""
    return any(ch.isnumeric() or ch in HAN_NUMERALS or (ch.isalpha() and not "一" <= ch <= "鿿") for ch in text)
