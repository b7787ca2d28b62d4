"""Addresses as they may be shown: the door, persons and phones hidden, the way to the door left.

GB/T 41833 hides unit and room. Profiles: `label` hides the building and the rural house too, `screen` what the standard
demands, `strict` all but the region.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import StrEnum

from masking.redact.doors import door_parts
from masking.redact.levels import Level
from masking.redact.normalise import Normal, normalise
from masking.redact.phones import find_phones
from masking.redact.regions import find_region
from masking.redact.spans import Span, cover, joined
from masking.waybill import Masked


class Profile(StrEnum):
    """Who looks: a printed label, a worker's screen, or anybody."""

    LABEL = "label"
    SCREEN = "screen"
    STRICT = "strict"


_HIDES_FROM = {Profile.LABEL: Level.BUILDING, Profile.SCREEN: Level.UNIT}
_BRIDGES = " -－—–_/.、,，·~～一"


def mask_address(text: str, known: Sequence[str] = (), profile: Profile = Profile.LABEL) -> Masked:
    """The address with its door, persons, phones and the `known` words hidden, and the way to it left."""
    return cover(text, hidden_spans(text, normalise(text), known, profile))


def hidden_spans(text: str, normal: Normal, known: Sequence[str], profile: Profile) -> list[Span]:
    """The spans of an address that a profile hides."""
    if profile is Profile.STRICT:
        shown = [normal.back(*span) for span in find_region(normal.text).spans]
        edges = [0, *(edge for span in joined(shown, text, " ") for edge in span), len(text)]
        return list(zip(edges[::2], edges[1::2], strict=True))
    phones = find_phones(normal)
    plain = _without(normal, [phone.span for phone in phones]) if phones else normal.text
    least = _HIDES_FROM[profile]
    spans = [normal.back(part.start, part.end) for part in door_parts(plain) if part.level >= least]
    spans += [phone.span for phone in phones]
    spans += persons(normal)
    spans += found_words(text, known)
    return joined(spans, text, _BRIDGES)


def found_words(text: str, known: Iterable[str]) -> list[Span]:
    """Where known personal words stand."""
    return [match.span() for word in known if word in text for match in re.finditer(re.escape(word), text)]


_PERSON = re.compile(
    r"(?:收货人|收件人|联系人|姓名|签收人)[:： ]*(?P<a>[一-鿿·]{2,4}?)(?=[\d(（,，;；。 收【\[]|电话|手机|$)"
    r"|[\[【(（](?P<c>\d{4})[\])）】]$|(?P<d>\[\d{3,6}\])"
)


def persons(normal: Normal) -> list[Span]:
    """Names that somebody typed into an address, where a word marks them, and the [1234] of virtual numbers."""
    return [
        normal.back(*match.span(next(group for group in "acd" if match[group])))
        for match in _PERSON.finditer(normal.text)
    ]


def _without(normal: Normal, spans: list[Span]) -> str:
    """The normal form with phones blanked, so that their digits are no doors."""
    if normal.origin is not None:
        gone = [n for n, at in enumerate(normal.origin[:-1]) if any(a <= at < b for a, b in spans)]
    else:
        gone = [n for a, b in spans for n in range(a, b)]
    chars = list(normal.text)
    for n in gone:
        chars[n] = " "
    return "".join(chars)
