"""Splits one pasted line into name, phone and address, with a confidence.

People paste `张三，13800000001，上海市...` in any order, with or without labels. The confidence is that of the least certain
part, and an import rejects lines below `SURE`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import final

from masking.redact.names import COMPOUND, SINGLE
from masking.redact.normalise import normalise
from masking.redact.phones import find_phones
from masking.values.plaintext import Party

SURE = 0.8
_AN_ADDRESS = 0.7
LONGEST = 1000
"""The most characters of a line. A name, a phone and the longest address have 400."""

_NAME_LABEL = r"(?:收货人|收件人|联系人|姓\s*名|名字|收货人姓名|收件人姓名|name|recipient|receiver)"
_OTHER_LABEL = r"(?:手机号码|手机号|手机|联系电话|电话号码|联系方式|电话|收货电话|phone|mobile|tel|所在地区|所在区域|地区|收货地址|详细地址|收件地址|地址|address|邮编|邮政编码)"
_LABELLED_NAME = re.compile(
    rf"(?:^|[\s,，;；|]){_NAME_LABEL}\s*[:：]\s*([^,，;；|\n\t:：]+?)(?=\s*(?:[,，;；|\n\t]|\s{_OTHER_LABEL}|$))",
    re.IGNORECASE,
)
_LABEL = re.compile(rf"(?:^|(?<=[\s,，;；|])){_OTHER_LABEL}\s*[:：]\s*", re.IGNORECASE)
_LABELLED_ADDRESS = re.compile(r"(?:^|[\s,，;；|])(?:收货地址|详细地址|收件地址|地址|address)\s*[:：]", re.IGNORECASE)
_SEPARATOR = re.compile(r"[,，;；|\n\t\s]+")
_POSTCODE = re.compile(r"(?:^|(?<=[\s,，;；|]))\d{6}(?=$|[\s,，;；|])")

_HAN_NAME = re.compile(
    r"(?:[㐀-鿿𠀀-\U0003fffd]{2,4}(?:先生|女士|小姐|老师)?|[㐀-鿿𠀀-\U0003fffd]{1,8}·[㐀-鿿𠀀-\U0003fffd·]{1,16})(?:[\[【(]\d{3,4}[\])】])?"
)
_LATIN_NAME = re.compile(r"[A-Za-z][A-Za-z.'-]+")
_PLACE = re.compile(
    r"[省市区县旗镇乡村路街道巷弄号栋幢楼座室层院苑园里屯组]|大厦|广场|小区|花园|公寓|学校|大学|医院|公司|店$|驿站|菜鸟|丰巢"
)
_PROVINCE = re.compile(
    r"(?:中国)?(?:北京|天津|上海|重庆|河北|山西|辽宁|吉林|黑龙江|江苏|浙江|安徽|福建|江西|山东|河南|湖北|湖南|广东|海南|四川|贵州|云南|陕西|甘肃|青海|台湾|"
    r"内蒙古|广西|西藏|宁夏|新疆|香港|澳门)"
)
_CITY = re.compile(r"[㐀-鿿]{2,9}?(?:市|自治州|地区|盟)[㐀-鿿]{1,9}?(?:区|县|市|旗|镇)")
_DOOR = re.compile(r"[路街道巷弄村镇园区]\D{0,12}\d")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ParsedContact:
    """The parts of a line. `confidence` is from 0 (a part is missing) to 1."""

    party: Party
    confidence: float


def take_apart(line: str) -> ParsedContact:
    """Name, phone and address of a pasted line. Only labels, postcode and separators are dropped.

    A line of more than `LONGEST` characters is not split and has confidence 0.
    """
    if len(line) > LONGEST:
        return _unsure(line)
    line = line.strip()
    phones = find_phones(normalise(line))
    whole = [phone for phone in phones if phone.kind != "local"]
    if len({phone.digits for phone in whole}) != 1 or len(whole[0].extension) > 5:
        return _unsure(line)
    phone = line[slice(*whole[0].span)].strip(" ,，;；|[(（【")
    sure = 0.98 if whole[0].kind == "mobile" else 0.85
    rest = line
    for each in reversed(whole):
        rest = rest[: each.span[0]] + "\n" + rest[each.span[1] :]
    name, rest, name_sure = _name(rest)
    labelled = _LABELLED_ADDRESS.search(rest) is not None
    address = _POSTCODE.sub("", _LABEL.sub("\n", rest)).strip(" \n\t,，;；|:：")
    address = re.sub(r"\s*\n\s*", "" if not address.isascii() else " ", address)
    if not name or not address:
        return _unsure(line)
    confidence = min(sure, name_sure, _address_sure(address, labelled=labelled))
    return ParsedContact(party=Party(name=name, phone=phone, address=address), confidence=confidence)


def is_like_a_name(text: str) -> bool:
    """Whether a text is a Chinese surname with a given name."""
    return _name_sure(text) >= SURE


def is_like_an_address(text: str) -> bool:
    """Whether a text begins like an address, or names a road or village and a number."""
    return len(text) <= LONGEST and _address_sure(text, labelled=False) >= _AN_ADDRESS


def _unsure(line: str) -> ParsedContact:
    return ParsedContact(party=Party(name="", phone="", address=line), confidence=0.0)


def _name(text: str) -> tuple[str, str, float]:
    """The name, the text without it, and the confidence."""
    labelled = _LABELLED_NAME.search(text)
    if labelled:
        return labelled[1].strip(), text[: labelled.start()] + "\n" + text[labelled.end() :], 0.95
    text = _LABEL.sub("\n", text)
    tokens = [(m.start(), m.end()) for m in re.finditer(r"[^,，;；|\n\t\s]+", text)]
    found = [(a, b, _name_sure(text[a:b])) for a, b in tokens]
    found = [each for each in found if each[2]]
    if not found and text.isascii():
        found = _latin(text)
    if not found:
        return "", text, 0.0
    best = max(found, key=lambda each: each[2])
    a, b, sure = best
    if sum(each[2] == sure for each in found) > 1:
        sure = 0.4  # two that could be the name
    if a != tokens[0][0] and b != tokens[-1][1] and text[a - 1 : a] != "\n" and text[b : b + 1] != "\n":
        sure = min(sure, 0.5)  # in the middle of the address
    return text[a:b], text[:a] + "\n" + text[b:], sure


def _name_sure(token: str) -> float:
    if not _HAN_NAME.fullmatch(token):
        return 0.0
    known = token[0] in SINGLE or token[:2] in COMPOUND or "·" in token
    if _PLACE.search(token) or _PROVINCE.match(token):
        return 0.0
    return 0.9 if known else 0.6


def _latin(text: str) -> list[tuple[int, int, float]]:
    """Candidates for a name in Latin script: parts between separators that are words without digits."""
    out = []
    for m in re.finditer(r"[^,;|\n\t]+", text):
        part = m[0].strip()
        words = part.split()
        if 1 < len(words) <= 4 and all(_LATIN_NAME.fullmatch(word) for word in words):
            start = m.start() + m[0].index(part)
            out.append((start, start + len(part), 0.6))
    return out


def _address_sure(address: str, *, labelled: bool) -> float:
    if _PROVINCE.match(address) and len(address) >= 6:
        return 0.95
    if _CITY.match(address):
        return 0.9
    if labelled:
        return 0.85
    return 0.7 if _DOOR.search(address) else 0.4
