"""Finds the door in an address: building, unit, floor and room, rural house, stall, bed, box.

The rules walk from number to number. What a number is follows from the word behind it (栋, 单元, 室), the word before it
(a road has numbers, a village has houses, an estate has buildings) and how deep in the address it stands. A number that
nothing explains counts as a door; numbers that belong to a name (三里屯, 3号线, 105国道, 二期) are left alone.
All offsets are of the normal form.
"""

from __future__ import annotations

import re
from enum import IntEnum
from typing import NamedTuple


class Level(IntEnum):
    """How deep a part of an address lies. From BUILDING on it is part of the door."""

    NOTHING = 0
    TOWN = 1
    STREET = 2
    LANE = 3
    NUMBER = 4
    PLACE = 5
    BUILDING = 6
    UNIT = 7
    FLOOR = 8
    ROOM = 9


class Part(NamedTuple):
    """A part of an address: its span in the normal form, and what it is."""

    start: int
    end: int
    level: Level


_N = "一二三四五六七八九十百零〇○两廿"
_SIDE = "东西南北中左右前后"
_STEM = "甲乙丙丁戊己庚"
_BREAK = " ,，。;；、.()（）[]【】〔〕<>《》「」“”\"'|+&:：-_/~…!！?？*"

_BUILDING = (
    r"号?(?:公?寓?楼栋?|[栋幢撞][楼]?)(?![梯盘])|[栋幢]|座(?!标)|排(?!水|污|档|放)|\#楼?|舍(?!得)|号?馆(?!子)|塔楼?(?!山|村|镇|乡)"
)
_UNIT = r"单元|单(?![位身县元])|门(?![口诊面市头前卫楼])|梯(?![田口])"
_FLOOR = r"楼层|层楼?|楼(?![盘之台])|[Ff](?![A-Za-z\d])"
_ROOM = (
    r"号?(?:室|户(?!籍|外)|房(?![产屋东地])|商?铺(?!面路)|门面房?|门市房?|门店|底商|档口?|摊位?|床位?|格口?|柜(?!台)|箱|病区|病房|工位|卡位"
    r"|车位|车库|储藏室|牌位?|门牌|宿舍|仓(?!库)|教室|包[间厢]|院内)"
)
_ATOM = rf"(?:[A-Za-z]{{0,3}}\d+(?:[A-Za-z]{{1,2}}(?![A-Za-z]))?[{_STEM}]?|[{_N}]+|[A-Za-z]{{1,3}}|[{_STEM}](?=[-座栋幢单号室楼排]))"
_JOIN = r"[ ]?[-~_/至、][ ]?|(?<=\d)\.(?=\d)"
_RUN = re.compile(
    rf"""
    (?P<lead>第|附|自编|负|地下|[{_STEM}]-?(?=\d)|[{_SIDE}](?=(?:[{_N}]{{1,3}}|\d{{1,2}})(?:号?[楼栋幢座]|单元|[门排]))|\#)?
    (?P<code>{_ATOM}(?:(?:{_JOIN})(?:{_ATOM}|[{_SIDE}](?![一-鿿])))*)
    (?P<word>[ ]?(?:(?P<room>{_ROOM})|(?P<unit>{_UNIT})|(?P<floor>{_FLOOR})|(?P<building>{_BUILDING})|(?P<hao>号)))?
    """,
    re.VERBOSE,
)
_START = re.compile(
    rf"\d|[{_N}](?=[{_N}]*(?:号|栋|幢|单元|[楼层室座门户梯排舍房铺档柜床#-]|一\d))|[{_N}]{{3}}"
    rf"|[A-Za-z]+(?=\d|号?[楼栋幢]|座|单元|塔|馆|排|室|层|户|[ ]?-[ ]?\d|[ ]?-[ ]?[A-Z](?![A-Za-z]))|第(?=[{_N}\d]+[栋幢座排])|附(?=\d)|负(?=[{_N}\d])|地下(?=[{_N}\d])"
    rf"|[{_SIDE}{_STEM}](?=单元|[户座栋幢室]|[{_N}\d]{{1,3}}(?:单元|号?楼|[栋幢座门排]))|[{_STEM}]-?(?=\d)|[首底顶夹]层|[底顶]楼(?!村)|架空层|[主裙副附东西南北前后]楼(?![村镇乡街路区])"
)
_WORD = re.compile(rf"[{_SIDE}{_STEM}]{{1,2}}(?:单元|户(?![县籍])|座(?!谈)|[栋幢]|室)|[首底顶夹]层|[底顶]楼|架空层|[主裙副附东西南北前后]楼")
_AS_DASH = re.compile(rf"[{_N}]{{1,3}}一\d+")
_STREET_TAIL = re.compile(
    rf"(?:[路街道巷线](?:[东南西北中上下内外侧]|[东南西北中上下前后]?段|[{_N}]|辅路)?|胡同|环[城]?|[{_N}]条|[东南西北]大[街道])$"
)
_LANE_TAIL = re.compile(r"(?:\d|[一二三四五六七八九十百支])弄$|弄堂?$")
_RURAL_TAIL = re.compile(r"(?:[村组队屯社庄寨湾沟坝坪坡塘冲垸乡镇营堡]|村委会?|居委会?|大队|社区|街道(?:办事处)?|农场|连)$")
_HOUSE_TAIL = re.compile(
    r"(?:大厦|大楼|广场|公寓|写字楼|中心|小区|花园|花苑|[苑园城座舍楼库馆府邸庭]|宿舍|国际|家属院|新村|大院|公馆|酒店|商场|市场|超市|SOHO|soho|期|\d区|[A-Za-z]区|[一二三四五六七八九十东西南北]区)$"
)
_OF_A_NAME = re.compile(
    r"(?:号?(?:期|区|组团|地块?|[号]?线|里(?![面头])|坊|条(?!件)|组|队|社(?!区)|屯|村|连|团|营|师|镇|乡|巷|弄|支弄|路|街|道|胡同|环|桥|院|出?口|井|矿|厂|农?场|米|公里|年|部队|码头|站台?|岛|湖|山|井|机|生产队|大队|工区|标段?|车间|试验|地铁|闸|泵|哨)"
    r"|国道|省道|县道|乡道|高速|[中小](?![户单])|中学|小学|医院|幼儿园|大院|号门|分店|周年|[多余]|天(?!井)|折|元|[%％°℃]|[\u4e00-\u9fff]{0,2}(?:连锁|副食|便利|超市|酒店|宾馆|广场|大厦|大楼|国际|新城|小镇|街区|创意|文创|艺术|空间|KTV|网吧|会所|公馆|公社))"
)
_PLACE_AHEAD = re.compile(
    r"[ ]?[A-Za-z\u4e00-\u9fff·]{0,12}?(?:大厦|写字楼|大楼|广场|中心|[园苑城府庭]|公寓|小区|公司|酒店|宾馆|商场|市场|工厂|基地|学校|医院|银行|大院|国际|会所|交易|宿舍|新村|仓库|站)"
)
_HIGHWAY = re.compile(r"[GSXYZ]\d{1,4}$")
_BETWEEN = re.compile(r"(?:楼|栋|幢|号|座)?(?:之间|中间)")


