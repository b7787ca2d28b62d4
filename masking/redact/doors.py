"""Find the door in an address: building, unit, floor and room, rural house, stall, bed, box.

The rules go from number to number. The meaning of a number follows from the word after it (栋, 单元, 室), the word before
it (a road has numbers, a village has houses, an estate has buildings) and its depth in the address. A number without such
a word counts as a door. Numbers that belong to a name (三里屯, 3号线, 105国道, 二期) are left alone.
All offsets are offsets in the normal form.
"""

from __future__ import annotations

import re
from collections import deque

from masking.redact import doorwords as words
from masking.redact.latin import latin_doors, latin_stretches
from masking.redact.levels import (
    BUILDING,
    FLOOR,
    LANE,
    NOTHING,
    NUMBER,
    PLACE,
    ROOM,
    STREET,
    TOWN,
    UNIT,
    AddressLevel,
    Part,
)

_HIDDEN = ("*", words.GONE)
_CLOSES = ("附近", "旁", "对面", "门口", "楼下", "地下", "负一", "首层", "底层")
_GOES_ON = frozenset("-0123456789")
BETWEEN = 64
"""How many characters before a number are considered."""
_FIRM = ("公司", "工厂", "单位")
_REGION = ("省", "市", "县", "区", "旗", "州")


def door_parts(text: str, numbers: list[Part] | None = None) -> list[Part]:
    """The parts of an address that reveal a door, in order, each with its level.

    House numbers of roads, and roads that are numbers, are appended to `numbers` if it is given.
    """
    parts: list[Part] = []
    latin = latin_stretches(text)
    for start, end in latin:
        parts += latin_doors(text, start, end)
    ahead = deque(latin)
    level, last, at = NOTHING, 0, 0
    while found := words.START.search(text, at):
        start, at = found.span()
        while ahead and ahead[0][1] <= start:
            ahead.popleft()
        if ahead and ahead[0][0] <= start:
            at = last = ahead[0][1]
            continue
        head = text[start]
        if head in _HIDDEN:
            level, last = BUILDING, at
            continue
        between = text[max(last, start - BETWEEN) : start].rstrip(words.BREAK)
        context = _context(between, level) if between else level
        if head in words.WORD_HEADS and (word := words.WORD.match(text, start)):
            level = _of_word(word[0])
            parts.append(Part(start, word.end(), level))
            at = last = word.end()
            continue
        run = words.RUN.match(text, _from(text, start, at) if at - start > 2 else start)
        if run is None:
            continue
        if context is STREET and (number := words.LONG_NUMBER.match(text, run.start())):
            level = NUMBER  # 通江南路259-B-305
            at = last = number.end()
            if numbers is not None:
                numbers.append(Part(*number.span(), level))
            continue
        verdict = _judge(text, run, between, context)
        if verdict is None:
            at = max(at, run.end("code"))
            continue
        if verdict is BUILDING or (verdict > BUILDING and run["code"].isalnum()):
            parts.append(Part(*run.span(), verdict))
        elif verdict > BUILDING:
            parts += _split(run, verdict, NOTHING if between else level)
        level, last = verdict, run.end()
        if text[last : last + 1] in words.TAIL_HEADS:
            tail = (words.NUMBER_TAIL if level is NUMBER else words.TRAILING).match(text, last)
            if tail and level >= BUILDING:
                parts.append(Part(*tail.span(1), ROOM))
            last = tail.end() if tail else last
        if numbers is not None and verdict in (STREET, NUMBER):
            numbers.append(Part(run.start(), last, verdict))
        at = last
    return sorted(parts + _classes(text)) if latin or "班" in text else parts


def _classes(text: str) -> list[Part]:
    """The classes of a school, which say where a pupil is found like a room: 高三(17)班."""
    found = words.CLASS.finditer(text) if words.SCHOOL.search(text) else ()
    return [Part(*match.span(), ROOM) for match in found]


def _of_word(word: str) -> AddressLevel:
    """The level of a door word without a number: 底层, 主楼, 东单元."""
    if word[-1] in "层楼" and word[0] in "首底顶夹架":
        return FLOOR
    return BUILDING if word[-1] in "座栋幢楼" else UNIT


