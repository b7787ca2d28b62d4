"""The leak check for a finished label: compares text read back from the paper or the file with the order.

Only lines of text are known, not the field of each. An address masked with asterisks is compared character by character
with its original. Solid blocks leave no character to read, so the check looks for parts of the door after the beginning of
the address, and for both ends of a phone. Names, phones and whole doors are searched everywhere. A leak names the field
and the rule, never the value.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from masking.redact.compliance import RULES, Leak, is_revealing
from masking.redact.facts import ParsedParty, facts_of
from masking.redact.freetext import find_personal
from masking.redact.goods import category, is_sensitive
from masking.redact.levels import AddressLevel
from masking.redact.normalise import normalise
from masking.redact.spans import SIGN
from masking.values.plaintext import Order

_BLANK = re.compile(r"\s+")
_NUMBER = re.compile(r"[\d*]{7,}")
_DIGITS = re.compile(r"(?<![\d*])\d{6,}(?![\d*])")
_STARTS = 6
"""How many characters of an address are searched for on the label, to find where the comparison starts."""


def printed_leaks(lines: Sequence[str], order: Order) -> list[Leak]:
    """The rules that the lines of a label break for an order; empty if the label is safe."""
    tight = [_tight(line) for line in lines]
    text = "".join(tight)
    found: list[Leak] = []
    for who, party in (("recipient", order.recipient), ("sender", order.sender)):
        facts = facts_of(party)
        found += [Leak(f"{who}.name", "name-on-the-label") for word in facts.words[:1] if _tight(word) in text]
        found += _phones(f"{who}.phone", facts, tight)
        found += _address(f"{who}.address", facts, text)
    goods = order.goods.reveal()
    said = _tight(goods)
    if (not order.show_goods or is_sensitive(goods)) and len(said) > 1 and said != category(goods) and said in text:
        found.append(Leak("goods", "goods-on-the-label"))
    remark = order.remark.reveal()
    personal = [_tight(remark[start:end]) for start, end in find_personal(normalise(remark))]
    found += [Leak("remark", "personal-text") for part in personal if len(part) > 3 and part in text]
    return list(dict.fromkeys(found))


def _stands(part: str, text: str) -> bool:
    """Whether a string contains a part of the door, and not only as a piece of a longer number."""
    if len(part) < 2 or not is_revealing(part):
        return False
    return re.search(rf"(?<!\d){re.escape(part)}(?!\d)" if part[0].isdigit() else re.escape(part), text) is not None


def _tight(text: str) -> str:
    return _BLANK.sub("", normalise(text).text.lower())


def _phones(field: str, facts: ParsedParty, lines: Sequence[str]) -> list[Leak]:
    """Leaks of a phone: the whole number, or a masked one that shows too many digits or the last four."""
    found = []
    for number in facts.phone.numbers:
        for line in lines:
            bare = line.replace("-", "")
            if number in bare:
                found.append(Leak(field, "phone-on-the-label"))
            for run in _NUMBER.findall(bare):
                shown = next((part for part in _windows(run, number)), "")
                if len(shown.replace(SIGN, "")) > len(number) - 6:
                    found.append(Leak(field, "phone-six-digits"))
                if shown[-4:].isdecimal():
                    found.append(Leak(field, "phone-last-four"))
            if any(_ends(run, number) for run in _DIGITS.findall(bare)):
                found.append(Leak(field, "phone-six-digits"))
    return found


def _ends(run: str, number: str) -> bool:
    """Whether a run of digits is the two ends of a phone, with fewer than six digits missing between them."""
    if not len(number) - 6 < len(run) < len(number):
        return False
    return any(number.startswith(run[:n]) and number.endswith(run[n:]) for n in range(3, len(run)))


def _windows(run: str, number: str) -> list[str]:
    """The parts of a run of digits and asterisks that can be this number, masked."""
    size = len(number)
    parts = [run[n : n + size] for n in range(len(run) - size + 1)]
    return [
        part
        for part in parts
        if SIGN in part and SIGN * size != part and all(a in (SIGN, b) for a, b in zip(part, number, strict=True))
    ]


def _address(field: str, facts: ParsedParty, text: str) -> list[Leak]:
    """Leaks of a door: the whole door anywhere, or visible characters of it where the address is found on the label."""
    plain = facts.address.low
    level = [AddressLevel.NOTHING] * len(plain)
    for part in facts.address.doors:
        level[part.start : part.end] = [part.level] * (part.end - part.start)
    kept = [n for n, ch in enumerate(plain) if not ch.isspace()]
    plain, level = "".join(plain[n] for n in kept), [level[n] for n in kept]
    parts = [(_tight(facts.address.normal.text[part.start : part.end]), part.level) for part in facts.address.doors]
    found = []
    at = text.find(plain[:_STARTS])
    while at >= 0:
        for ch, own, depth in zip(text[at:], plain, level, strict=False):
            if ch not in (SIGN, own):
                break
            if ch != SIGN and depth >= AddressLevel.BUILDING and is_revealing(ch):
                found.append(Leak(field, "address-" + RULES[depth]))
        behind = text[at + _STARTS : at + len(plain)]
        found += [Leak(field, "address-" + RULES[deep]) for part, deep in parts if _stands(part, behind)]
        at = text.find(plain[:_STARTS], at + 1)
    door = "".join(ch for ch, depth in zip(plain, level, strict=True) if depth >= AddressLevel.BUILDING)
    if len(door) > 3 and door in text:
        found.append(Leak(field, "address-door"))
    return found
