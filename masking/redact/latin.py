"""Doors in addresses in Latin script. Fails closed: every number that doesn't belong to a street counts as a door."""

from __future__ import annotations

import re

from masking.redact.levels import AddressLevel, Part
from masking.redact.spans import Span

_STRETCH = re.compile(r"[A-Za-z0-9#(][A-Za-z0-9 ,.'#/&()\-:;]*")
_WORD = re.compile(r"[A-Za-z]{3,}")
_WORDS = (
    r"(?<![A-Za-z])(?:room|rm|unit|flat|apartment|apt|suite|ste"
    r"|floor|fl|level|lvl|building|bldg|bld|blg|block|blk|tower|house|villa|shop|stall|wing)(?![A-Za-z])"
)
_ONES = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
)
_SPOKEN = rf"(?:{_ONES}|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred)"
_ORDINAL = r"(?:first|second|third|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|(?:thir|four|fif|six|seven|eigh|nine)teen|twentie|thirtie)th)"
_PINYIN = r"(?:(?:yi|er|san|si|wu|liu|qi|ba|jiu|shi)[ ]){1,3}(?:hao[ ]?lou|dong|danyuan|ceng|zuo)"
_DOOR_WORD = re.compile(_WORDS, re.IGNORECASE)
_DOOR = re.compile(
    rf"(?P<word>{_WORDS}|#)[.:# ]{{0,12}}+(?:no\b[.: ]*)?(?:[A-Za-z]?\d+[A-Za-z]?(?:[-/][A-Za-z]?\d+)*[A-Za-z]?|{_SPOKEN}(?:[ -](?:and[ ])?{_SPOKEN}){{0,5}}|[A-Za-z])\b"
    rf"|\b{_ORDINAL}[ ]floor\b|\b{_PINYIN}\b"
    r"|(?<!\d)\d++[ ]?(?:haolou|lou|dong|zhuang|danyuan|shi|ceng|zuo)\b|(?<!\d)\d++(?:st|nd|rd|th)?[ ]*/?(?:floor|fl|/f|f)\b|\b[A-Za-z]?\d+[A-Za-z]?(?:[-/][A-Za-z]?\d+[A-Za-z]?)+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\b[A-Za-z]{0,2}\d+[A-Za-z]?\b")
_STREET = re.compile(
    r"(?:-\d+)?[ ,]*(?:[A-Za-z'.]+[ ]){0,4}(?:[A-Za-z]*(?:lu|jie|dao|xiang|road|street|avenue)"
    r"|rd|st|ave|ln|lane|alley|long|drive|dr|boulevard|blvd|way|highway)\b",
    re.IGNORECASE,
)


_POSTCODE = re.compile(r"[0-8]\d{5}")
BEFORE = 32
"""How many characters before a number are searched for a street."""
_OF_STREET = re.compile(r"(?:\b|[a-z])(?:road|rd|street|st|avenue|ave|lu|jie)[., ]*(?:no[. ]*)?\Z", re.IGNORECASE)


def latin_stretches(text: str) -> list[Span]:
    """The spans of a string that are written in Latin words."""
    if not _WORD.search(text):
        return []
    return [
        match.span()
        for match in _STRETCH.finditer(text)
        if len(_WORD.findall(match[0])) >= 2 or (_DOOR_WORD.search(match[0]))
    ]


def latin_doors(text: str, start: int, end: int) -> list[Part]:
    """The doors in a span of Latin script: door words with their numbers, and numbers that belong to no street."""
    parts = [
        Part(*match.span(), AddressLevel.ROOM)
        for match in _DOOR.finditer(text, start, end)
        if match["word"] or not _STREET.match(text, match.end())
    ]
    return parts + [
        Part(*match.span(), AddressLevel.ROOM)
        for match in _NUMBER.finditer(text, start, end)
        if not _STREET.match(text, match.end())
        and not _OF_STREET.search(text, max(start, match.start() - BEFORE), match.start())
        and not _POSTCODE.fullmatch(match[0])
    ]