def door_parts(text: str, at: int = 0) -> list[Part]:
    """The parts of an address from `at` on that give a door away, in order, each with its level."""
    parts: list[Part] = []
    level, last = Level.NOTHING, at
    latin = [match.span() for match in _LATIN_STRETCH.finditer(text)] if _LATIN_WORDS.search(text) else []
    for start, end in latin:
        parts += _latin_parts(text, start, end)
    while found := _START.search(text, at):
        start = found.start()
        stretch = next((end for begin, end in latin if begin <= start < end), 0)
        if stretch:
            at = last = stretch
            continue
        between = text[last:start].rstrip(_BREAK)
        context = _context(between, level)
        word = _WORD.match(text, start)
        if word:
            level = Level.FLOOR if word[0][-1] in "层楼" and word[0][0] in "首底顶夹架" else Level.UNIT
            if word[0][-1] in "座栋幢楼" and level is Level.UNIT:
                level = Level.BUILDING
            parts.append(Part(start, word.end(), level))
            at = last = word.end()
            continue
        start = _from(text, start, found.end())
        run = _RUN.match(text, start)
        if not run:
            at = found.end()
            continue
        verdict = _judge(text, run, between, context)
        at = max(run.end(), found.end())
        if verdict is None:
            at = run.end("code")
            continue
        if verdict >= Level.BUILDING:
            parts += _split(run, verdict, level if not between.strip(_BREAK) else Level.NOTHING)
        level, last, at = verdict, run.end(), run.end()
        if verdict is Level.NUMBER:
            tail = _NUMBER_TAIL.match(text, last)
            at = last = tail.end() if tail else last
        trailing = _TRAILING_SIDE.match(text, last) if level >= Level.BUILDING else None
        if trailing:
            parts.append(Part(trailing.start(1), trailing.end(1), Level.ROOM))
            at = last = trailing.end(1)
    return sorted(parts)


_NUMBER_TAIL = re.compile(rf"(?:号?大?院)?(?:附\d+号|之[\d{_N}]+|[{_STEM}](?![座栋幢单\d]))?")
_TRAILING_SIDE = re.compile(rf" ?-? ?([{_SIDE}](?:[户室边手]|(?![一-鿿A-Za-z\d])))")
_WORDLIKE = ("SOHO", "CBD", "MOMA", "MALL", "PARK", "IFC", "WTC", "VILLA", "LOFT", "PLAZA", "CITY", "TOWN")