def _from(text: str, start: int, end: int) -> int:
    """The start of a code that Latin letters precede. Of a whole word, only the last letter can belong to the code."""
    word = text[start:end]
    if not (word.isascii() and word.isalpha()):
        return start
    if len(word) == 3 and not text[end : end + 1].isdecimal() and word.isupper():
        return start
    if word.upper().endswith(words.WORDLIKE):
        return end if text[end : end + 1].isdecimal() else len(text)
    if word[-2].islower() and word[-1].isupper():
        return end - 1
    if word[:-1].upper().endswith(words.WORDLIKE) or not text[end : end + 1].isdecimal():
        return end - 1
    return end


def _context(between: str, level: AddressLevel) -> AddressLevel:
    """The level that the words before a number lead to."""
    tail = between.removesuffix("自编")[-5:]
    if not tail:
        return level
    if tail.endswith(("街道", "街道办事处", "街道办")):
        return TOWN
    if tail[-1] in words.STREET_ENDS:
        if words.LANE_TAIL.search(tail):
            return LANE
        if words.STREET_TAIL.search(tail):
            return STREET
    return TOWN if tail[-1] in words.RURAL_ENDS and words.RURAL_TAIL.search(tail) else PLACE


def _judge(text: str, run: re.Match[str], between: str, context: AddressLevel) -> AddressLevel | None:
    """The level of a number, or None if it is part of a name."""
    kind, code, end = run.lastgroup, run["code"], run.end()
    if text.startswith(("之间", "中间"), end):
        return None
    if kind == "hao":
        return _numbered(text, run, between, context)
    digits = code.isdecimal() or any(map(str.isdecimal, code))
    if kind == "code" and digits:
        return _bare(text, run, between, context)
    latin = not digits and code.isascii() and code.isalpha()
    if kind == "building":
        return _building(text, run, context, digits=digits, latin=latin)
    if kind == "unit":
        sure = digits or run["unit"] == "单元" or context >= NUMBER
        return UNIT if sure and not text.startswith(("峡", "县", "市", "镇", "村"), end) else None
    if kind == "floor":
        return FLOOR if not text.startswith(("村", "镇", "乡", "路", "街"), end) else None
    if kind == "room":
        sure = (
            digits
            or latin
            or run["lead"]
            or len(code) > 2
            or run["room"].endswith(("室", "区", "病房"))
            or context >= BUILDING
        )
        return ROOM if sure and not text.startswith(("村", "镇", "乡"), end) else None
    if latin:
        return BUILDING if "-" in code else None
    return _han(code, text, end, context)


def _building(
    text: str, run: re.Match[str], context: AddressLevel, *, digits: bool, latin: bool
) -> AddressLevel | None:
    """The level of a number before a building word, or None if it is part of a name."""
    word, end = run["building"], run.end()
    if text.startswith(("村", "镇", "乡", "路", "街", "区"), end):
        return None
    long = len(run["code"]) > 2 or not run["code"].isalnum()
    if context >= FLOOR or (word == "#" and (context >= BUILDING or long)):
        return NUMBER if context == STREET else ROOM  # 16楼C座, 5栋502#, 3-1-1002#, but 连胜路339#
    if word == "#" and context == STREET and text[end : end + 1] not in _GOES_ON:
        return NUMBER
    if word in {"楼", "塔", "馆", "舍", "排"} and not digits and not latin:
        return FLOOR if word == "楼" else BUILDING if word == "舍" or context >= TOWN else None
    if word == "楼" and (context >= NUMBER or not text[end : end + 1].isdecimal()) and not latin:
        return FLOOR
    return BUILDING


def _numbered(text: str, run: re.Match[str], between: str, context: AddressLevel) -> AddressLevel | None:
    """The level of a number with 号 (of a road, a house or a room), or None if it is part of a name."""
    end = run.end()
    if run["lead"] == "附" and context == NUMBER and not between:
        return NUMBER
    if context == STREET:
        return NUMBER if run["code"].count("-") < 2 else ROOM
    if context == LANE:
        return NUMBER if text.startswith("院", end) else BUILDING
    if between.endswith("自编"):
        return NUMBER
    if words.OF_A_NAME.match(text, end) and not text.startswith(("地下", "中"), end):
        if text.startswith(("院", "大院"), end):
            return BUILDING if between.endswith(_FIRM) else NUMBER
        return None
    if context <= PLACE and words.GATE_AHEAD.match(text, end):
        return None
    if context in (PLACE, TOWN) and words.HOUSE_AHEAD.match(text, end):
        return NUMBER
    if context == PLACE and between:
        ahead = words.BIG_HOUSE_AHEAD if words.HOUSE_TAIL.search(between[-4:]) else words.PLACE_AHEAD
        if ahead.match(text, end):
            return NUMBER
    if context == NOTHING and not between and text[end : end + 1] not in words.BREAK:
        return NUMBER
    if run["code"].isalnum() and context in (PLACE, NUMBER) and _deeper(text, end):
        return BUILDING
    return ROOM


