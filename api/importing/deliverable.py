"""Phones that can't be called and addresses that can't be found: rejected, because their label would be a wasted parcel.

These rules are the import's own. `checkout` accepts more, because a program can know what a file does not say.
"""

from __future__ import annotations

import re

from masking.redact.normalise import normalise
from masking.redact.phones import find_phones
from masking.redact.regions import find_region

_EXTENSION = re.compile(r"\s*(?:[-_,，;；~～转轉xX#＃分pP]|ext\.?)+\s*\d{1,6}\s*$", re.IGNORECASE)
_JOINERS = re.compile(r"[\s().\-‐–—()（）]+")
_MAINLAND = re.compile(r"^(?:\+?86|0086)(?=1\d{7,})")
_MOBILE = re.compile(r"1[3-9]\d{9}(?:\d{3,4})?")
"""Eleven digits; platforms append three or four of an extension without a sign."""
_HAN = re.compile(r"[㐀-鿿\U00020000-\U0003fffd]")
_SURELY_A_PLACE = re.compile(
    r"路|街|大道|巷|弄|村|屯|组|苑|广场|小区|公寓|学校|大学|中学|小学|学院|医院|公司|厂|大厦|花园|超市|驿站|酒店|新城|工业区|开发区"
)
_OF_A_DOOR = re.compile(
    r"[\d\s零〇一二三四五六七八九十百甲乙丙丁东南西北中栋幢座号楼单元室层户房梯门之#－\-—_,，.。()（）A-Za-z]+"
)
_ASCII = {0xFF10 + n: str(n) for n in range(10)} | {0xFF0B: "+", 0xFF0D: "-"}
_LONGEST = 64
"""Characters of a cell that may be one phone; `checkout` judges longer ones."""
_SHORT = 7
_NO_PHONES_LENGTH = 9
_COVERED = re.compile(r"[#＃_＿]{2}")
"""Signs that mask something; `checkout` says so."""
_NAMED = 2
"""Letters that a place's name has at least, without region and door."""


def is_uncallable(phone: str, address: str) -> bool:
    """Whether a phone of a recipient in China has a number of digits that no phone there has."""
    if len(phone) > _LONGEST or any(each.kind in {"mobile", "grouped"} for each in find_phones(normalise(phone))):
        return False
    phone = phone.translate(_ASCII)
    if not _HAN.search(address) or (phone[:1] == "+" and not phone.startswith("+86")):
        return False
    digits = _MAINLAND.sub("", _JOINERS.sub("", phone))
    if not digits.isdecimal():
        digits = _MAINLAND.sub("", _JOINERS.sub("", _EXTENSION.sub("", phone)))
    if not digits.isdecimal() or digits[:2] == "00":
        return False
    if digits[0] == "1" and digits[:2] != "10":
        return len(digits) > _SHORT and _MOBILE.fullmatch(digits) is None
    return len(digits) == _NO_PHONES_LENGTH and digits[0] not in "09"


def is_nowhere(address: str) -> bool:
    """Whether a Chinese address names a region or a door and no place in between: `3栋2单元501`, `上海`."""
    if not _HAN.search(address):
        return sum(char.isalpha() for char in address) < _NAMED
    if _SURELY_A_PLACE.search(address) or _COVERED.search(address):
        return False
    text = normalise(address).text
    for start, end in sorted(find_region(text).spans, reverse=True):
        text = text[:start] + " " + text[end:]
    return len(_OF_A_DOOR.sub("", text)) < _NAMED