def _from(text: str, start: int, end: int) -> int:
    """Where a code begins that Latin letters lead into: of a word only the last letter can belong to the code."""
    letters = end - start
    if not (text[start].isascii() and text[start].isalpha()) or letters <= 2:
        return start
    word = text[start:end]
    if letters == 3 and not text[end : end + 1].isdecimal() and word.isupper():
        return start
    if word.upper().endswith(_WORDLIKE):
        return end if text[end : end + 1].isdecimal() else start
    if word[-2].islower() and word[-1].isupper():
        return end - 1
    if word[:-1].upper().endswith(_WORDLIKE) or not text[end : end + 1].isdecimal():
        return end - 1
    return end


def _context(between: str, level: Level) -> Level:
    """How deep the words before a number lead."""
    if not between.strip(_BREAK):
        return level
    if _LANE_TAIL.search(between):
        return Level.LANE
    if _STREET_TAIL.search(between):
        return Level.STREET
    if _RURAL_TAIL.search(between):
        return Level.TOWN
    return Level.PLACE


def _judge(text: str, run: re.Match[str], between: str, context: Level) -> Level | None:
    """What a number is; None if it is part of a name."""
    code, end = run["code"], run.end()
    digits = any(ch.isdecimal() for ch in code)
    latin = code.isascii() and code.isalpha()
    if _BETWEEN.match(text, end):
        return None
    if run["building"]:
        return _building(text, run, context, digits=digits, latin=latin)
    if run["unit"]:
        sure = digits or run["unit"] == "单元" or context >= Level.NUMBER
        return Level.UNIT if sure and not text.startswith(("峡", "县", "市", "镇", "村"), end) else None
    if run["floor"]:
        return Level.FLOOR if not text.startswith(("村", "镇", "乡", "路", "街"), end) else None
    if run["room"]:
        return Level.ROOM if digits or latin or run["room"] == "室" or context >= Level.NUMBER else None
    if run["hao"]:
        return _numbered(text, run, between, context)
    if latin:
        return Level.BUILDING if "-" in code else None
    if not digits:
        return _han(code, text, end, context)
    return _bare(text, run, between, context)


def _building(text: str, run: re.Match[str], context: Level, *, digits: bool, latin: bool) -> Level | None:
    """What a number before a building word is."""
    word, end = run["building"], run.end()
    if text.startswith(("村", "镇", "乡", "路", "街", "区"), end):
        return None
    if word == "#" and context == Level.STREET and "-" not in run["code"]:
        return Level.NUMBER
    if word in {"楼", "塔", "馆", "舍", "排"} and not digits and not latin:
        return Level.FLOOR if word == "楼" else Level.BUILDING if word == "舍" or context >= Level.TOWN else None
    if word == "楼" and (context >= Level.NUMBER or not text[end : end + 1].isdecimal()) and not latin:
        return Level.FLOOR
    return Level.BUILDING


def _numbered(text: str, run: re.Match[str], between: str, context: Level) -> Level | None:
    """What a number with 号 is: of a road, of a house, of a room, or part of a name."""
    end = run.end()
    if run["lead"] == "附" and context == Level.NUMBER and not between.strip(_BREAK):
        return Level.NUMBER
    if context == Level.STREET:
        return Level.NUMBER
    if context == Level.LANE:
        return Level.BUILDING
    if run["lead"] == "自编":
        return Level.NUMBER
    if _OF_A_NAME.match(text, end) and not text.startswith(("地下", "中"), end):
        return Level.NUMBER if text.startswith(("院", "大院"), end) else None
    if context == Level.PLACE and between.strip(_BREAK) and _PLACE_AHEAD.match(text, end) and not _HOUSE_TAIL.search(between):
        return Level.NUMBER
    if context == Level.NOTHING and not between and text[end : end + 1] not in _BREAK:
        return Level.NUMBER
    return Level.BUILDING if context in {Level.PLACE, Level.NUMBER} else Level.ROOM


def _han(code: str, text: str, end: int, context: Level) -> Level | None:
    """What Han numerals without a word behind them are."""
    if "-" in code:
        return Level.ROOM
    if text[end - 1] == "一" and text[end : end + 1].isdecimal():
        return Level.ROOM
    closed = text[end : end + 1] in _BREAK or end == len(text)
    return Level.ROOM if len(code) >= 3 and closed and (context >= Level.PLACE or "零" in code or "〇" in code) else None


