"""The normal form of a string, with offsets back into the original.

Full-width, circled, superscript and foreign digits become ASCII digits. All dashes, spaces and middle dots become one
character each, and traditional characters become simplified ones. Zero-width characters are dropped. Han numerals stay:
whether 三 is a number depends on its context, which the rules decide. Rules search the normal form and hide spans of the
original.
"""

from __future__ import annotations

import re
import sys
import unicodedata
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

HAN_NUMERALS = "一二三四五六七八九十百零〇○两幺壹贰叁肆伍陆柒捌玖拾廿"

_DATA = Path(__file__).with_name("data")
_DASHES = "‐‑‒–—―−－﹣﹘ー─━"
_BLANKS = "\t\n\r\u00a0\u2002\u2003\u2009\u3000"
_DOTS = "・•‧∙⋅･●"

_TABLE: dict[int, str] = {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
_TABLE |= {ord(ch): "-" for ch in _DASHES}
_TABLE |= {ord(ch): " " for ch in _BLANKS}
_TABLE |= {ord(ch): "·" for ch in _DOTS}
_TABLE |= {0x2460 + n: str(n + 1) for n in range(9)} | {0x24EA: "0", 0x24FF: "0"}
_TABLE |= {start + n: str(n + 1) for start in (0x2160, 0x2170) for n in range(9)}  # Roman numerals
_TABLE |= {0x2776 + n: str(n + 1) for n in range(9)} | {0x24F5 + n: str(n + 1) for n in range(9)}

SEPARATOR = "\x1e"
"""Separates strings that are normalised together. It can't occur in an order, since control characters are rejected."""
_USUAL = (SEPARATOR * 2, " ~", "··", "、。", "《」", "【】", "〔〕", "一鿿")
"""Ranges of characters that are their own normal form unless `_table` lists them: the first and last of each, in order."""
_ROUND_ZERO = re.compile(r"(?<=\d)[〇○]+|(?<![〇○])[〇○]++(?=\d)")


class Normal(NamedTuple):
    """The normal form of a string. `origin[i]` is the original offset of character i; None if all offsets are the same."""

    text: str
    origin: Sequence[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """Map a span of the normal form to the original, including characters that the normal form dropped."""
        if self.origin is None:
            return start, end
        if start == end:
            return self.origin[start], self.origin[start]
        return self.origin[start], max(self.origin[end - 1] + 1, self.origin[end])


@cache
def _table() -> dict[int, str]:
    """The one-to-one replacements, including the traditional characters from the data file. Read once."""
    old, new = (_DATA / "traditional.txt").read_text("utf-8").split()
    return dict(zip(map(ord, old), new, strict=True)) | _TABLE


@cache
def _unusual() -> re.Pattern[str]:
    """The characters that are not their own normal form. One set of characters is faster than an alternation of two."""
    edges = [-1, *map(ord, "".join(_USUAL)), sys.maxunicode + 1]
    gaps = [f"{chr(last + 1)}-{chr(first - 1)}" for last, first in zip(edges[::2], edges[1::2], strict=True)]
    return re.compile(f"[{''.join(gaps)}{re.escape(''.join(map(chr, _table())))}]")


@cache
def _not_in_table() -> re.Pattern[str]:
    """The characters outside of `_USUAL`, which have no entry in the table."""
    return re.compile(f"[^{''.join(map('-'.join, _USUAL))}〇○]")


def normalise(text: str) -> Normal:
    """Normalise a string, keeping the original offsets."""
    plain, changed = _unusual().subn(_usual, text)
    if not changed:
        return Normal(text)
    if "〇" in plain or "○" in plain:
        plain = _ROUND_ZERO.sub(lambda match: "0" * len(match[0]), plain)
    if not _not_in_table().search(plain):
        return Normal(plain)
    out: list[str] = []
    origin: list[int] = []
    for at, ch in enumerate(plain):
        for each in _rare(ch) if _not_in_table().match(ch) else ch:
            out.append(each)
            origin.append(at)
    origin.append(len(text))
    return Normal("".join(out), origin)


def _usual(match: re.Match[str]) -> str:
    """The table's replacement for an unusual character, or the character itself without one."""
    return _table().get(ord(match[0]), match[0])


def _rare(ch: str) -> str:
    """The normal form of a rare character: a digit, its compatibility form, or "" if it has no width."""
    if unicodedata.category(ch) in {"Cf", "Mn", "Me"}:
        return ""
    digit = unicodedata.digit(ch, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", ch).translate(_table())
