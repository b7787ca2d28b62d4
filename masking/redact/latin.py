"""Doors in addresses in Latin script. Fails closed: every number that doesn't belong to a street counts as a door."""

from __future__ import annotations

import re
from collections.abc import Sequence

from masking.redact.levels import AddressLevel, Part
from masking.redact.spans import Span

_STRETCH = re.compile(r"[A-Za-z0-9#(][A-Za-z0-9 ,.'#/&()\-:;]*")
_WORD = re.compile(r"[A-Za-z]{3,}")
_WORDS = (
    r"(?<![A-Za-z])(?:room|rm|unit|flat|apartment|apt|suite|ste"
    r"|floor|fl|level|lvl|building|bldg|bld|blg|block|blk|tower|house|villa|shop|stall|wing|entrance|gate|stair(?:case|well)?s?|door|dorm(?:itory)?"
    r"|ward|bed|studio|penthouse|quarters|hostel)(?![A-Za-z])"
)
_ONES = (
    "zero|oh|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|(?:thir|four|fif|six|seven|eigh|nine)teen"
)
_SPOKEN = rf"(?:{_ONES}|(?:twen|thir|for|fif|six|seven|eigh|nine)ty|hundred)"
_ORDINAL = r"(?:first|second|third|(?:four|fif|six|seven|eigh|nin|ten|eleven|twelf|(?:thir|four|fif|six|seven|eigh|nine)teen|twentie|thirtie)th)"
_SAID = r"(?:yi|yao|er|liang|san|si|wu|liu|qi|ba|jiu|shi|ling|bai)"
_KIND = r"(?:hao[ ]?lou|lou|dong|zhuang|zuo|dan[ ]?yuan|dan|men|ceng|shi|hu|fang|pai|ke)"
"""The door words in pinyin: 号楼, 楼, 栋, 幢, 座, 单元, 门, 层, 室, 户."""
_PINYIN = rf"(?:{_SAID}[ ]){{1,4}}(?:hao[ ]?lou|dong|danyuan|ceng|zuo|men|shi|hao)|{_SAID}(?:[ ]{_SAID}){{2,4}}"
_DOOR_WORD = re.compile(rf"{_WORDS}|(?<![A-Za-z]){_KIND}[ ]?\d|\d[ ]?{_KIND}(?![A-Za-z])", re.IGNORECASE)
_DOOR = re.compile(
    rf"(?P<word>{_WORDS}|#)[.:# ]{{0,12}}+(?:no\b[.: ]*)?(?:[A-Za-z]?\d+[A-Za-z]?(?:[-/][A-Za-z]?\d+)*[A-Za-z]?|{_SPOKEN}(?:[ -](?:and[ ])?{_SPOKEN}){{0,5}}|[A-Za-z])\b"
    rf"|\b{_ORDINAL}[ ]floor\b|\b{_PINYIN}\b"
    rf"|(?P<chain>(?<!\d)\d++[ ]?{_KIND}(?![A-Za-z])(?:[ ]?\d++(?:[ ]?{_KIND}(?![A-Za-z]))?){{0,4}}|\b[A-Z][ ]?(?:dong|zuo|lou)\b(?:[ ]?\d+)?"
    rf"|\b(?:{_KIND}[ ]?\d++|hao[ ]?\d{{3,4}})(?![A-Za-z\d])|(?:\bno\.?[ ]?)?(?<!\d)\d{{1,3}}\#?[ ](?:building|block|tower|entrance|villa|dorm)\b)"
    r"|(?<!\d)\d++(?:st|nd|rd|th)?[ ]*/?(?:floor|fl|/f|f)\b|\b[A-Za-z]?\d+[A-Za-z]?(?:[-/][A-Za-z]?\d+[A-Za-z]?)+",
    re.IGNORECASE,
)
_NUMBER = re.compile(r"\b[A-Za-z]{0,2}\d+[A-Za-z]?\b")
_STREET = re.compile(
    r"(?:-\d+)?[ ,]*(?:[A-Za-z'.]+[ ]){0,4}(?:[A-Za-z]*(?:lu|jie|dao|xiang|road|street|avenue)"
    r"|rd|st|ave|ln|lane|alley|long|drive|dr|boulevard|blvd|way|highway)\b",
    re.IGNORECASE,
)


_OF_ROAD = re.compile(r"[ ]?(?:\d[ ]?)?(?:lu|jie|road|rd|dadao|dajie|street)\b", re.IGNORECASE)
_POSTCODE = re.compile(r"[0-8]\d{5}")
BEFORE = 32
"""How many characters before a number are searched for a street."""
_OF_STREET = re.compile(r"(?:\b|[a-z])(?:road|rd|street|st|avenue|ave|lu|jie)[., ]*(?:no[. ]*)?\Z", re.IGNORECASE)


_HAN = re.compile("[一-鿿]")


def is_unread(text: str, doors: Sequence[Part]) -> bool:
    """Whether an address without Han characters has numbers, but neither a door nor a street that the rules understand."""
    return not doors and any(map(str.isdecimal, text)) and not _HAN.search(text) and not _STREET.search(text)


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
        if match["word"] or not (_OF_ROAD if match["chain"] else _STREET).match(text, match.end())
    ]
    return parts + [
        Part(*match.span(), AddressLevel.ROOM)
        for match in _NUMBER.finditer(text, start, end)
        if not _STREET.match(text, match.end())
        and not _OF_STREET.search(text, max(start, match.start() - BEFORE), match.start())
        and not _POSTCODE.fullmatch(match[0])
    ]
