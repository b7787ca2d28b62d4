"""Sets texts into a box: lines are broken by rule, and the size steps down until everything fits, or nothing is set.

A line never begins with closing punctuation or ends with opening punctuation; a number, a word and a masked run are
never split. What does not fit at the smallest size is an error, not a smaller or shorter text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import groupby
from typing import NamedTuple

from masking.waybill import Masked
from print_templates.drawing import BLOCK, Piece, Run
from print_templates.typeface import ASCENT, EM, glyph

GAP = 500
"""Between two texts on one line, in thousandths of an em."""
LEADING = 1.2
"""From baseline to baseline, in ems."""

_UNIT = re.compile(
    r"[（【《〈「『“‘(\[]*(?:[A-Za-z0-9*•#+_./@&'-]+|.)[，。、）：；！？】》〉」』”’)\],:;!?…·%℃]*\s*", re.DOTALL
)


class Style(NamedTuple):
    """How the texts of a box are set: ems in dots, the wanted one first; `align` left, center or right."""

    sizes: tuple[int, ...]
    weight: str
    align: str
    top: bool
    white: bool
    blocks: bool


class Fragment(NamedTuple):
    """A stretch of one text on one line; place and width in thousandths of an em."""

    part: int
    start: int
    x: int
    width: int
    chars: str


def fit(parts: Sequence[Masked], box: tuple[int, int, int, int], style: Style) -> list[Run] | None:
    """The texts set one after another into box (x, y, width, height), one run each; None if they don't fit."""
    x, y, width, height = box
    for size in style.sizes:
        leading = round(LEADING * size)
        lines = broken(parts, style.weight, width * EM // size)
        if lines is None or (len(lines) - 1) * leading + size > height:
            continue
        top = y if style.top else y + (height - (len(lines) - 1) * leading - size) // 2
        placed: list[list[Piece]] = [[] for _ in parts]
        for n, line in enumerate(lines):
            baseline = top + n * leading + round(size * ASCENT / EM)
            slack = width - (line[-1].x + line[-1].width) * size // EM
            left = x + {"left": 0, "center": slack // 2, "right": slack}[style.align]
            for fragment in line:
                at = left + round(fragment.x * size / EM)
                placed[fragment.part] += _pieces(fragment, parts[fragment.part], at, baseline, size, style)
        return [Run(tuple(pieces), style.white) for pieces in placed if pieces]
    return None


def broken(parts: Sequence[Masked], weight: str, limit: int) -> list[list[Fragment]] | None:
    """The texts in lines no wider than `limit` thousandths of an em, or None if a unit is wider than a line."""
    lines: list[list[Fragment]] = [[]]
    end = 0
    for number, part in enumerate(parts):
        gap = GAP if lines[-1] else 0
        start = 0
        for unit in _UNIT.findall(part.text):
            bare = _width(unit.rstrip(), weight)
            if bare > limit:
                return None
            if end + gap + bare > limit:
                lines.append([])
                end = gap = 0
            line = lines[-1]
            whole = _width(unit, weight)
            if line and line[-1].part == number:
                last = line[-1]
                line[-1] = last._replace(width=last.width + whole, chars=last.chars + unit)
            else:
                line.append(Fragment(number, start, end + gap, whole, unit))
            end += gap + whole
            gap = 0
            start += len(unit)
    return lines if lines[-1] else None


def _width(chars: str, weight: str) -> int:
    return sum(found.advance for char in chars if (found := glyph(char, weight)))


def _pieces(fragment: Fragment, part: Masked, x: int, baseline: int, size: int, style: Style) -> list[Piece]:
    """The fragment, cut where the font changes or a block begins or ends."""
    hidden = {n for start, end in part.hidden for n in range(start, end)} if style.blocks else set()

    def weight_of(place: int) -> str:
        if fragment.start + place in hidden:
            return BLOCK
        found = glyph(fragment.chars[place], style.weight)
        return found.weight if found else style.weight

    pieces, done = [], 0
    for weight, places in groupby(range(len(fragment.chars)), key=weight_of):
        chars = "".join(fragment.chars[n] for n in places)
        width = _width(chars, style.weight)
        left, right = (round(edge * size / EM) for edge in (done, done + width))
        pieces.append(Piece(x + left, baseline, size, weight, chars, right - left))
        done += width
    return pieces
