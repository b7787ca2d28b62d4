"""One plain form of any text, and the way back to the original's offsets.

Full-width, circled, superscript and foreign digits become ASCII digits, the many dashes, blanks and middle dots one
each, traditional characters simplified ones; characters without width go. Han numerals stay as they are:
whether 三 is a number depends on what stands around it, which the rules decide. Never changes what it was given: rules
look at the normal form and hide spans of the original.
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
"""Stands between texts that are normalised together; orders with control characters are not taken."""
_USUAL = (SEPARATOR * 2, " ~", "··", "、。", "《」", "【】", "〔〕", "一鿿")
"""What is its own normal form, but for the table: the first and the last character of each stretch, in order."""
_ROUND_ZERO = re.compile(r"(?<=\d)[〇○]+|(?<![〇○])[〇○]++(?=\d)")


class Normal(NamedTuple):
    """A text's normal form; `origin[i]` is the original offset of its character i (None: the same offset)."""

    text: str
    origin: Sequence[int] | None = None

    def back(self, start: int, end: int) -> tuple[int, int]:
        """The original span of a span of the normal form, taking in characters that the normal form lost."""
        if self.origin is None:
            return start, end
        if start == end:
            return self.origin[start], self.origin[start]
        return self.origin[start], max(self.origin[end - 1] + 1, self.origin[end])


@cache
def _table() -> dict[int, str]:
    """The one-to-one replacements, with the traditional characters that the data names, read once."""
    old, new = (_DATA / "traditional.txt").read_text("utf-8").split()
    return dict(zip(map(ord, old), new, strict=True)) | _TABLE


@cache
def _unusual() -> re.Pattern[str]:
    """Whatever is not its own normal form, as one set of characters: that is faster than "none of these, or one of those"."""
    edges = [-1, *map(ord, "".join(_USUAL)), sys.maxunicode + 1]
    gaps = [f"{chr(last + 1)}-{chr(first - 1)}" for last, first in zip(edges[::2], edges[1::2], strict=True)]
    return re.compile(f"[{''.join(gaps)}{re.escape(''.join(map(chr, _table())))}]")


@cache
def _not_in_table() -> re.Pattern[str]:
    """What the table has nothing for."""
    return re.compile(f"[^{''.join(map('-'.join, _USUAL))}〇○]")


def normalise(text: str) -> Normal:
    """The normal form of a text, with offsets."""
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
    """What stands for an unusual character, or itself if the table has nothing."""
    return _table().get(ord(match[0]), match[0])


def _rare(ch: str) -> str:
    """The normal form of an unusual character: a digit, its compatibility form, or nothing if it has no width."""
    if unicodedata.category(ch) in {"Cf", "Mn", "Me"}:
        return ""
    digit = unicodedata.digit(ch, None)
    if digit is not None:
        return str(digit)
    return unicodedata.normalize("NFKC", ch).translate(_table())