def _deeper(text: str, end: int) -> bool:
    """Whether another part of the door follows immediately."""
    rest = text[end : end + BETWEEN].lstrip(" -")[:1]
    return rest == "*" or (rest.isalnum() and words.HINT.match(rest) is not None)


def _han(code: str, text: str, end: int, context: AddressLevel) -> AddressLevel | None:
    """The level of Han numerals without a word after them, or None if they are no door."""
    if "-" in code:
        return ROOM
    if text[end - 1] == "一" and text[end : end + 1].isdecimal():
        return ROOM
    closed = text[end : end + 1] in words.BREAK or end == len(text)
    spoken = context >= PLACE or "零" in code or "〇" in code
    return ROOM if len(code) >= 3 and closed and spoken else None


def _bare(text: str, run: re.Match[str], between: str, context: AddressLevel) -> AddressLevel | None:
    """The level of a number without a word after it, or None if it is a postcode or part of a name."""
    code, end = run["code"], run.end()
    parts = words.JOINED.split(code)
    closed = (
        end == len(text)
        or text[end] in words.BREAK
        or text.startswith(_CLOSES, end)
        or words.AND_MORE.match(text, end) is not None
    )
    if words.HIGHWAY.match(code) and (context <= TOWN or between.endswith(_REGION)):
        return STREET
    if text.startswith("邮编", max(0, run.start() - 3)) or between.endswith(("邮编", "邮政编码")):
        return None
    if text[end : end + 1].isdecimal():  # 56甲5-3
        return BUILDING
    deep = context >= BUILDING or context == NUMBER
    if context >= FLOOR and not between and words.AISLE.match(text, end):
        return ROOM  # 3层26街5号
    if words.OF_A_NAME.match(text, end) or (not deep and words.BRAND_AHEAD.match(text, end)):
        return None
    if text.startswith("-", end) and not words.PLACE_AFTER_DASH.match(text, end):
        return ROOM
    if context == STREET and not between.endswith(words.MALLS):
        if len(parts) == 1 and parts[0].rstrip(words.STEM).isdecimal():
            return NUMBER
        if len(parts) == 2 and all(map(str.isdecimal, parts)) and len(parts[1]) < 3 and not _opened(text, run):
            return NUMBER
        return ROOM
    if len(parts) > 1 or closed or deep or text[end] in words.SIDE or len(code) > 5:
        return ROOM
    if not words.ROOM_LIKE.fullmatch(code):
        return None
    in_house = words.HOUSE_TAIL.search(between[-4:]) is not None
    return ROOM if in_house or (context >= TOWN and not between.endswith(_REGION)) else None


def _opened(text: str, run: re.Match[str]) -> bool:
    return run.start() > 0 and text[run.start() - 1] in "【[("


def _split(run: re.Match[str], verdict: AddressLevel, before: AddressLevel) -> list[Part]:
    """Split joined numbers into levels: a-b is building and room, a-b-c is building, unit and room."""
    at, end = run.span()
    cuts = [match.span() for match in words.JOINED.finditer(run["code"])]
    if not cuts:
        return [Part(at, end, verdict)]
    base = run.start("code")
    ends = [base + a for a, _ in cuts] + [end]
    starts = [at] + [base + b for _, b in cuts]
    first, last = run["code"][: cuts[0][0]], run["code"][cuts[-1][1] :]
    if verdict is FLOOR:
        above, deepest = [FLOOR], FLOOR
    elif before >= BUILDING and len(starts) == 2 and len(last) < 3:
        above, deepest = [FLOOR], ROOM  # 2栋9-10
    elif before >= BUILDING:
        above, deepest = [UNIT, FLOOR if len(last) < 3 else UNIT], ROOM
    elif len(first.lstrip(words.LATIN)) > 2 or "、" in run["code"]:
        above, deepest = [], ROOM  # 1701-1706: rooms
    else:
        above, deepest = [BUILDING, UNIT, FLOOR], ROOM
    levels = [*above, *[deepest] * len(starts)][: len(starts) - 1]
    return [Part(a, b, lv) for a, b, lv in zip(starts, ends, [*levels, deepest], strict=True)]
