"""Masking of free text (remarks, goods that may be shown): hides the personal parts and leaves the instruction.

Personal are phones, chat ids, e-mail addresses, identity and plate numbers, doors, health conditions, and names that a
word marks. Order numbers, sizes, prices and pick-up codes are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, final

from masking.redact.divisions import table
from masking.redact.doors import door_parts
from masking.redact.identifiers import find_identifiers
from masking.redact.known import find_ends, find_given, find_words
from masking.redact.levels import AddressLevel, Part
from masking.redact.names import COMPOUND, HONORIFIC, SINGLE, is_person
from masking.redact.normalise import Normal, normalise
from masking.redact.phones import find_phones
from masking.redact.pinyin import CalledName
from masking.redact.spans import Span, cover
from masking.values.printable import Masked

_HEALTH = "糖尿病|高血压|低血糖|冠心病|心脏病|癌|肿瘤|化疗|孕妇|怀孕|孕期|坐月子|艾滋|乙肝|肝炎|抑郁|焦虑症|性病|透析|病人|病患|患者|残疾|瘫痪|避孕|早孕|哮喘|过敏体质|癫痫|术后|手术后|住院"
_ILL = re.compile(rf"(?:{_HEALTH})")
_NAME_HEADS = frozenset("收联姓签我转交代打通寄送系找叫")
_TITLE_HEADS = frozenset("先女小太夫老师经总阿叔大同医主店哥姐婶伯爷奶")
_ILL_HEADS = frozenset(word[0] for word in _HEALTH.split("|"))
_DOOR_SIGNS = frozenset("室户房栋幢楼单座-")
_CLAUSE_END = re.compile(r"[,，。;；、 !！]")
_NAMED = re.compile(
    r"(?:收货人|收件人|联系人|姓名|签收人|收货?(?=:)|我叫|我是|我姓|转交给?|交给|代收人|打给|通知|寄给|送给|联系|找|叫)[:： 是]*(?P<name>[一-鿿·]{2,4}?)"
    r"(?=[\s\d,，。;；、(（:：!！]|$|收|签|代|电话|手机|就|即|或|来|取|的)"
)
_SURNAMES = "".join(sorted(SINGLE | {name[0] for name in COMPOUND}))
_RECEIVES = re.compile(
    rf"(?P<name>[{_SURNAMES}](?:(?<![^\W\d_].)|(?<=[转给爸妈公婆哥姐弟妹友由让是找叫请人].))[^\W\d_]{{1,3}}?)(?:\([^\W\d_]{{1,4}}\))?"
    r"(?=(?:代|签|代签)?收(?![^\W\d_])|代[签取]|打电话)"
)
"""A name followed by what that person does: 张三收, 老公李四代签."""
_SURE = re.compile(r"收货人|收件人|联系人|姓名|签收人|我叫|代收人")
_TITLED = re.compile(rf"(?P<who>[一-鿿]{{1,3}})(?P<title>{HONORIFIC})")
_NO_NAME = frozenset(
    [
        "方式",
        "方便",
        "时间",
        "时候",
        "安排",
        "任何",
        "成功",
        "白天",
        "温馨",
        "高层",
        "高峰",
        "单位",
        "客服",
        "门卫",
        "物业",
        "保安",
        "前台",
        "家人",
        "本人",
        "他人",
        "管理",
        "管家",
    ]
)
_NO_PERSON = re.compile(
    r"^(?:周[一二三四五六日末内边围]|马[上路]|万一|安[全检]|高楼)|[部处科室店厂组队行司站点间口库局院馆时]$"
)
_DOOR = re.compile(r"[室户房栋幢]$|号楼$|单元$")
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


def mask_text(text: str, known: Sequence[str] = ()) -> Masked:
    """Mask a free text: hide its personal parts and the words in `known`."""
    return cover(*read_note(text, known))


def find_personal(normal: Normal) -> list[Span]:
    """The spans of the original string that hold personal data."""
    text = normal.text
    signs = frozenset(text)
    spans: list[Span] = [] if _NAME_HEADS.isdisjoint(signs) else _named(text)
    if not _TITLE_HEADS.isdisjoint(signs):
        spans += _titled(text)
    spans += find_identifiers(text)
    if not _ILL_HEADS.isdisjoint(signs) and _ILL.search(text):
        spans += _clauses(text)
    if not _DOOR_SIGNS.isdisjoint(signs):
        spans += _doors(text)
    return [phone.span for phone in find_phones(normal)] + [normal.back(*span) for span in spans]


def _clauses(text: str) -> list[Span]:
    """The clauses that mention a health condition."""
    edges = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [(a, b) for a, b in pairwise(edges) if _ILL.search(text, a, b)]


def _named(text: str) -> list[Span]:
    """Names that a word before or after them marks."""
    return [
        match.span("name")
        for match in (*_NAMED.finditer(text), *_RECEIVES.finditer(text))
        if (is_person(match["name"]) or _SURE.match(match[0])) and not _is_word(match["name"])
    ]


def _is_word(text: str) -> bool:
    """Whether a possible name is another word or a place: 周末, 项目部, 石家庄."""
    known = table()
    return text[:2] in _NO_NAME or text in known.names or text in known.shorts or bool(_NO_PERSON.search(text))


def _titled(text: str) -> list[Span]:
    """Names that a title after them marks."""
    spans = []
    for match in _TITLED.finditer(text.replace("谢谢", "，，")):
        who = match["who"]
        for size in range(len(who), 0, -1):
            if who[-size:][:2] in COMPOUND or who[-size] in SINGLE:
                spans.append((match.end("who") - size, match.end()))
                break
    return spans


def _doors(text: str) -> list[Span]:
    """Doors that are written out, and parts next to them. A single floor or a bare number is no door in a remark."""
    spans = [match.span() for match in _CHAIN.finditer(text)]
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