def _bare(text: str, run: re.Match[str], between: str, context: Level) -> Level | None:
    """What a number without any word behind it is."""
    code, end = run["code"], run.end()
    parts = re.split(_JOIN, code)
    closed = end == len(text) or text[end] in _BREAK
    if _HIGHWAY.match(code) and context <= Level.STREET or (_HIGHWAY.match(code) and re.search(r"[省市县区旗]$", between)):
        return Level.STREET
    if text.startswith("邮编", max(0, run.start() - 3)) or between.endswith(("邮编", "邮政编码")):
        return None
    if _OF_A_NAME.match(text, end):
        return None
    if context == Level.STREET:
        if len(parts) == 1 and parts[0].rstrip(_STEM).isdecimal():
            return Level.NUMBER
        if len(parts) == 2 and parts[0].isdecimal() and parts[1].isdecimal() and len(parts[1]) < 3:
            return Level.NUMBER
        return Level.ROOM
    if len(parts) > 1 or closed or context >= Level.BUILDING or context == Level.NUMBER:
        return Level.ROOM
    if text[run.start() - 1 : run.start()] == "一" and context:
        return Level.ROOM
    house = _HOUSE_TAIL.search(between)
    return Level.ROOM if house and re.fullmatch(r"[A-Za-z]{0,2}\d{3,5}[A-Za-z]?", code) or text[end : end + 1] in _SIDE else None


def _split(run: re.Match[str], verdict: Level, before: Level) -> list[Part]:
    """A door run cut into its levels: a-b is building and room, a-b-c building, unit and room (floor where c is small)."""
    at, end = run.start(), run.end()
    cuts = [(m.start(), m.end()) for m in re.finditer(_JOIN, run["code"])]
    if not cuts or verdict is Level.BUILDING:
        return [Part(at, end, verdict)]
    base = run.start("code")
    ends = [base + a for a, _ in cuts] + [end]
    starts = [at] + [base + b for _, b in cuts]
    last = run["code"][cuts[-1][1] :]
    levels: list[Level] = [Level.ROOM] * len(starts)
    if verdict is Level.FLOOR:
        levels = [Level.FLOOR] * len(starts)
    elif before >= Level.BUILDING:
        levels = ([Level.UNIT, Level.FLOOR][-len(starts) + 1 :] if len(last) < 3 else [Level.UNIT] * (len(starts) - 1)) + [Level.ROOM]
        levels = levels[-len(starts) :]
    elif "、" not in run["code"]:
        levels = [Level.BUILDING, Level.UNIT, Level.FLOOR][: len(starts) - 1] + [Level.ROOM]
    levels = [Level.ROOM] * (len(starts) - len(levels)) + levels
    return [Part(a, b, lv) for a, b, lv in zip(starts, ends, levels, strict=True)]


_LATIN_WORDS = re.compile(r"[A-Za-z]{2,}[^一-鿿]*[ ,.][^一-鿿]*[A-Za-z]{3,}")
_LATIN_STRETCH = re.compile(r"[A-Za-z0-9#(][A-Za-z0-9 ,.'#/&()\-:;]*[ ,.][A-Za-z0-9 ,.'#/&()\-:;]*[A-Za-z]{3,}[A-Za-z0-9 ,.'#/&()\-:;]*")
_LATIN_DOOR = re.compile(
    r"(?:\b(?:room|rm|unit|flat|apartment|apt|suite|ste|floor|fl|level|building|bldg|block|blk|tower|house|villa|shop|stall|no)\b|#)[.:# ]*[A-Za-z]?\d*[A-Za-z]?(?:[-/]\d+)*[A-Za-z]?\b"
    r"|\d+(?:st|nd|rd|th)?[ ]*/?(?:floor|fl|/f|f)\b|\b[A-Za-z]?\d+[A-Za-z]?(?:[-/][A-Za-z]?\d+[A-Za-z]?)+",
    re.IGNORECASE,
)
_LATIN_NUMBER = re.compile(r"\b[A-Za-z]{0,2}\d+[A-Za-z]?\b")
_LATIN_STREET = re.compile(
    r"[ ,]*(?:(?:lane|alley|long)\b|(?:[A-Za-z'.]+[ ]){0,4}(?:[A-Za-z]*(?:lu|jie|dao|xiang|road|street|avenue)|rd|st|ave|ln|drive|dr|boulevard|blvd|way|highway)\b)",
    re.IGNORECASE,
)


def _latin_parts(text: str, start: int, end: int) -> list[Part]:
    """The doors of a stretch in Latin script: door words with their numbers, and every number that no street follows."""
    parts = [Part(*match.span(), Level.ROOM) for match in _LATIN_DOOR.finditer(text, start, end) if any(map(str.isdecimal, match[0]))]
    return parts + [
        Part(*match.span(), Level.ROOM)
        for match in _LATIN_NUMBER.finditer(text, start, end)
        if not _LATIN_STREET.match(text, match.end()) and not re.fullmatch(r"[0-8]\d{5}", match[0])
    ]
