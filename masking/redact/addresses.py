"""Masking of addresses: hides the door, persons, phones and identifiers, and leaves the way to the door readable.

GB/T 41833 requires unit and room to be hidden. The profile `screen` hides what the standard requires, `label` hides the
building and the rural house too, and `strict` hides everything but the region.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import StrEnum
from functools import cache
from typing import NamedTuple, final

from masking.redact.doors import door_parts
from masking.redact.doorwords import GONE
from masking.redact.identifiers import find_identifiers
from masking.redact.known import find_words
from masking.redact.levels import UNIT, Part
from masking.redact.names import is_person
from masking.redact.normalise import Normal, normalise
from masking.redact.phones import find_phones
from masking.redact.regions import find_region
from masking.redact.spans import Span, cover, joined, replaced
from masking.values.printable import Masked


class Profile(StrEnum):
    """How much is hidden: as on a printed label, as on a worker's screen, or everything but the region."""

    LABEL = "label"
    SCREEN = "screen"
    STRICT = "strict"


_BLANK_INSIDE = r"(?<=[一-鿿〇○])[ ·|_]+(?=[一-鿿〇○A-Za-z\d#])|(?<=[A-Za-z\d#])[ ·|_]+(?=[一-鿿〇○#])|(?<=[^A-Za-z][A-Za-z])[ ·|_]+(?=\d)"
_SIGN = re.compile(r"[ ·|_]")
_BRIDGES = " -_/.、,·|~一〇○零"


@final
class Address(NamedTuple):
    """An analysed address.

    Attributes:
        text: the address as given.
        normal: its normal form.
        low: the normal form in lower case.
        doors: the parts of the door, as spans of the normal form.
        personal: phones, persons and identifiers, as spans of the text.
        hidden: everything that a label hides, as spans of the text.
    """

    text: str
    normal: Normal
    low: str
    doors: list[Part]
    personal: list[Span]
    hidden: list[Span]


def read_address(text: str) -> Address:
    """Find the door, the persons and the phones in an address."""
    normal = normalise(text)
    phones = find_phones(normal, local=False)
    plain = replaced(normal.text, [phone.at for phone in phones], GONE)  # so that their digits don't read as doors
    doors = door_parts(plain)
    if _SIGN.search(plain) and _loose().search(plain):
        doors = sorted({*doors, *_read_tight(plain)})
    personal = [phone.span for phone in phones] + _persons(normal, doors)
    personal += [normal.back(*span) for span in find_identifiers(normal.text)]
    return Address(text, normal, normal.text.lower(), doors, personal, _doors(normal, doors) + personal)


@cache
def _loose() -> re.Pattern[str]:
    """The pattern of spaces inside words, compiled when an address first has any."""
    return re.compile(_BLANK_INSIDE)


def _read_tight(plain: str) -> list[Part]:
    """The doors that appear once spaces inside words are removed: 十 二 栋."""
    gone = {n for match in _loose().finditer(plain) for n in range(*match.span())}
    kept = [n for n in range(len(plain)) if n not in gone]
    parts = door_parts("".join([plain[n] for n in kept]))
    return [Part(kept[part.start], kept[part.end - 1] + 1, part.level) for part in parts]


def mask_address(text: str, known: Sequence[str] = (), profile: Profile = Profile.LABEL) -> Masked:
    """Mask an address: hide its door, its persons, its phones and the words in `known`."""
    return mask_read(read_address(text), known, profile)


def mask_read(address: Address, known: Sequence[str], profile: Profile = Profile.LABEL) -> Masked:
    """Mask an analysed address, as `mask_address` does."""
    text, normal = address.text, address.normal
    if profile is Profile.LABEL:
        hidden = address.hidden
    elif profile is Profile.SCREEN:
        hidden = _doors(normal, [part for part in address.doors if part.level >= UNIT]) + address.personal
    else:
        shown = joined([normal.back(*span) for span in find_region(normal.text).spans], text, " ")
        edges = [0, *(edge for span in shown for edge in span), len(text)]
        return cover(text, joined(zip(edges[::2], edges[1::2], strict=True), text))
    return cover(text, hidden + find_words(normal, known))


def _doors(normal: Normal, doors: Sequence[Part]) -> list[Span]:
    """The spans of the text that the parts of a door cover, including the characters that join them."""
    spans = joined([part[:2] for part in doors], normal.text, _BRIDGES)
    return spans if normal.origin is None else [normal.back(*span) for span in spans]


_PERSON = re.compile(
    r"(?:收货人|收件人|联系人|姓名|签收人)[:： ]*(?P<marked>[一-鿿·]{2,4}?)(?=[\d(,;。 收【\[]|电话|手机|$)"
    r"|(?P<tail>[\[【]\d{3,6}[\]】])|(?P<last>(?<=[(])\d{4}(?=[)]$))"
)
_PERSON_HINT = re.compile(r"[人名\[【(]")
_AFTER_DOOR = re.compile(
    r"[ ,，(]*(?P<name>[一-鿿]{2,4}?)(?P<end>[收启]|先生|女士|小姐|(?=[ ,，)】\]]*$)|(?=[ ,，:]*(?:\d|电话|手机)))"
)
_NO_PERSON = re.compile(r"[店厂行馆部室楼厅城院园苑吧铺库处站社所司校内旁边层门区县市镇村路街座口家柜房屋面]$")


def _persons(normal: Normal, doors: Sequence[Part]) -> list[Span]:
    """Names of persons in an address that a word such as 收货人, or their position after the door, gives away."""
    found = []
    if _PERSON_HINT.search(normal.text):
        found = [normal.back(*match.span(match.lastgroup or 0)) for match in _PERSON.finditer(normal.text)]
    after = _AFTER_DOOR.match(normal.text, doors[-1].end) if doors else None
    if after and is_person(after["name"]) and not _NO_PERSON.search(after["name"]):
        found.append(normal.back(*after.span("name")))
    return found
