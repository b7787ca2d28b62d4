"""Spans of a text: joined, and drawn over.

A masked text has the length of its original, one sign for each hidden character, so one list of spans serves both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from masking.redact.normalise import Normal
from masking.waybill import Masked

Span = tuple[int, int]
SIGN = "*"
_SIGNS = re.compile(r"\*+")


def joined(spans: Iterable[Span], text: str, bridges: str = "") -> list[Span]:
    """Spans in order, overlapping and touching ones made one; also across gaps made of `bridges` characters only."""
    out: list[Span] = []
    last = 0
    for start, end in sorted(spans):
        if start >= end:
            continue
        if out and (start <= last or (bridges and not text[last:start].strip(bridges))):
            last = max(end, last)
            out[-1] = out[-1][0], last
        else:
            out.append((start, end))
            last = end
    return out


def cover(text: str, spans: Collection[Span]) -> Masked:
    """The text with every character of the spans, none of them empty, replaced by a sign."""
    hidden = joined(spans, text) if len(spans) > 1 else spans
    return Masked(replaced(text, hidden, SIGN), tuple(hidden))


def replaced(text: str, spans: Iterable[Span], sign: str) -> str:
    """The text with each character of the spans, which are in order and apart, replaced by a sign."""
    parts: list[str] = []
    last = 0
    for start, end in spans:
        parts += (text[last:start], sign * (end - start))
        last = end
    return "".join((*parts, text[last:]))


def cover_from(text: str, start: int) -> Masked:
    """The text with everything from a place on replaced by signs."""
    end = len(text)
    return Masked(text[:start] + SIGN * (end - start), ((start, end),) if start < end else ())


def cover_places(text: str, normal: Normal, places: Iterable[int]) -> Masked:
    """The text with the characters at these places of its normal form replaced, each by a sign."""
    if normal.origin is not None:
        return cover(text, [normal.back(n, n + 1) for n in places])
    chars = list(text)
    for n in places:
        chars[n] = SIGN
    shown = "".join(chars)
    return Masked(shown, tuple([match.span() for match in _SIGNS.finditer(shown)]))
