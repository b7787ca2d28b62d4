"""Line breaking: fit strings into a box, at the largest of the given sizes at which all of them fit.

A line never begins with closing punctuation or ends with opening punctuation. A number, a word and a masked run are never
split. Strings that don't fit at the smallest size are an error; they are never shrunk further or cut.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import groupby
from typing import NamedTuple

from masking.values.printable import Masked
from print_templates.drawing import BLOCK, Piece, Run
from print_templates.typeface import ASCENT, EM, advances, glyph, repertoire

GAP = 500
"""The space between two strings on one line, in thousandths of an em."""
LEADING = 1.2
"""The distance from baseline to baseline, in ems."""

_OPENING, _CLOSING = r"（【《〈「『“‘(\[", r"，。、）：；！？】》〉」』”’)\],:;!?…·%℃"
_UNIT = re.compile(rf"((?:[{_OPENING}]\s*)*(?:[A-Za-z0-9*•#+_./@&'-]+|.)(?:\s*[{_CLOSING}])*)(\s*)", re.DOTALL)
"""A unit that is never split, and the spaces after it: a word, number, masked run or character, with its punctuation."""


class Style(NamedTuple):
    """The style of a box. `sizes` are ems in dots, largest first; `align` is left, center or right."""

    sizes: tuple[int, ...]
    weight: str
    align: str
    top: bool
    white: bool
    blocks: bool


class Fragment(NamedTuple):
    """A part of one string on one line. `x` and `width` are in thousandths of an em."""

    part: int
    start: int
    x: int
    width: int
    chars: str


@lru_cache(maxsize=4096)
def fit(parts: tuple[Masked, ...], box: tuple[int, int, int, int], style: Style) -> tuple[Run, ...] | None:
    """Set strings one after another into a box (x, y, width, height in dots). Returns a run for each, None if they don't fit.

    Cached, because labels printed together share their sender, station and time.
    """
    x, y, width, height = box
    advance = advances(style.weight)
    widths = [sum(map(advance.__getitem__, part.text)) for part in parts]
    for size in style.sizes:
        leading = round(LEADING * size)
        limit = width * EM // size
        if sum(widths) + GAP * (len(parts) - 1) <= limit:
            lines = [_one_line(parts, widths)]
        elif leading + size <= height:
            lines = broken(parts, style.weight, limit)
        else:
            continue
        if not lines or (len(lines) - 1) * leading + size > height:
            continue
        top = y if style.top else y + (height - (len(lines) - 1) * leading - size) // 2
        placed: list[list[Piece]] = [[] for _ in parts]
        for n, line in enumerate(lines):
            baseline = top + n * leading + round(size * ASCENT / EM)
            slack = width - (line[-1].x + line[-1].width) * size // EM
            left = x + (slack // 2 if style.align == "center" else slack if style.align == "right" else 0)
            for fragment in line:
                at = left + round(fragment.x * size / EM)
                placed[fragment.part] += _pieces(fragment, parts[fragment.part], at, baseline, size, style)
        return tuple(Run(tuple(pieces), style.white) for pieces in placed if pieces)
    return None


def broken(parts: Sequence[Masked], weight: str, limit: int) -> list[list[Fragment]]:
    """Break strings into lines of at most `limit` thousandths of an em. Empty if a unit is wider than a line."""
    advance = advances(weight)
    lines: list[list[Fragment]] = [[]]
    end = 0  # of the last line's content
    for number, part in enumerate(parts):
        end += GAP if lines[-1] else 0
        start, begin = 0, end  # of the current fragment: in the string, on the line
        for unit in _UNIT.finditer(part.text):
            width = sum(map(advance.__getitem__, unit[1]))
            if width > limit:
                return []
            if end + width > limit:
                if unit.start() > start:
                    lines[-1].append(Fragment(number, start, begin, end - begin, part.text[start : unit.start()]))
                lines.append([])
                start, begin, end = unit.start(), 0, 0
            end += width + len(unit[2]) * advance[" "]
        if len(part.text) > start:
            lines[-1].append(Fragment(number, start, begin, end - begin, part.text[start:]))
    return lines if lines[-1] else []


def _one_line(parts: Sequence[Masked], widths: Sequence[int]) -> list[Fragment]:
    line: list[Fragment] = []
    x = 0
    for number, (part, width) in enumerate(zip(parts, widths, strict=True)):
        line.append(Fragment(number, 0, x, width, part.text))
        x += width + GAP
    return line


def _pieces(fragment: Fragment, part: Masked, x: int, baseline: int, size: int, style: Style) -> list[Piece]:
    """Cut a fragment where the font changes or a block begins or ends."""
    chars, advance = fragment.chars, advances(style.weight)
    hidden = {n for start, end in part.hidden for n in range(start, end)} if style.blocks else set()
    if not hidden and repertoire(style.weight).issuperset(chars):
        return [Piece(x, baseline, size, style.weight, chars, fragment.width * size // EM)]
    pieces, done = [], 0
    for weight, places in groupby(
        range(len(chars)), lambda n: BLOCK if fragment.start + n in hidden else glyph(chars[n], style.weight).weight
    ):
        stretch = "".join(chars[n] for n in places)
        width = sum(map(advance.__getitem__, stretch))
        left, right = (round(edge * size / EM) for edge in (done, done + width))
        pieces.append(Piece(x + left, baseline, size, weight, stretch, right - left))
        done += width
    return pieces
