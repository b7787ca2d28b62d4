"""Segmentation of an address: region, the way to the house, the door, persons, phones and delivery notes.

For sorting, for routing, and for checking the rules by eye. Masking doesn't use it. The door, region, phones and persons
come from their own modules. Between them, a word's ending names its kind (town, village, road), and the rest is a place.
Directions (附近, 对面, 的交叉口) belong to no segment.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from typing import NamedTuple, final

from masking.redact.addresses import read_address
from masking.redact.doors import door_parts
from masking.redact.doorwords import GONE, N
from masking.redact.levels import AddressLevel, Part
from masking.redact.normalise import Normal
from masking.redact.phones import find_phones
from masking.redact.regions import filler, find_region
from masking.redact.spans import Span, joined, replaced


class Kind(StrEnum):
    """The kind of a segment, from large to small."""

    REGION = "region"
    TOWN = "town"
    VILLAGE = "village"
    GROUP = "group"
    STREET = "street"
    NUMBER = "number"
    PLACE = "place"
    BUILDING = "building"
    UNIT = "unit"
    FLOOR = "floor"
    ROOM = "room"
    PERSON = "person"
    PHONE = "phone"
    NOTE = "note"


@final
class Segment(NamedTuple):
    """A part of an address: its span in the address as given, and its kind."""

    start: int
    end: int
    kind: Kind


_OF_LEVEL = {
    AddressLevel.STREET: Kind.STREET,
    AddressLevel.NUMBER: Kind.NUMBER,
    AddressLevel.BUILDING: Kind.BUILDING,
    AddressLevel.UNIT: Kind.UNIT,
    AddressLevel.FLOOR: Kind.FLOOR,
    AddressLevel.ROOM: Kind.ROOM,
}
_APART = re.compile(
    r"(?:(?<![A-Za-z0-9])\s|\s(?![A-Za-z0-9])|[,，。;；、.()（）\[\]【】〔〕<>《》「」“”\"'|+&:：_~…!！?？*-])+"
)
_OPENS = frozenset("([【〔「")
_NEAR = frozenset("附旁隔斜对")
_DIGITS = re.compile(r"\d")
_NOTE = re.compile(
    r"(?:请|麻烦|烦请|务必|谢谢|送货|送到|送大堂|送装|放在?[门前快丰菜]|到了|到货|来前|提前|工作日|周[一二三四五六日末]|勿|不要|别放|自提|代收|自取|电联|电话联系"
    r"|去?前?联系|打电话|地址不详|上班时间|下班|本人签收|亲收)"
)
_ASIDE = re.compile(
    r"(?:附近|旁边|旁(?!道)|隔壁|斜?对[面过]|[东南西北]{1,2}[侧边角首]|[东南西北]口|[东南西北前后]行|往[东南西北里前]|向[东南西北]|\d+米|里面|交叉[路]?口|交[汇叉]处?|十字路口|路口|门口"
    r"|进去|方向|院内)+"
)
_LINK = re.compile(r"[与和的到由从内处]|收[货件]人|联系人|姓名|签收人|电话|手机|邮编")
_AREA = r"(?:(?:经济|技术|高新|产业|旅游|工业|综合)*(?:开发|示范|管理)区|高新园?区|(?:工业|产业|科技|经济)园区?(?!路)|工业区|保税区|新区(?!路))"
_NAME = r"[^\W\d_]"
_NOT_A_ROAD = r"(?![口站桥村镇]|[南北]区|小区|社区|小学|中学|店|支行|派出所|新村|公交|组|储蓄|分[理店])"
_KINDS = re.compile(
    rf"""
    (?P<town>{_NAME}{{1,8}}?(?:街道办事处|街道办|街道|[镇乡](?![路街村巷口政溪])(?!人民|中[心学]|卫生|小学)|苏木|[农林牧]场|团场)
      |{_NAME}{{0,6}}?{_AREA}
      |[\d{N}]+(?:团|师)(?![路街]))
    |(?P<village>{_NAME}{{1,8}}?(?:村?(?:村民委员|居民委员|村委|居委|队委)会|社区(?:居?委员?会)?(?!卫生|医院|服务)
        |(?<![新城])村(?:居?委会)?(?![路街镇口道里巷])(?![东南西北][路街])|大队|嘎查|[屯庄寨](?![路街园里子村])(?![东南西北][路街]))
      |[\d{N}]+(?:连|队)(?![锁路巷]))
    |(?P<group>(?:第?[\d{N}]+|{_NAME}{{1,4}}?[\d{N}]*)(?:村民小组|小组|生产队|组|队(?!巷)|社(?!区)|屯)(?![路街]))
    |(?P<street>[\d{N}]+(?:弄|巷|支弄)(?:\d+支弄)?|{_NAME}{{0,4}}?[一二三四五六内外]环(?:[东南西北]路?)?(?=\W|$)|(?:{_NAME}|(?<!\d)\d){{1,9}}?(?:(?:大道|大街|马路|公路|[国省县]道|高速|环线|胡同|路|街|巷|道|弄|支弄|支路)
        (?:辅路|[东南西北中上下]?[{N}]?段|[东南西北中](?=\d|[,，(]|$))?){_NOT_A_ROAD})
    """,
    re.VERBOSE,
)
_FULL = "省市县区旗州盟"
"""The last characters of full names of divisions, which are also recognised further on in an address."""
_CUT = 3
"""How many characters of a cut-off name may precede it: 江省衢州市."""


def segments(text: str) -> list[Segment]:
    """Cut an address into segments, in order and without overlap. Punctuation and directions (附近) are left out."""
    address = read_address(text)
    normal = address.normal
    plain = normal.text
    numbers: list[Part] = []
    phones = [found.at for found in find_phones(normal, local=False)]
    door_parts(replaced(plain, phones, GONE), numbers)
    taken = bytearray(len(plain))
    found = _free(phones, Kind.PHONE, taken)
    found += _free([_normal_span(normal, span) for span in address.personal], Kind.PERSON, taken)
    region = [span for span in joined(find_region(plain).spans, plain) if span[0] < span[1]]
    found += _free(_with_filler(plain, region), Kind.REGION, taken)
    doors = _apart(address.doors)
    for part in (*doors, *numbers):
        found += _free([(part.start, part.end)], _OF_LEVEL[part.level], taken)
    for start, end in _gaps(found, len(plain)):
        found += _ways(plain, start, end)
    return [Segment(*normal.back(start, end), kind) for start, end, kind in _told(sorted(found), plain)]


def _apart(doors: Sequence[Part]) -> list[Part]:
    """The parts of a door without overlap, which parts in Latin script can have."""
    out: list[Part] = []
    for part in sorted(doors, key=lambda part: (part.start, -part.end)):
        if out and part.start < out[-1].end:
            out[-1] = out[-1]._replace(end=max(out[-1].end, part.end))
        else:
            out.append(part)
    return out


def _told(found: list[Segment], plain: str) -> Iterator[Segment]:
    """Correct kinds by their neighbours: 凤鸣山 before 300号 is a road, and 单元 after a floor is a room."""
    for n, (start, end, kind) in enumerate(found):
        before = found[n - 1].kind if n else None
        ahead = found[n + 1] if n + 1 < len(found) else None
        if kind is Kind.PLACE and ahead and ahead.kind is Kind.NUMBER and ahead.start == end and end - start < 6:
            yield Segment(start, end, Kind.STREET)
        elif kind is Kind.UNIT and (before is Kind.FLOOR or len(_DIGITS.findall(plain[start:end])) > 2):
            yield Segment(start, end, Kind.ROOM)
        else:
            yield Segment(start, end, kind)


def _normal_span(normal: Normal, span: Span) -> Span:
    """Map a span of the address to its normal form."""
    if normal.origin is None:
        return span
    first, behind = (bisect_left(normal.origin, edge, 0, len(normal.text)) for edge in span)
    return (first, behind) if first < behind else (0, 0)


def _with_filler(plain: str, spans: list[Span]) -> list[Span]:
    """Extend the spans of division names by the filler around them: 中国, 市辖区, 二环以内."""
    grown = [(filler(plain, start, before=True), filler(plain, end)) for start, end in spans]
    return joined(grown, plain)


def _free(spans: Iterable[Span], kind: Kind, taken: bytearray) -> list[Segment]:
    """The spans that don't overlap a segment yet, as segments. Marks their characters in `taken`."""
    found = [Segment(start, end, kind) for start, end in spans if start < end and taken.find(1, start, end) < 0]
    for start, end, _ in found:
        taken[start:end] = b"\1" * (end - start)
    return found


def _gaps(found: list[Segment], length: int) -> list[Span]:
    edges = sorted(found)
    starts, ends = [0, *(each.end for each in edges)], [*(each.start for each in edges), length]
    return [(start, end) for start, end in zip(starts, ends, strict=True) if start < end]


def _ways(plain: str, start: int, end: int) -> Iterator[Segment]:
    """The segments of a gap, piece by piece between punctuation."""
    at = start
    for sign in [*_APART.finditer(plain, start, end), None]:
        stop = sign.start() if sign else end
        yield from _piece(plain, at, stop)
        at = sign.end() if sign else end


def _piece(plain: str, at: int, end: int) -> Iterator[Segment]:
    note = _NOTE.search(plain, at, end)
    stop = note.start() if note else end
    aside = _ASIDE.search(plain, at, stop)
    bracketed = plain[max(0, at - 1) : at] in _OPENS
    if (
        bracketed and aside and at < aside.start() and aside.end() == stop and plain[aside.start()] in _NEAR
    ):  # (经一路储蓄所附近): one landmark
        yield _whole(plain, at, aside.start())
        at = stop
    while at < stop:
        aside = _ASIDE.search(plain, at, stop)
        close = aside.start() if aside else stop
        while at < close:
            region = _region(plain, at, close)
            limit = region[0] if region else close
            link, word = _LINK.match(plain, at, limit), _KINDS.match(plain, at, limit)
            if region and limit == at:
                yield Segment(*region, Kind.REGION)
                at = region[1]
            elif word and word.lastgroup:
                yield Segment(at, word.end(), Kind(word.lastgroup))
                at = word.end()
            elif link:
                at = link.end()
            else:
                if any(map(str.isalnum, plain[at:limit])):
                    yield Segment(at, limit, Kind.PLACE)
                at = limit
        at = aside.end() if aside else stop
    if note:
        yield Segment(stop, end, Kind.NOTE)


def _whole(plain: str, at: int, end: int) -> Segment:
    word = _KINDS.fullmatch(plain, at, end)
    if word and word.lastgroup:
        return Segment(at, end, Kind(word.lastgroup))
    return Segment(at, end, Kind.REGION if _region(plain, at, end) == (at, end) else Kind.PLACE)


def _region(plain: str, at: int, end: int) -> Span | None:
    """The span of the next full names of divisions, including the rest of a cut-off name before them."""
    if not any(sign in plain[at:end] for sign in _FULL):
        return None
    spans = joined(find_region(plain[at:end]).spans, plain[at:end])
    if not spans or plain[at + spans[0][1] - 1] not in _FULL:
        return None
    start = at + spans[0][0]
    cut_off = start - at <= _CUT and plain[start - 1] in _FULL
    return at if cut_off else start, at + spans[0][1]
