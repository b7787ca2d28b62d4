"""Masking of free text (remarks, goods that may be shown): hides the personal parts and leaves the instruction.

Personal are phones, chat ids, e-mail addresses, identity and plate numbers, doors, health conditions, and names that a
word marks. Order numbers, sizes, prices and pick-up codes are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple, final

from masking.redact.doors import door_parts
from masking.redact.health import find_health
from masking.redact.identifiers import find_identifiers
from masking.redact.known import find_ends, find_given, find_words
from masking.redact.levels import AddressLevel, Part
from masking.redact.normalise import Normal, normalise
from masking.redact.people import between_phones, find_people
from masking.redact.phones import find_phones
from masking.redact.pinyin import CalledName
from masking.redact.spans import Span, cover
from masking.values.printable import Masked

_NUMBER = re.compile(r"\d|[一二三四五六七八九十零〇壹贰叁肆伍陆柒捌玖][\w]|[A-Z][座栋幢]")
_DOOR = re.compile(r"[室户房栋幢]$|号楼$|单元$|\#楼?$")
_N = "一二三四五六七八九十廿百零〇○两幺壹贰叁肆伍陆柒捌玖拾"
_ROOM = rf"(?:[A-Za-z]?\d{{3,4}}[A-Za-z]?(?![A-Za-z])|[{_N}]{{3,5}})(?![\d{_N}.])"
_SHORT = rf"(?:\d{{1,2}}|[{_N}]{{1,3}}|[A-Za-z])"
_CHAINED = r"[A-Za-z]?\d{1,2}[-/]\d{1,4}(?:[-/]\d{1,4}){0,2}(?![\d-])"
_NO_COUNT = r"(?![ ]?(?:元|块|件|个|克|千克|g|kg|ml|mm|cm|米|号色|码|片|只|双|瓶|盒|包|斤|箱|型|款|版|年|月|天|点|分|折|度|支|不锈钢|P|p|胶))"
_AT_HOME = r"(?:[一-鿿]{0,2}门口|门[前铃边外把上]|把手|[奶信快][箱递]|[水电]表|客人|业主|住户|[办公会议实验]{2,3}室|展位|寝|大[爷妈叔]|阿姨|老师|代?收(?![货件据])|室|房|户|宿舍|寝室|病房|教室|鞋[柜架]|消防[栓箱柜]|对[面门]|隔壁|旁|楼道|敲门|有人|没人|门(?=\W|$)|家(?![具电用居])|邻居|的[^\W\d]?(?:老师|阿姨|大[爷妈哥姐]|住户|业主|邻居|奶奶|爷爷|先生|女士|门))"
_LIVES = r"(?:家[住在]|住(?:在|址[是为:]?)?|我家(?:是|在)?|我在|隔壁|对门|对面|楼[上下]|门牌号?[码是为: ]{0,2}|房间?号[码是为: ]{0,2}|房间[:： ]?|客房|房号|宿舍[楼号]?|寝室|病房|[教课]室|[教学实验本办公综合住院门诊]楼|[一-鿿]室(?!温)|[展铺摊卡]位|酒店|宾馆|床位|储物间|单元|楼栋号?|邻居|业主|包[厢间]|工位|摊位|档口|店铺|铺位|车位|储物间|车库|地址[是为:改成]{0,3}|改[送地]址?[为成到是: ]{0,2}|敲|门铃|按)"
_TO = r"(?:送货?到?|放在?|放到|快递放|搁|搬到|拿到|给|到|挂|转|[不应该就口家我]是|更[正改][为成:]?|改[为成到])"
_IN_TEXT = re.compile(
    rf"""
    (?:{_SHORT}(?:楼|层|[Ff]|[座栋幢]|号楼|单元|舍|斋|号|\#楼?)[ -]?(?:{_CHAINED}|{_ROOM}|[A-Z]\d{{1,3}}(?!\d)){_NO_COUNT})            # 6楼602, 3#1201
    |(?:{_SHORT}(?:栋|幢)|(?<![A-Za-z\d]){_SHORT}座)(?=楼下|门|架空|大[堂厅]|单元|前台|[\d\W]|$)
    |(?<![A-Za-z\d])[A-Z]?\d{{1,2}}\#楼?(?=楼?下|门|单元|$)
    |(?:\d{{1,2}}|[{_N}]{{1,3}})单元(?=\W|$|门|楼|大门|[东西])
    |(?:(?<=住)|(?<=家)|(?<=家住)|(?<=楼上)|(?<=住在)|(?<=上))(?:{_SHORT}[楼层])(?=[东西南北左右中]?[户手边]|阿姨|[大]?[爷妈]|$)[东西南北左右中]?[户手]?
    |(?:\d{{1,2}}|[{_N}]{{1,3}})[楼层][东西南北左右中](?:户|边?户|手边?|室|门)
    |{_LIVES}(?P<lives>(?:[东西南北]?{_CHAINED}|{_ROOM}|(?:\d[F楼]|B\d)-?[A-Z]?\d+|[A-Z]-?\d{{1,4}}|\d{{1,3}}号?(?=$)){_NO_COUNT}(?:室|房|户)?)
    |{_TO}(?!\d{{1,2}}00(?!\d))(?P<to>(?:{_ROOM}|{_CHAINED})(?={_AT_HOME}|\W|$)(?:室|房|户)?)
    |(?<![A-Za-z\d.\#{_N}-])(?P<here>{_ROOM}|{_CHAINED})(?={_AT_HOME})(?:室|房|户|宿舍|寝室|病房|教室)?
    |(?:[一-鿿]{{1,4}}科)?(?:[一-鿿]{{1,2}}病?区)?(?:[+加]?\d{{1,3}}|[{_N}]{{1,3}})(?:号?床|病房|病室)(?=\W|$|家属|收|的|陪护)
    |(?<![A-Za-z\d])(?:[A-Za-z]-?\d{{1,3}}|\d{{1,3}})号?(?:铺位?|档口?|摊位|工位|卡位|车位)(?!\d)
    |[东南西北](?:\d{{1,2}}|[{_N}]{{1,2}})-?\d{{3}}(?!\d)|\A\d{{1,2}}-[1-9]\d{{2,3}}\Z
    |(?<![A-Za-z\d])(?:T\d-\d{{3,4}}|[A-Z]\d?座\d{{2,4}})
    |负[一二三\d](?:层|楼)[A-Za-z\d-]{{2,6}}
    |(?<![A-Za-z])(?:room|rm|apt|apartment|unit|suite|flat|bldg|building)[ .:\#]{{0,2}}[A-Za-z]?\d{{1,4}}[A-Za-z]?(?![A-Za-z\d])
    """,
    re.VERBOSE | re.IGNORECASE,
)
_BOUGHT = re.compile(r"[买满]\w{0,8}\Z")
_STATION = re.compile(r"(?:驿站|丰巢|菜鸟|柜|取件)[码号:： 是]{0,3}\Z")
_CHAIN = re.compile(
    r"(?<![\d码-])(?<!码[: ])\d{1,2}-\d{1,2}-\d{3,4}(?![\d-])|(?<![\d-])\d{1,2}-\d{3,4}室"
    r"|(?:(?<=[住到])|(?<=门牌)|(?<=门牌[号: ])|(?<=门牌号[: ]))\d{1,2}-\d{3,4}(?![\d-])"
)


@final
class Note(NamedTuple):
    """An analysed free text and its personal spans."""

    text: str
    personal: Sequence[Span]


_SILENT = Note("", ())


def read_note(
    text: str, known: Sequence[str] = (), called: Sequence[CalledName] = (), phones: Sequence[str] = ()
) -> Note:
    """Find the personal parts of a free text, `known` words, the given names in `called` and the ends of `phones`."""
    if not text:
        return _SILENT
    normal = normalise(text)
    return Note(
        text,
        [*find_personal(normal), *find_words(normal, known), *find_given(normal, called), *find_ends(normal, phones)],
    )


def mask_text(
    text: str, known: Sequence[str] = (), called: Sequence[CalledName] = (), phones: Sequence[str] = ()
) -> Masked:
    """Mask a free text: hide its personal parts and what `read_note` finds of a party."""
    return cover(*read_note(text, known, called, phones))


def find_personal(normal: Normal) -> list[Span]:
    """The spans of the original string that hold personal data."""
    text = normal.text
    phones = find_phones(normal)
    spans = [*find_identifiers(text), *find_people(text), *between_phones(text, [phone.at for phone in phones])]
    spans += find_health(text)
    if _NUMBER.search(text):
        spans += _doors(text)
    return [phone.span for phone in phones if not phone.is_hotline] + [normal.back(*span) for span in spans]


def _doors(text: str) -> list[Span]:
    """Doors that are written out, and parts next to them. A single floor or a bare number is no door in a remark."""
    spans = [match.span() for match in _CHAIN.finditer(text) if not _STATION.search(text, 0, match.start())]
    spans += [
        match.span(match.lastgroup or 0)
        for match in _IN_TEXT.finditer(text)
        if match.lastgroup != "to" or not _BOUGHT.search(text, max(0, match.start() - 12), match.start())
    ]
    parts = [part for part in door_parts(text) if part.level >= AddressLevel.BUILDING]
    told = [bool(_DOOR.search(text[part.start : part.end])) for part in parts]
    for n, part in enumerate(parts[:-1]):  # A座1502
        room = parts[n + 1]
        told[n] |= text[part.end - 1] == "座" and room.end - room.start > 2 and _touch(text, part, room)
    for n, part in enumerate(parts):
        if told[n] or any(told[m] and _touch(text, parts[m], part) for m in (n - 1, n + 1) if 0 <= m < len(parts)):
            spans.append((part.start, part.end))
    return spans


def _touch(text: str, one: Part, other: Part) -> bool:
    first, second = sorted((one, other))
    return not text[first.end : second.start].strip(" -")
