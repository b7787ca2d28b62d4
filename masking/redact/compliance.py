"""The comparison of what is shown with the order it came from, leak by leak.

It looks only at texts, not at how they were masked, so that it also judges what was read from a finished label. A leak
names the field and the rule, never the value.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from masking.order import Order, Party
from masking.redact.doors import door_parts
from masking.redact.levels import Level
from masking.redact.normalise import HAN_NUMERALS, normalise
from masking.redact.phones import find_phones
from masking.waybill import MaskedView

_RULES = {Level.BUILDING: "building", Level.UNIT: "unit", Level.FLOOR: "floor", Level.ROOM: "room"}


class Leak(NamedTuple):
    """One rule that a field breaks."""

    field: str
    rule: str


def leaks(view: MaskedView, order: Order) -> list[Leak]:
    """What a view still shows of its order that it may not; empty for a good one."""
    shown = {name: normalise(masked.text).text for name, masked in view.fields().items()}
    found = [Leak("stamp", "missing")] if not view.stamp else []
    for who, party in (("recipient", order.recipient), ("sender", order.sender)):
        found += _name(f"{who}.name", party, shown)
        found += _phone(f"{who}.phone", party, shown)
        found += _address(f"{who}.address", party, shown)
    return found


def _name(field: str, party: Party, shown: dict[str, str]) -> list[Leak]:
    name = _letters(normalise(party.name.reveal()).text)
    found = []
    if name and _letters(shown[field]) == name:
        found.append(Leak(field, "name-whole"))
    if len(name) > 1:
        found += [Leak(where, "name-of-" + field.partition(".")[0]) for where, text in shown.items() if name in text]
    return found


def _phone(field: str, party: Party, shown: dict[str, str]) -> list[Leak]:
    normal = normalise(party.phone.reveal())
    found = []
    digits = re.sub(r"\D", "", normal.text)
    visible = re.sub(r"\D", "", shown[field])
    if len(visible) > max(0, len(digits) - 6):
        found.append(Leak(field, "phone-six-digits"))
    for phone in find_phones(normal):
        for where, text in shown.items():
            if phone.digits in re.sub(r"[ \-._]", "", text):
                found.append(Leak(where, "phone-of-" + field.partition(".")[0]))
    return found


def _address(field: str, party: Party, shown: dict[str, str]) -> list[Leak]:
    normal = normalise(party.address.reveal())
    text = shown[field]
    if len(text) != len(normal.text) or normal.origin is not None:
        return []
    return [
        Leak(field, "address-" + _RULES.get(part.level, "door"))
        for part in door_parts(normal.text)
        if any(_telling(text[n]) for n in range(part.start, part.end))
    ]


def _letters(text: str) -> str:
    return "".join(ch for ch in text if ch.isalnum())


def _telling(ch: str) -> bool:
    return ch.isdecimal() or ch in HAN_NUMERALS or (ch.isascii() and ch.isalpha())
