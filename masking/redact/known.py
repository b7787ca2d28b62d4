"""Search for words that the order itself shows to be personal, such as the names of its parties."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from masking.redact.divisions import table
from masking.redact.names import HONORIFIC
from masking.redact.normalise import Normal
from masking.redact.pinyin import CalledName, find_spelled
from masking.redact.spans import Span

_NAME_PART = re.compile(r"[^\W\d_]{2,}")
_BETWEEN = r"[ ·.,，_*-]{0,2}"
"""What people put into a name: 张 三丰."""
_ENDS = re.compile(r"(?<!\d)\d{4,10}(?!\d)")
_TAIL = re.compile(r"[\[【(]\d{3,6}[\])】]")


def name_words(name: Normal) -> list[str]:
    """The words of a name that must not appear elsewhere: the whole, its parts and its [1234].

    Words that are also the name of a region are left out.
    """
    text = name.text.lower()
    known = table()
    if text.isalpha():
        return [text] if len(text) > 1 and text not in known.names and text not in known.shorts else []
    words = _NAME_PART.findall(text)
    joined = ["".join(words)] if len(words) > 1 and text.isascii() else []
    parts = dict.fromkeys([text.strip(), *joined, *words, *_TAIL.findall(text)])
    return [part for part in parts if len(part) > 1 and part not in known.names and part not in known.shorts]


def find_given(normal: Normal, called: Sequence[CalledName]) -> list[Span]:
    """Find given names in a free text (三丰哥的书, sanfeng). One of a single character counts only with a title, prefix or surname."""
    text = normal.text
    spans: list[Span] = []
    for each in called:
        name = each.given
        spans += find_spelled(normal, each) if name else []
        if name and name[0] in text and each.surname in text:
            whole = f"{re.escape(each.surname)}{_BETWEEN}{_BETWEEN.join(map(re.escape, name))}"
            spans += [normal.back(*match.span()) for match in re.finditer(whole, text)]
        if name and name in text:
            shape = re.escape(name)
            if len(name) == 1:
                before = r"(?:(?<![一-鿿])|(?<=[给送交找叫是请转]))"
                shape = rf"(?<=阿){shape}|(?<=[小老]){shape}(?![一-鿿])|{before}{shape}(?={HONORIFIC})"
            spans += [normal.back(*match.span()) for match in re.finditer(shape, text)]
    return spans


def find_ends(normal: Normal, phones: Sequence[str]) -> list[Span]:
    """Find numbers that are the last four to ten digits of a phone, or its first five or more: the label shows the first three."""
    found = _ENDS.finditer(normal.text)
    return [
        normal.back(*match.span())
        for match in found
        if any(phone.endswith(match[0]) or (len(match[0]) > 4 and phone.startswith(match[0])) for phone in phones)
    ]


def find_words(normal: Normal, words: Sequence[str]) -> list[Span]:
    """Where `words` (in normal form and lower case) occur, as spans of the original string.

    Latin words and numbers are found only as whole words.
    """
    text = normal.text.lower()
    here = [word for word in words if word in text]
    return [normal.back(*span) for word in here for span in _places(text, word)] if here else []


def _places(text: str, word: str) -> Iterable[Span]:
    at = text.find(word)
    while at >= 0:
        end = at + len(word)
        if not (word.isascii() and (_goes_on(text[at - 1 : at]) or _goes_on(text[end : end + 1]))):
            yield at, end
        at = text.find(word, at + 1)


def _goes_on(ch: str) -> bool:
    return ch.isascii() and ch.isalnum()
