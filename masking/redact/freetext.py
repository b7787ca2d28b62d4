"""Free text (remarks, shown goods): the personal parts are found and hidden, the instruction stays."""

from __future__ import annotations

import re
from collections.abc import Iterable

from masking.redact.doors import door_parts
from masking.redact.normalise import Normal, normalise
from masking.redact.phones import find_phones
from masking.redact.spans import Span, cover
from masking.waybill import Masked

_FOUND = (
    re.compile(
        r"(?:微信号?|WeChat|weixin|wx|vx|QQ号?)[:： 是为]*(?P<hide>[A-Za-z0-9][A-Za-z0-9_\-]{4,29})", re.IGNORECASE
    ),
    re.compile(r"(?P<hide>[\w.+-]+@[\w-]+\.[\w.-]+)", re.ASCII),
    re.compile(r"(?<!\d)(?P<hide>[1-9]\d{5}(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])\d{3}[\dXx])(?!\d)"),
    re.compile(
        r"(?P<hide>[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z][·\- ]?[A-HJ-NP-Z0-9]{5,6})(?![A-Za-z0-9])"
    ),
    re.compile(r"(?:收货人|收件人|联系人|姓名|我叫|我是)[:： ]*(?P<hide>[一-鿿]{2,3})(?=[\s\d,，。;；(（:：]|$)"),
    re.compile(r"(?<![一-鿿])(?P<hide>[一-鿿]{1,3}(?:先生|女士|小姐))"),
    re.compile(
        r"(?P<hide>[^,，。;；、 ]*(?:糖尿病|高血压|癌|肿瘤|孕妇|怀孕|艾滋|肝炎|抑郁|性病|透析|病人|患者|残疾|避孕|伟哥)[^,，。;；、 ]*)"
    ),
)
_ADDRESS = re.compile(r"[路街巷弄村区镇县市栋幢苑园厦座].{0,30}\d")


def find_personal(normal: Normal) -> list[Span]:
    """Spans of the original that hold personal data."""
    spans = [phone.span for phone in find_phones(normal)]
    for rule in _FOUND:
        spans += [normal.back(*match.span("hide")) for match in rule.finditer(normal.text)]
    if _ADDRESS.search(normal.text):
        spans += [normal.back(part.start, part.end) for part in door_parts(normal.text)]
    return spans


def mask_text(text: str, known: Iterable[str] = ()) -> Masked:
    """A free text with its personal parts hidden, and the `known` words too."""
    if not text:
        return Masked("")
    normal = normalise(text)
    spans = find_personal(normal)
    for word in known:
        spans += [(m.start(), m.end()) for m in re.finditer(re.escape(word), text)]
    return cover(text, spans)
