"""The compliance check: compares a masked view with its order and lists the leaks.

It compares strings, so it also applies to text read back from a finished label, where white space and line ends may
differ. A leak names the field and the rule, never the value. The rules are the minimum of GB/T 41833-2022 (name, six
digits, unit and room) and what this project hides beyond it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple, final

from masking.redact.facts import ParsedParty, ReadTexts, facts_of, read_texts
from masking.redact.freetext import find_personal
from masking.redact.goods import NEUTRAL, WORDS
from masking.redact.known import find_ends, find_given, find_words
from masking.redact.levels import AddressLevel
from masking.redact.normalise import HAN_NUMERALS, SEPARATOR, Normal, normalise
from masking.redact.spans import SIGN, Span
from masking.values.plaintext import FIELDS, Order
from masking.values.printable import STAMP, MaskedParty, MaskedView

RULES = {
    AddressLevel.BUILDING: "building",
    AddressLevel.UNIT: "unit",
    AddressLevel.FLOOR: "floor",
    AddressLevel.ROOM: "room",
}
_TOKEN = re.compile(rf"[A-Za-z]*\d+[A-Za-z]*|[{HAN_NUMERALS}]+")
_NO_DIGITS = bytes(code for code in range(128) if chr(code) not in "0123456789" + SEPARATOR)
_PLAIN_DOOR = re.compile(r"\d(?:单元|室|[栋幢](?![之中])|号楼(?![之中]))")


@final
class Leak(NamedTuple):
    """One rule that a field breaks."""

    field: str
    rule: str


def find_leaks(view: MaskedView, order: Order) -> list[Leak]:
    """The rules that a view breaks for its order; empty if the view is safe."""
    recipient, sender = facts_of(order.recipient), facts_of(order.sender)
    return check(view, read_texts(order, recipient, sender), recipient, sender)


def check(
    view: MaskedView, said: ReadTexts, recipient: ParsedParty, sender: ParsedParty, good: MaskedParty | None = None
) -> list[Leak]:
    """The rules that a view breaks, for an analysed order.

    `good` is a masked party that passed before with the same facts. Its own fields are not checked again, only whether its
    name and phone appear elsewhere.
    """
    r, s = view.recipient, view.sender
    shows = (r.name, r.phone, r.address, s.name, s.phone, s.address, view.goods, view.remark)
    texts = [masked.text for masked in shows]
    if SEPARATOR in "".join(texts):
        texts = [text.replace(SEPARATOR, " ") for text in texts]
    whole = normalise(SEPARATOR.join(texts)).text
    shown, digits = whole.split(SEPARATOR), _digits(whole)
    visible = digits.split(SEPARATOR)
    whole = whole.lower()
    found = [] if view.stamp == STAMP else [Leak("stamp", "missing")]
    for who, facts, party, name in (("recipient", recipient, view.recipient, 0), ("sender", sender, view.sender, 3)):
        phone, address = name + 1, name + 2
        own = party is not good
        if own and facts.letters and sum(map(str.isalnum, shown[name])) >= facts.letters:
            found.append(Leak(FIELDS[name], "name-whole"))
        for word in facts.words:
            if word in whole:
                found += _words(who, facts, shown)
                break
        if own:
            found += _phone(FIELDS[phone], facts, visible[phone])
        for number in facts.phone.numbers:
            if number in digits:
                found += [Leak(FIELDS[n], f"phone-of-the-{who}") for n, told in enumerate(visible) if number in told]
        if own:
            found += _address(FIELDS[address], facts, texts[address], shown[address])
    if said.goods is None and shown[6] not in {said.word, NEUTRAL, ""}:
        found.append(Leak("goods", "goods-no-category-word"))
    for field, note, text in (("goods", said.goods, texts[6]), ("remark", said.remark, texts[7])):
        if note and text and (note.personal or text != note.text) and _tells(text, recipient, sender):
            found.append(Leak(field, "personal-text"))  # a clean note shown unchanged is not analysed again
    return list(dict.fromkeys(found)) if found else found


def _digits(whole: str) -> str:
    """The digits and separators of a string in normal form, whose digits are all ASCII."""
    return whole.encode("ascii", "ignore").translate(None, _NO_DIGITS).decode("ascii")


def _tells(text: str, recipient: ParsedParty, sender: ParsedParty) -> bool:
    """Whether a free text shows personal data, a given name or a number of either door."""
    normal = normalise(text)
    spans = find_personal(normal) + find_words(normal, recipient.rooms + sender.rooms)
    spans += find_given(normal, (recipient.called, sender.called))
    spans += find_ends(normal, (*recipient.phone.numbers, *sender.phone.numbers))
    return any(_visible(text, span) for span in spans)


def _words(who: str, facts: ParsedParty, shown: Sequence[str]) -> list[Leak]:
    """Leaks of a name: any word of it in another field, or the whole of it in a name field."""
    return [
        Leak(field, f"name-of-the-{who}")
        for field, text in zip(FIELDS, shown, strict=True)
        if (field != "goods" or text not in WORDS)
        and find_words(Normal(text), facts.words[:1] if field.endswith(".name") else facts.words)
    ]


def _phone(field: str, facts: ParsedParty, visible: str) -> list[Leak]:
    """Leaks of a phone: fewer than six digits of each are hidden, or the last four are visible."""
    found = []
    if len(visible) > facts.phone.spare:
        found.append(Leak(field, "phone-six-digits"))
    if len(visible) >= 4 and facts.phone.digits.endswith(visible[-4:]):
        found.append(Leak(field, "phone-last-four"))
    return found


def _address(field: str, facts: ParsedParty, text: str, shown: str) -> list[Leak]:
    """Leaks of an address: a visible part of the door, or a phone or person that the address contained."""
    address = facts.address
    found: list[Leak] = []
    if len(text) != len(address.text):
        found = _by_tokens(field, facts, shown)
    elif "".join([text[start:end] for start, end in address.hidden]).strip(SIGN):
        found = [
            Leak(field, "address-" + RULES[part.level])
            for part in address.doors
            if is_revealing(text[slice(*address.normal.back(part.start, part.end))].strip(SIGN))
        ]
        found += [Leak(field, "address-personal") for span in address.personal if _visible(text, span)]
    if _PLAIN_DOOR.search(shown):
        found.append(Leak(field, "address-door"))
    return found


def _by_tokens(field: str, facts: ParsedParty, shown: str) -> list[Leak]:
    """Leaks of a door where the shown address has another length, so positions can't be compared.

    A number may appear as often as it appears outside the door.
    """
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


def is_revealing(text: str) -> bool:
    """Whether a digit, a Latin letter or a Han numeral is visible."""
    return any(ch.isnumeric() or ch in HAN_NUMERALS or (ch.isalpha() and not "一" <= ch <= "鿿") for ch in text)
