"""Addresses: which characters give the door away, and which route the parcel.

GB/T 41833 hides unit and room. The rules walk from number to number and from door word to door word; what a number is
follows from the word behind it, the word before it, and how deep in the address it stands. A number that nothing
explains counts as a door; text without a door is left alone.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple

from masking.redact.normalise import Normal, normalise
from masking.redact.phones import find_phones
from masking.redact.spans import Span, cover, joined
from masking.waybill import Masked


class Level(IntEnum):
    """How deep a part of an address lies."""

    NOTHING = 0
    TOWN = 2
    STREET = 3
    NUMBER = 4
    PLACE = 5
    BUILDING = 6
    UNIT = 7
    FLOOR = 8
    ROOM = 9


class Part(NamedTuple):
    """One part of an address that gives a door away: its span in the normal form, and what it is."""

    start: int
    end: int
    level: Level


_N = "一二三四五六七八九十百零〇○两"
_SIDE = "东西南北中左右前后"
_STEM = "甲乙丙丁戊己"
_CODE = rf"(?:[A-Za-z]{{0,3}}\d+[A-Za-z]{{0,2}}|[{_N}]+)"
_JOIN = r"[ ]?[-~_/.、,，至到][ ]?"
_BUILDING = r"号楼|楼栋|栋楼|号栋|[栋幢撞座]|\#楼|号馆|号公寓|排|舍"
_UNIT = r"单元|单(?!位|身)|[门梯](?!口|诊)"
_FLOOR = r"层楼?|楼(?!盘|之)|[Ff](?![A-Za-z])"
_ROOM = r"号?(?:室|户(?!部)|房(?!产|屋)|商?铺|门面房?|门市房?|底商|档口?|摊位|床位?|格口?|柜|病区|病房|工位|卡位|车库|储藏室|牌位?|门牌)"
_RUN = re.compile(
    rf"""
    (?P<lead>第|附|自编|负|地下|[{_SIDE}](?=[{_N}\d])|(?<![\w])[A-Za-z](?=座|栋|幢|楼|单元|区[^\W\d]))?
    (?P<code>{_CODE}(?:{_JOIN}{_CODE}|(?<=\d)[{_N}]+-{_CODE})*[{_STEM}]?)?
    [ ]?
    (?P<word>(?P<building>{_BUILDING})|(?P<unit>{_UNIT})|(?P<room>{_ROOM})|(?P<floor>{_FLOOR})|(?P<hash>\#)|(?P<hao>号))?
    """,
    re.VERBOSE,
)
_START = re.compile(
    rf"[\dA-Za-z{_N}]|[{_SIDE}{_STEM}](?=单元|户|座|栋|幢|门(?!口)|室)|第|附|自编|负|地下|首层|底[楼层商]|顶[楼层]|[主裙副附高]楼|门[面市]|架空层"
)
_BARE = re.compile(
    rf"[{_SIDE}{_STEM}]?[{_SIDE}{_STEM}]?(?:单元|户(?![县籍])|座(?!谈))|首层|底[楼层]|底商|顶[楼层]|[主裙副附]楼|门面房?|门市房?|架空层|负[一二三1-3]楼?层?"
)
_STREET_END = re.compile(
    r"(?:[路街道巷弄线]|胡同|公路|大街|国道|[路街道][东南西北中]?段?|[路街道][一二三四五六七八九十东南西北中上下内外])$"
)
_RURAL_END = re.compile(r"(?:[村组队屯社庄寨湾沟坝坪坡塘冲垸乡镇里]|村委会?|居委会?|大队)$")
_KEPT_AFTER = re.compile(
    r"(?:号?(?:期|区|地块|线|国道|省道|县道|高速|里|坊|条|组|队|社|屯|村|连|团|营|巷|弄|路|街|道|胡同|环|桥|中学?|小学?|院|厂|门|出口|口|米|公里|年|部队|院落|大院|码头|井|矿|农场|师|镇|乡|铺|店|家|村|庄|亩|分|岁|路车|站|家属院|仓|库|馆|标|化建))"
)
_BREAK = " ,，。;；、.()（）[]【】〔〕<>《》「」“”\"'|+&:：-_/~"
_LATIN = re.compile(r"[A-Za-z]{3,}")


def door_parts(normal: Normal) -> list[Part]:
    """Every part of an address that gives a door away, in order."""
    text = normal.text
    if len(re.findall(r"[A-Za-z]", text)) > 0.6 * max(1, sum(ch.isalpha() for ch in text)):
        return _latin(text)
    parts: list[Part] = []
    level, at, last = Level.NOTHING, 0, 0
    while True:
        start = _START.search(text, at)
        if not start:
            return parts
        pos = start.start()
        bare = _BARE.match(text, pos)
        run = _RUN.match(text, pos)
        if bare and (not run or not run["code"]):
            parts.append(Part(bare.start(), bare.end(), Level.UNIT))
            level, at = max(level, Level.UNIT), bare.end()
            last = at
            continue
        if not run or not (run["code"] or (run["lead"] and run["word"])) or run.end() == pos:
            at = pos + 1
            continue
        between = text[last:pos].rstrip(_BREAK)
        level = _context(between, level)
        kind = _judge(text, run, between, level)
        at = max(run.end(), pos + 1)
        if kind is None:
            continue
        if kind > Level.PLACE:
            parts.append(Part(run.start(), run.end(), kind))
        level, last = kind, run.end()


def _context(between: str, level: Level) -> Level:
    """How deep the text before a number has come."""
    if not between.strip(_BREAK):
        return level
    if _STREET_END.search(between):
        return Level.STREET
    if _RURAL_END.search(between):
        return Level.TOWN
    return max(Level.PLACE, level) if level >= Level.BUILDING else Level.PLACE


def _judge(text: str, run: re.Match[str], between: str, level: Level) -> Level | None:
    """What a number is; None if it is part of a name."""
    code, rest = run["code"] or "", text[run.end() :]
    digits = any(ch.isdecimal() for ch in code)
    if run["building"]:
        return None if rest.startswith(("之间", "村", "镇", "乡")) else Level.BUILDING
    if run["unit"]:
        return Level.UNIT if digits or level >= Level.NUMBER or run["unit"].startswith("单") else None
    if run["room"]:
        return Level.ROOM if digits or len(code) > 1 or level >= Level.NUMBER else None
    if run["floor"]:
        return Level.FLOOR if digits or level >= Level.STREET else None
    if run["hao"]:
        if not digits and level < Level.STREET:
            return None if not between else Level.ROOM
        if _KEPT_AFTER.match(rest) and not rest.startswith(("门", "店", "铺", "库", "家")):
            return None
        if level == Level.STREET:
            return Level.BUILDING if between.endswith("弄") else Level.NUMBER
        if run["lead"] == "附" and level == Level.NUMBER:
            return Level.NUMBER
        return Level.BUILDING if level in {Level.PLACE, Level.NUMBER} else Level.ROOM
    if run["hash"]:
        return Level.NUMBER if level == Level.STREET else Level.BUILDING
    if not digits:
        return Level.ROOM if re.search(r"[-]", code) or (level >= Level.BUILDING and len(code) >= 3) else None
    if _KEPT_AFTER.match(rest):
        return None
    followed = bool(rest) and rest[0] not in _BREAK
    if level == Level.STREET and not re.search(r"\D", code.rstrip(_STEM)):
        return Level.NUMBER
    if followed and level < Level.BUILDING and not re.fullmatch(r"\d{3,4}", code):
        return None
    if followed and level < Level.NUMBER:
        return None
    return Level.ROOM


_LATIN_DOOR = re.compile(
    r"(?:room|rm|unit|flat|apartment|apt|suite|ste|floor|fl|building|bldg|block|blk|tower|house|no|#)[.:# ]*[A-Za-z]?\d+(?:[-/]\d+)*[A-Za-z]?"
    r"|\d+(?:st|nd|rd|th)?[ ]*/?(?:floor|fl|/f|f)\b|\b[A-Za-z]?\d+[A-Za-z]?(?:[-/]\d+[A-Za-z]?)+",
    re.IGNORECASE,
)
_LATIN_NUMBER = re.compile(r"\b[A-Za-z]?\d+[A-Za-z]?\b")
_LATIN_STREET = re.compile(
    r"[ ,]*(?:[A-Za-z'.]+[ ]){0,4}(?:road|rd|street|st|avenue|ave|lane|ln|drive|boulevard|blvd|lu|jie|dao|xiang|way)\b",
    re.IGNORECASE,
)


def _latin(text: str) -> list[Part]:
    """The doors of an address in Latin script: every number that no street name follows."""
    parts = [Part(*match.span(), Level.ROOM) for match in _LATIN_DOOR.finditer(text)]
    parts += [
        Part(*match.span(), Level.ROOM)
        for match in _LATIN_NUMBER.finditer(text)
        if not _LATIN_STREET.match(text, match.end()) and not re.fullmatch(r"\d{6}", match[0])
    ]
    return parts


def mask_address(text: str, known: list[str] | None = None) -> Masked:
    """The address with its door, persons and phones hidden, and the way to it left."""
    normal = normalise(text)
    spans = [normal.back(part.start, part.end) for part in door_parts(normal)]
    spans += [phone.span for phone in find_phones(normal)]
    spans += persons(normal)
    for word in known or []:
        spans += [(m.start(), m.end()) for m in re.finditer(re.escape(word), text)]
    return cover(text, joined(spans, text, " -－—_/.、,，"))


_PERSON = re.compile(
    r"(?:收货人|收件人|联系人|收貨人|姓名)[:： ]*(?P<a>[一-鿿]{2,3}(?=[\d(（,， ]|$))|(?P<b>[一-鿿]{2,3})[ ]?(?:收|先生|女士|小姐)(?=[\W\d]|$)|\[\d{4}\]"
)


def persons(normal: Normal) -> list[Span]:
    """Names that somebody typed into an address, where a word marks them."""
    out = []
    for match in _PERSON.finditer(normal.text):
        group = "a" if match["a"] else "b" if match["b"] else 0
        out.append(normal.back(*match.span(group)))
    return out
