"""Names: what of a name may be shown. At least one character of the name is hidden, and the whole is never visible.

GB/T 41833 hides one character or more of the name; here the surname stays, or the first letter of a name in Latin script,
and everything else goes. Digits (the [1234] that platforms append) always go.
"""

from __future__ import annotations

import re

from masking.redact.normalise import normalise
from masking.redact.spans import Span, cover
from masking.waybill import Masked

COMPOUND = frozenset(
    [
        "欧阳",
        "太史",
        "端木",
        "上官",
        "司马",
        "东方",
        "独孤",
        "南宫",
        "万俟",
        "闻人",
        "夏侯",
        "诸葛",
        "尉迟",
        "公羊",
        "赫连",
        "澹台",
        "皇甫",
        "宗政",
        "濮阳",
        "公冶",
        "太叔",
        "申屠",
        "公孙",
        "慕容",
        "仲孙",
        "钟离",
        "长孙",
        "宇文",
        "司徒",
        "鲜于",
        "司空",
        "闾丘",
        "子车",
        "亓官",
        "司寇",
        "巫马",
        "公西",
        "颛孙",
        "壤驷",
        "公良",
        "漆雕",
        "乐正",
        "宰父",
        "谷梁",
        "拓跋",
        "夹谷",
        "轩辕",
        "令狐",
        "段干",
        "百里",
        "呼延",
        "东郭",
        "南门",
        "羊舌",
        "微生",
        "公户",
        "公玉",
        "公仪",
        "梁丘",
        "公仲",
        "公上",
        "公门",
        "公山",
        "公坚",
        "左丘",
        "公伯",
        "西门",
        "公祖",
        "第五",
        "公乘",
        "贯丘",
        "公皙",
        "南荣",
        "东里",
        "东宫",
        "仲长",
        "子书",
        "子桑",
        "即墨",
        "达奚",
        "褚师",
        "纳兰",
        "完颜",
        "叶赫",
        "耶律",
        "爱新",
        "那拉",
        "富察",
        "佟佳",
    ]
)
_HONORIFIC = re.compile(
    r"(?:先生|女士|小姐|太太|老师|师傅|经理|总监|总|老板|阿姨|叔叔|大哥|大姐|同学|医生|主任|收|启|亲启)$"
)
_FIRM = re.compile(
    r"公司|集团|店|行|厂|中心|工作室|商行|超市|书局|书社|学校|医院|银行|酒店|事务所|部门|部$|馆|公社|合作社"
)
_PART = re.compile(r"[^\s/\\,，;；:：()（）\[\]【】<>《》|+&]+")


def surname(text: str) -> str:
    """The surname, as a courier would greet by it; the first part of a name written with middle dots."""
    part = _first(text)
    if not part:
        return ""
    if part.isascii():
        words = re.findall(r"[A-Za-z]+", text if text.isascii() else part)
        return words[-1] if words else part[:1]
    if "·" in normalise(part).text:
        return part[: normalise(part).text.index("·")]
    return part[:2] if normalise(part[:2]).text in COMPOUND and len(part) > 2 else part[:1]


def mask_name(text: str) -> Masked:
    """The name with its surname or first letter left, unless that is all there is."""
    normal = normalise(text)
    spans: list[Span] = []
    first = True
    for match in _PART.finditer(normal.text):
        spans += [normal.back(a, b) for a, b in _part(match[0], match.start(), keep=first)]
        first = False
    return cover(text, spans)


def _part(part: str, at: int, *, keep: bool) -> list[Span]:
    """The hidden spans of one part of a name: a person, a firm, digits."""
    letters = [n for n, ch in enumerate(part) if ch.isalnum()]
    if not letters:
        return []
    kept: set[int] = set()
    firm = _FIRM.search(part)
    title = _HONORIFIC.search(part)
    if firm and firm.end() <= len(part) and len(part) > firm.end() - firm.start():
        kept = {0} if firm.start() > 1 else set()
        kept |= set(range(firm.start(), firm.end()))
    elif title and title.start() > 0:
        body = part[: title.start()]
        kept = set(range(title.start(), len(part)))
        if len(body) > len(_head(body)):
            kept |= set(range(len(_head(body))))
    elif keep and not part[0].isdecimal():
        head = _head(part)
        kept = set(range(len(head))) if len(letters) > len(head) else set()
    hidden = [n for n in letters if n not in kept or part[n].isdecimal()]
    if not hidden:
        hidden = letters
    return [(at + n, at + n + 1) for n in hidden]


def _head(part: str) -> str:
    return part[:2] if part[:2] in COMPOUND and len(part) > 2 else part[:1]


def _first(text: str) -> str:
    match = _PART.search(text)
    return match[0] if match else ""
