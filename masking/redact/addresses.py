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

from masking.redact.addressees import find_addressees
from masking.redact.doors import door_parts
from masking.redact.doorwords import GONE
from masking.redact.identifiers import find_identifiers
from masking.redact.known import find_words
from masking.redact.latin import is_unread
from masking.redact.levels import ROOM, UNIT, Part
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


_BLANK_INSIDE = r"(?<=[一-鿿〇○])[ ·|_]+(?=[一-鿿〇○A-Za-z\d#])|(?<=[A-Za-z\d#])[ ·|_]+(?=[一-鿿〇○#])|(?<=[^A-Za-z][A-Za-z])[ ·|_]+(?=\d)|(?<=(?:SOHO|MOMA|MALL|PARK|LOFT|CITY|TOWN)[A-Z])[ ·|_]+(?=\d)|(?<=\d)[·|_]+(?=[A-Za-z](?![A-Za-z\d]))"
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
    if is_unread(plain, doors):
        doors = [Part(0, len(plain), ROOM)]
    found = [*find_addressees(plain, doors), *find_identifiers(normal.text)]
    if _TAIL_HINT.search(plain):
        behind = doors[-1].end if doors else 0
        found += [
            match.span() for match in _TAIL.finditer(plain) if match.end() < len(plain) or match.start() >= behind
        ]
    personal = [phone.span for phone in phones] + [normal.back(*span) for span in found]
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


_TAIL_HINT = re.compile(r"[\[【(]|\d{4}$")
_TAIL = re.compile(
    r"[\[【](?:(?:分机|转|尾号)号?)?\d{3,6}[\]】]|(?<=[(])(?:(?:分机|转|尾号)号?)?\d{4}(?=[)])|(?<=[一-鿿\d][ -])\d{4}$"
)
"""The digits that platforms append for a virtual number."""
