"""Reads `tests/redact_cases/*.txt`: one text a line, braces around what is hidden, "##" before each kind."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parents[1] / "redact_cases"
NUMERALS = frozenset("一二三四五六七八九十百零〇○两幺壹贰叁肆伍陆柒捌玖拾甲乙丙丁")


class RedactionCase(NamedTuple):
    """A text, the places in it that are hidden, and its kind."""

    text: str
    hidden: frozenset[int]
    kind: str


def case_lines(name: str) -> list[str]:
    """The lines of a case file that hold cases or name a kind."""
    text = (FOLDER / f"{name}.txt").read_text("utf-8")
    return [line for line in text.splitlines() if line and not line.startswith("# ")]


def read_cases(name: str) -> list[RedactionCase]:
    """The cases of a file."""
    out, kind = [], ""
    for line in case_lines(name):
        if line.startswith("## "):
            kind = line[3:]
        else:
            out.append(_read(line, kind))
    return out


def _read(line: str, kind: str) -> RedactionCase:
    text, hidden, inside = "", set(), False
    for ch in line:
        if ch in "{}":
            inside = ch == "{"
            continue
        if inside:
            hidden.add(len(text))
        text += ch
    return RedactionCase(text, frozenset(hidden), kind)


def is_revealing(ch: str) -> bool:
    """A character that would give a door away: a digit in any script, a Latin letter, a Han numeral."""
    return ch.isnumeric() or ch in NUMERALS or (ch.isalpha() and not "\u4e00" <= ch <= "\u9fff")
