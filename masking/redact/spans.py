"""Spans of a string: joining them, and replacing them with asterisks.

A masked string has the length of its original, so the same spans apply to both.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from masking.redact.normalise import Normal
from masking.values.printable import Masked

Span = tuple[int, int]
SIGN = "*"
_SIGNS = re.compile(r"\*+")


def joined(spans: Iterable[Span], text: str, bridges: str = "") -> list[Span]:
    """Sort spans and merge those that overlap, touch, or have only characters of `bridges` between them."""
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
    """Mask each character of the spans, which must not be empty."""
    hidden = joined(spans, text) if len(spans) > 1 else spans
    return Masked(replaced(text, hidden, SIGN), tuple(hidden))


def replaced(text: str, spans: Iterable[Span], sign: str) -> str:
    """Replace each character of the spans by `sign`. The spans must be sorted and must not overlap."""
    parts: list[str] = []
    last = 0
    for start, end in spans:
        parts += (text[last:start], sign * (end - start))
        last = end
    return "".join((*parts, text[last:]))


def cover_from(text: str, start: int) -> Masked:
    """Mask everything from a position on."""
    end = len(text)
    return Masked(text[:start] + SIGN * (end - start), ((start, end),) if start < end else ())


def cover_places(text: str, normal: Normal, places: Iterable[int]) -> Masked:
    """Mask the characters at these positions of the normal form."""
    if normal.origin is not None:
        return cover(text, [normal.back(n, n + 1) for n in places])
    chars = list(text)
    for n in places:
        chars[n] = SIGN
    shown = "".join(chars)
    return Masked(shown, tuple([match.span() for match in _SIGNS.finditer(shown)]))
