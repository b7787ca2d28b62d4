"""Phones in any script and with any extension: found, hidden, and brought into one normal form.

GB/T 41833 hides at least six digits of a phone; the customary 138****5678 hides four. Here a phone shows its first three
digits at most, and never its last four, which tracking sites and pickup stations take as a password.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from masking.redact.normalise import Normal, normalise
from masking.redact.spans import Span, cover
from masking.waybill import Masked

_HAN_DIGITS = str.maketrans("零〇○一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖", "00011223456789123456789")
_HAS_HAN = re.compile("[零〇○一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖]")

_GAP = r"[ \-._·/()\[\]]{0,3}"
_EXTENSION = (
    r"(?P<ext>[ ]?(?:转接?|分机号?|拨|ext\.?|x|#|-|,|，|;)[ ]?(?P<e1>\d{1,6})"
    r"|[ ]?[\[(【]\s?(?:转|分机|ext\.?)?\s?(?P<e2>\d{1,6})\s?[\])】])?"
)


def _digits(first: str, count: str) -> str:
    return rf"{first}(?:{_GAP}\d){count}"


_COUNTRY = rf"(?:[(\[]?(?:\+|00)?{_GAP}8{_GAP}6[)\]]?{_GAP})?"
_MOBILE = rf"{_COUNTRY}0?(?P<mobile>1{_GAP}[3-9](?:{_GAP}\d){{9}})(?!\d)"
_LANDLINE = (
    rf"(?P<land>(?:{_COUNTRY}[(\[]?0\d{{2,3}}[)\]]?|(?:\+|00)86{_GAP}\d{{2,3}}){_GAP}[2-9](?:{_GAP}\d){{6,7}})(?!\d)"
)
_SERVICE = rf"(?P<service>[48]00{_GAP}\d(?:{_GAP}\d){{6}})(?!\d)"
_FOREIGN = rf"(?P<foreign>[(\[]?(?:\+|00)[)\]]?{_GAP}[1-9](?:{_GAP}\d){{6,14}}|[(\[]?(?:85[23]|886)[)\]]{_GAP}\d(?:{_GAP}\d){{6,9}}|85[23]-\d{{4}} ?\d{{4}}|09\d\d{_GAP}\d\d\d{_GAP}\d\d\d)(?!\d)"
_LOCAL = r"(?P<local>[2-9]\d{2,3}[ \-]?\d{4})(?![\d\-年./:：]|[ ]?(?:元|件|个|号楼|号|g|kg|ml|ML|克|片|米|箱|室|栋))"
_PHONE = re.compile(
    rf"(?<![\d.])(?<![A-Za-z]\d)(?:{_MOBILE}|{_LANDLINE}|{_SERVICE}|{_FOREIGN}|{_LOCAL}){_EXTENSION}", re.IGNORECASE
)
_DATE = re.compile(r"(?:19|20)\d\d-?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_OTHER_NUMBER = re.compile(
    r"(?:单号|订单|编号|运单|取件码|提货码|验证码|货号|型号|批号|条码|款号|QQ|[A-Za-z])[号码:： 为是]*$"
)
_ENOUGH = re.compile(r"(?:[\d零〇○一幺二两三四五六七八九壹贰叁肆伍陆柒捌玖][^\w]{0,3}){5}")


class Phone(NamedTuple):
    """A phone in a text: its span in the original, its digits, its extension, and its kind."""

    span: Span
    digits: str
    extension: str
    kind: str


def find_phones(normal: Normal) -> list[Phone]:
    """Every phone in a text, extension included, in order."""
    text = normal.text
    if not _ENOUGH.search(text):
        return []
    if _HAS_HAN.search(text):
        text = text.translate(_HAN_DIGITS)
    found = []
    for match in _PHONE.finditer(text):
        kind = match.lastgroup if match.lastgroup not in {"ext", "e1", "e2"} else None
        kind = kind or next(k for k in ("mobile", "land", "service", "foreign", "local") if match[k])
        before = text[: match.start()]
        if _OTHER_NUMBER.search(before) and kind in {"local", "mobile", "service"}:
            continue
        if kind == "local" and (
            _DATE.fullmatch(match["local"]) or _HAS_HAN.search(normal.text[match.start() : match.end()])
        ):
            continue
        digits = re.sub(r"\D", "", match[kind])
        found.append(Phone(normal.back(*match.span()), digits, match["e1"] or match["e2"] or "", kind))
    return found


def canonical(text: str) -> str | None:
    """One form for all ways to write a phone, for exact matching; None if the text is no phone.

    +country and number where that is known, then ";" and the extension: "+8613800000001", "+8657180000002;301".
    """
    normal = normalise(text)
    found = find_phones(normal)
    if found:
        phone = found[0]
        return _international(phone) + (f";{phone.extension}" if phone.extension else "")
    digits = re.sub(r"[ \-._·/()\[\]]", "", normal.text.translate(_HAN_DIGITS))
    return digits if re.fullmatch(r"\+?\d{7,15}", digits) else None


def _international(phone: Phone) -> str:
    digits = phone.digits
    if phone.kind == "mobile":
        return "+86" + digits
    if phone.kind == "service":
        return "+86" + digits
    if phone.kind == "land":
        digits = digits.removeprefix("00").removeprefix("86") if digits.startswith(("86", "0086")) else digits
        return "+86" + digits.removeprefix("0")
    if phone.kind == "foreign":
        return "+" + digits.removeprefix("00") if not digits.startswith("09") else "+886" + digits[1:]
    return digits


def mask_phone(text: str) -> Masked:
    """A phone field with at most its first three digits left; everything that is not a separator is hidden behind them."""
    normal = normalise(text)
    spans: list[Span] = []
    shown = 0
    total = sum(ch.isalnum() for ch in normal.text)
    room = min(3, max(0, total - 6))
    for at, ch in enumerate(normal.text):
        if not ch.isalnum():
            continue
        if shown < room and ch.isdecimal():
            shown += 1
            continue
        shown = room
        spans.append(normal.back(at, at + 1))
    return cover(text, spans)
