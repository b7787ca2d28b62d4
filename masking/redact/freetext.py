"""Masking of free text (remarks, goods that may be shown): hides the personal parts and leaves the instruction.

Personal are phones, chat ids, e-mail addresses, identity and plate numbers, doors, health conditions, and names that a
word marks. Order numbers, sizes, prices and pick-up codes are left alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, final

from masking.redact.doors import door_parts
from masking.redact.identifiers import find_identifiers
from masking.redact.known import find_ends, find_given, find_words
from masking.redact.levels import AddressLevel, Part
from masking.redact.normalise import Normal, normalise
from masking.redact.people import between_phones, find_people
from masking.redact.phones import find_phones
from masking.redact.pinyin import CalledName
from masking.redact.spans import Span, cover
from masking.values.printable import Masked

_HEALTH = "糖尿病|高血压|低血糖|冠心病|心脏病|癌|肿瘤|化疗|孕妇|怀孕|孕期|坐月子|艾滋|乙肝|肝炎|抑郁|焦虑症|性病|透析|病人|病患|患者|残疾|瘫痪|避孕|早孕|哮喘|过敏体质|癫痫|术后|手术后|住院"
_ILL = re.compile(rf"(?:{_HEALTH})")
_ILL_HEADS = frozenset(word[0] for word in _HEALTH.split("|"))
_DOOR_SIGNS = frozenset("室户房栋幢楼单座-")
_CLAUSE_END = re.compile(r"[,，。;；、 !！]")
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
    phones = find_phones(normal)
    spans = [*find_identifiers(text), *find_people(text), *between_phones(text, [phone.at for phone in phones])]
    if not _ILL_HEADS.isdisjoint(signs) and _ILL.search(text):
        spans += _clauses(text)
    if not _DOOR_SIGNS.isdisjoint(signs):
        spans += _doors(text)
    return [phone.span for phone in phones] + [normal.back(*span) for span in spans]


def _clauses(text: str) -> list[Span]:
    """The clauses that mention a health condition."""
    edges = [0, *(match.end() for match in _CLAUSE_END.finditer(text)), len(text)]
    return [(a, b) for a, b in pairwise(edges) if _ILL.search(text, a, b)]


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
