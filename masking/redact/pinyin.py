"""Chinese names spelled in pinyin, in every reading of their characters: sanfeng, San Feng, sān fēng, zhangsanfeng."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple, final

from masking.redact.normalise import Normal
from masking.redact.spans import Span

_LATIN = re.compile(r"[A-Za-z]{2}")
_NO_LETTER = re.compile(r"[^a-z]+")
_LETTER = r"[A-Za-z\u00c0-\u024f]"
_BETWEEN = r"[ .,·'’_-]{0,2}"
_MARKED = {
    "a": "[aāáǎà]",
    "e": "[eēéěè]",
    "i": "[iīíǐì]",
    "o": "[oōóǒò]",
    "u": "[uūúǔù]",
    "v": "(?:[vuüǖǘǚǜ]|yu)",
}
MOST = 64
"""The most spellings of a name that are searched. No name of two characters has more, and hardly one of three."""


@final
class CalledName(NamedTuple):
    """The name of a Chinese person: the surname, which is shown, and the given name, which is not."""

    surname: str
    given: str


def find_spelled(normal: Normal, name: CalledName) -> list[Span]:
    """Find a given name that is spelled in pinyin. One of a single character counts only next to the surname: zhang wei."""
    if not _LATIN.search(normal.text):
        return []
    text = unicodedata.normalize("NFD", normal.text.lower())
    letters = _NO_LETTER.sub("", text).replace("v", "u").replace("lyu", "lu").replace("nyu", "nu")
    if not any(spelling in letters for spelling in _spellings(name.given)):
        return []
    return [normal.back(*match.span()) for match in _shape(name).finditer(normal.text)]


@cache
def _readings() -> dict[str, list[str]]:
    """The readings of each character, without tones. Read once, when the first text holds a Latin word."""
    found: dict[str, list[str]] = {}
    for line in Path(__file__).with_name("data").joinpath("pinyin.txt").read_text("utf-8").splitlines():
        syllable, chars = line.split(" ")
        for char in chars:
            found.setdefault(char, []).append(syllable)
    return found


def _spellings(given: str) -> Iterator[str]:
    """The letters of a given name in every combination of readings; none if a character has no known reading."""
    readings = [_readings().get(char, []) for char in given]
    for n, spelling in enumerate(product(*readings)):
        if n == MOST:
            return
        yield "".join(spelling).replace("v", "u")


def _shape(name: CalledName) -> re.Pattern[str]:
    """The given name, with the surname before or behind it; the surname alone is no match."""
    given = _word(name.given)
    surname = _word(name.surname)
    if len(name.given) == 1:
        both = f"{surname}{_BETWEEN}{given}|{given}{_BETWEEN}{surname}"
    else:
        both = f"(?:{surname}{_BETWEEN})?{given}(?:{_BETWEEN}{surname}(?!{_LETTER}))?"
    return re.compile(f"(?<!{_LETTER})(?:{both})(?!{_LETTER})", re.IGNORECASE)


def _word(chars: str) -> str:
    """Characters as syllables, with or without something between them."""
    return _BETWEEN.join(
        "(?:"
        + "|".join("".join(_MARKED.get(letter, letter) for letter in said) for said in _readings().get(char, ["(?!)"]))
        + ")"
        for char in chars
    )
