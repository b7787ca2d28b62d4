"""The language of commands: Chinese under a Chinese locale, English otherwise.

Code prints English, and `say` translates the finished text. `api/chinese/` maps English templates to Chinese ones: `{}`
stands for the values that an f-string fills in. So errors of packages that don't know about languages are translated as
well. A text without a translation stays English; `tests/test_language.py` fails if a command has one.
"""

from __future__ import annotations

import os
import re
from functools import cache

from masking.errors import InputError, MaskingError, RefusedError
from masking.words.chinese import in_chinese
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from masking.words.word import Word

from .chinese import CHINESE


def reads_chinese() -> bool:
    """Whether the first locale variable that is set asks for Chinese."""
    for name in ("LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name)
        if value:
            return value.lower().startswith("zh")
    return False


def say(text: str, *, values: bool = True) -> str:
    """The text in the user's language. Values inside it are translated as well, unless `values` is False."""
    return translated(text, values=values) or text if reads_chinese() else text


def say_error(error: MaskingError) -> str:
    """An error's message in the user's language. A registered word is followed by its meaning and remedy."""
    if not reads_chinese():
        return str(error)
    match error:
        case InputError(field=field, rule=rule, row=row, detail=detail):
            found = ("" if row is None else f"第 {row} 行，") + f"{say(field)}：{_word(rule)}"
            return found + (f"（{say(detail)}）" if detail else "")
        case RefusedError(reason=reason):
            return _word(reason)
        case _:
            return say(str(error))


def say_reason(word: str) -> str:
    """A reason or rule: the word, followed by its meaning and remedy in the user's language."""
    return _word(word)


def describe(word: Word) -> str:
    """The meaning and the remedy of a registered word in the user's language."""
    return "".join(in_chinese(word)) if reads_chinese() else f"{word.meaning} {word.remedy}"


def translated(text: str, *, values: bool = True) -> str | None:
    """The Chinese of an English text; None if the catalogue has none."""
    if text in CHINESE:
        return CHINESE[text]
    for pattern, chinese in _templates():
        if match := pattern.fullmatch(text):
            return chinese.format(*((translated(group) if values else None) or group for group in match.groups()))
    return None


def _word(word: str) -> str:
    for register in (Rule, RequestRule, Reason, ProofRule):
        if word in list(register):
            return f"{word}{'：' if reads_chinese() else ': '}{describe(register(word))}"
    return say(word)


@cache
def _templates() -> list[tuple[re.Pattern[str], str]]:
    """The templates with values, those with the most fixed text first, so that a special one goes before a general one."""
    with_values = sorted((key for key in CHINESE if "{}" in key), key=len, reverse=True)
    return [(re.compile("(.*?)".join(map(re.escape, key.split("{}"))), re.DOTALL), CHINESE[key]) for key in with_values]
