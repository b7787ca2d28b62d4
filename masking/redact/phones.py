"""Finding, masking and canonicalising phones, in any script and with any extension.

GB/T 41833 requires at least six digits of a phone to be hidden; the customary 138****5678 hides four. Here a phone shows
at most its country and first three digits. Masked views never show the last four, which tracking sites and pickup stations
accept as a password.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple, final

from masking.redact.normalise import Normal, normalise
from masking.redact.spans import SIGN, Span, cover, cover_from
from masking.values.printable import Masked

HAN_DIGITS = "零〇○洞一幺二两三四五六七拐八九勾壹贰叁肆伍陆柒捌玖"
_IN_ASCII = str.maketrans(HAN_DIGITS, "00001122345677899123456789")
_HAS_HAN = re.compile(f"[{HAN_DIGITS}]")
_FIVE = re.compile(rf"[\d{HAN_DIGITS}](?:(?:[^\w{HAN_DIGITS}]|_)*+[\d{HAN_DIGITS}]){{4}}")

_LOOKS = "OoОоΟοQDIlLi丨ЗзZ"
_ALIKE = str.maketrans(_LOOKS, "0000000011111332")
_MIXED = re.compile(
    rf"(?<![A-Za-z0-9])(?=[{_LOOKS}]{{0,4}}\d)[\d{_LOOKS}](?:[ .·-]?[\d{_LOOKS}]){{9,12}}(?![A-Za-z0-9])"
)
"""A phone with letters in place of digits: 138OO13 8OOO."""

_DIGIT = rf"[\d{HAN_DIGITS}]"
_APART = r"(?:(?:[^\w*]|_|(?<=[打电话系].{3})\*|(?<=[打电话系].{8})\*|然后|接着|最后|再|后面){1,4})"
_GROUPED = re.compile(
    rf"(?<!{_DIGIT})[1一幺壹][3-9三四五六七拐八九勾叁肆伍陆柒捌玖]{_DIGIT}({_APART}){_DIGIT}{{4}}({_APART}){_DIGIT}{{4}}(?!{_DIGIT})"
)
"""A mobile number in its usual groups, with any signs or linking words between them: 138，0013，8000."""

_GAP = r"[ \-._·/|~()\[\]]*+"
_SEPARATION = re.compile(_GAP)
_SEPARATION_ALL = re.compile(r"[ .·-]+")
_ALONE = re.compile(r"1[3-9]\d{9}")
"""A mobile number and nothing else, as in nearly every phone field."""
_PERHAPS = re.compile(r"\+?\d{7,15}")
_END = r"(?!\d)"
BEFORE = 24
"""How many characters before a number are searched for a word that names its kind."""


def _more(count: str) -> str:
    return rf"(?:{_GAP}\d){{{count}}}"


_SEPARATORS = re.compile(r"[^\w*]|_")
_TELLING = re.compile(r"(?:[^\W_]|\*)+")
_PLUS = rf"[(\[]?(?:\+|00){_GAP}"
_CHINA = rf"(?:[(\[]?(?:\+|00)?{_GAP}8{_GAP}6[)\]]?{_GAP})"
_AREA = r"(?:10|2\d|[3-9]\d\d)"
_PAUSE = r"(?:[^\w*×]{1,4}|(?:然?后面?|再?加|接着?|再|杠|横|空)[是加: ]{0,2}|丨)"
"""What people put between the groups 138 0000 0001 beyond `_GAP`: commas, emoji, words."""
_PHONE = re.compile(
    rf"(?:(?P<mobile>{_CHINA}?0?1{_GAP}[3-9]{_more('9')})(?=\D|$|(?:86)?1[3-9]\d{{9}}{_END})"
    rf"|(?P<grouped>1[3-9]\d{_PAUSE}\d{{4}}{_PAUSE}?\d{{4}}{_END}|1[3-9]\d{{5}}{_PAUSE}\d{{4}}{_END}|1[3-9]\d\*(?!\d{{3}}0\*\d{{3}}0)\d{{4}}\*\d{{4}}{_END})"
    rf"|(?P<land>(?:{_CHINA}[(\[]?0?|[(\[]?0){_AREA}[)\]]?{_GAP}[1-9]{_more('6,7')}){_END}"
    rf"|(?P<service>{_CHINA}?[48]{_GAP}0{_GAP}0{_more('7')}){_END}"
    rf"|(?P<taiwan>09\d\d{_GAP}\d{{3}}{_GAP}\d{{3}}|886{_GAP}0?9{_more('8')}){_END}"
    rf"|(?P<foreign>{_PLUS}[1-9]{_more('6,14')}"
    rf"|[(\[]?85[23](?:[)\]]{_GAP}|[ -])[2-9]\d{{3}}[ -]?\d{{4}}|[(\[]886[)\]]{_GAP}\d{_more('7,9')}){_END}"
    rf"|(?P<local>[2-9]\d{{2,3}}[ -]?\d{{4}})(?![\d\-年./:]|(?!ext|x\d)[a-z]|[ ]?(?:元|件|个|号|g|kg|ml|克|片|米|箱|室|栋|楼|斤|块|毫))"
    rf"|(?P<line>(?:(?<=[打电话系])|(?<=[打电话系][: ]))9[56]\d{{3,6}}|9[56]\d{{3,6}}(?=转)){_END})"
    rf"(?:[ ]?(?:(?:转|接|分机|号|拨){{1,3}}|[,，]?X?(?:然?后|再)?(?:转拨?|[按拨输])|[pw~]|ext\.?|x|#|\*|--?|,{{1,3}}|;|_)[: ]?(?P<dialled>\d{{1,6}}){_END}"
    rf"|[ ]?[\[(【]\s?(?:(?:转|接|分机|号|拨|ext\.?){{1,3}})?[: ]?(?P<bracketed>\d{{1,6}})\s?[\])】]"
    rf"|[ ](?P<spaced>\d{{3,4}})(?![\d元件个号栋室楼克斤块a-zA-Z]))?",
    re.IGNORECASE,
)
_BEGIN = re.compile(
    rf"[+(\[](?=[ \-._·/|~()\[\]+]{{0,40}}[\d{HAN_DIGITS}])|(?<!\d)\d|(?<![\d{HAN_DIGITS}])[{HAN_DIGITS}]"
)
_NATIONAL = {"mobile": 11, "grouped": 11, "service": 10, "foreign": 8}
"""The number of digits without the country code, by kind."""
_KINDS = ("mobile", "grouped", "land", "service", "taiwan", "foreign", "local", "line")
_DATE = re.compile(r"(?:19|20)\d\d[ -]?(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
_OTHER = re.compile(r"(?:单号?|订单|编号|编码|运单|[取提货验证款条]+[号码]|批次|型号|[A-Za-z])[号码:： 为是#]*$")
_CARRIER = re.compile(r"(?:JD[A-Z]{0,2}|SF|YT|JT|ZT|ZTO|STO|YD|DP|EMS|LP)\Z")
"""Prefixes of waybill numbers."""
_CALLED = re.compile(r"(?:电话|手机|联系方式|tel|phone|致电|拨打)[号码:： 为是]*$", re.IGNORECASE)


@final
class Phone(NamedTuple):
    """A phone found in a string: its span in the original (`span`) and in the normal form (`at`), and its parts."""

    span: Span
    at: Span
    digits: str
    extension: str
    kind: str

    @property
    def is_hotline(self) -> bool:
        """Whether this is a company's line (400, 800). With an extension it may be a person's virtual number."""
        return self.kind == "service" and not self.extension


def find_phones(normal: Normal, *, local: bool = True) -> list[Phone]:
    """Every phone in a string, with its extension, in order.

    `local=False` accepts seven or eight bare digits only after a word such as 电话.
    """
    text = _GROUPED.sub(_in_one_row, _MIXED.sub(_in_digits, normal.text))
    if not _FIVE.search(text):
        return []
    mixed = text
    if _HAS_HAN.search(text):
        text = text.translate(_IN_ASCII)
    found: list[Phone] = []
    at = last = 0
    while True:
        match = _PHONE.match(text, last) if last and at == last else None  # a phone may follow another directly
        if not match:
            begin = _BEGIN.search(mixed, at)  # 三 in 张三138 is not a digit of the phone
            if not begin:
                return found
            match, at = _PHONE.match(text, begin.start()), begin.end()
        if not match:
            continue
        start, end = match.span()
        if start > 1 and text[start - 1] == "." and text[start - 2].isdecimal() and start != last:
            at = start + 1  # 1.13800000001 is a decimal number
            continue
        if _CARRIER.search(text, max(0, start - 4), start):
            at = end
            continue
        kind, extension = match.lastgroup or "", ""
        if kind not in _KINDS:
            kind, extension = next(each for each in _KINDS if match[each]), match[kind]
        if kind == "local" and not _is_local(text, normal.text, match, local=local):
            at = match.end("local")
            continue
        digits = "".join(filter(str.isdecimal, match[kind]))
        found.append(Phone(normal.back(start, end), (start, end), digits, extension, kind))
        at = last = end


def _in_digits(match: re.Match[str]) -> str:
    """Replace letters that look like digits, if four characters are digits, or two of a whole mobile number."""
    count, digits = sum(map(str.isdecimal, match[0])), match[0].translate(_ALIKE)
    return digits if count >= 4 or (count >= 2 and _ALONE.fullmatch(_SEPARATION_ALL.sub("", digits))) else match[0]


def _in_one_row(match: re.Match[str]) -> str:
    """Replace what is between the groups by spaces, of the same length."""
    first, second = (tuple(place - match.start() for place in match.span(n)) for n in (1, 2))
    found = match[0]
    return "".join(" " if first[0] <= n < first[1] or second[0] <= n < second[1] else c for n, c in enumerate(found))


def _is_local(text: str, plain: str, match: re.Match[str], *, local: bool) -> bool:
    """Whether seven or eight bare digits are a phone: not a date, not another number, not a count in Han numerals."""
    start = match.start()
    before = text[max(0, start - BEFORE) : start]
    if not local or _HAS_HAN.search(plain, start, match.end("local")):
        return bool(_CALLED.search(before))
    return bool(_CALLED.search(before)) or not (_DATE.fullmatch(match["local"]) or _OTHER.search(before))


def canonical(text: str) -> str | None:
    """The canonical form of a phone, for exact matching. None if the string is not a phone.

    + and country code if known, the number, then ";" and the extension: "+8613800000001", "+8657180000002;301".
    """
    normal = normalise(text)
    found = find_phones(normal)
    if found:
        phone = found[0]
        return _international(phone) + (f";{phone.extension}" if phone.extension else "")
    digits = _SEPARATION.sub("", normal.text.translate(_IN_ASCII))
    return digits if _PERHAPS.fullmatch(digits) else None


def _international(phone: Phone) -> str:
    digits = phone.digits
    if phone.kind in {"local", "line"}:
        return digits
    digits = digits.removeprefix("00")
    if phone.kind == "foreign":
        return "+" + digits
    if phone.kind == "taiwan":
        return "+886" + digits.removeprefix("886").removeprefix("0")
    if phone.kind in {"mobile", "grouped"}:
        return "+86" + digits[-11:]
    long = 10 if phone.kind == "service" else 9
    return "+86" + (digits.removeprefix("86") if len(digits) > long else digits).removeprefix("0")


@final
class PhoneField(NamedTuple):
    """An analysed phone field.

    Attributes:
        digits: all digits of the field.
        spare: how many of them may be visible.
        numbers: the digits of each phone, at most the last eleven.
        shown: the masked field.
    """

    digits: str
    spare: int
    numbers: list[str]
    shown: Masked


def read_phone(text: str) -> PhoneField:
    """Analyse a phone field."""
    if text.isascii() and _ALONE.fullmatch(text):
        return PhoneField(text, len(text) - 6, [text], cover_from(text, 3))
    normal = normalise(text)
    phones = find_phones(normal)
    digits = "".join(filter(str.isdecimal, normal.text))
    spare = max(0, len(digits) - 6 * (len(phones) or 1))
    numbers = [phone.digits[-11:] for phone in phones] or [digits]
    return PhoneField(digits, spare, numbers, mask_found(text, normal, phones))


def mask_phone(text: str, *, tail: bool = False) -> Masked:
    """Mask a phone field: leave the country and the first three digits, or with `tail` the last four.

    Digits stay visible in the first phone only, and at least six of its digits are hidden. Everything is hidden if the field
    holds other words.
    """
    normal = normalise(text)
    return mask_found(text, normal, find_phones(normal), tail=tail)


def mask_found(text: str, normal: Normal, phones: Sequence[Phone], *, tail: bool = False) -> Masked:
    """Mask a field whose phones have been found, as `mask_phone` does."""
    plain = normal.text
    digits = plain.translate(_IN_ASCII) if _HAS_HAN.search(plain) else plain
    start = end = 0  # the part that stays visible
    if SIGN in plain:  # already masked: keep what is shown before the mask
        told = _SEPARATORS.sub("", digits)
        if told.strip(SIGN).isdecimal() and told.index(SIGN) <= len(told) - 6:
            end = digits.index(SIGN)
    elif phones:
        around = plain[: phones[0].at[0]] + plain[phones[-1].at[1] :]
        around += "".join([plain[one.at[1] : other.at[0]] for one, other in pairwise(phones)])
        if not any(map(str.isalnum, around)):
            places = [n for n in range(*phones[0].at) if digits[n].isdecimal()]
            start, end = _shown(places, phones[0], tail=tail)
    hidden = [*_TELLING.finditer(plain, 0, start), *_TELLING.finditer(plain, end)]
    return cover(text, [normal.back(*match.span()) for match in hidden])


def _shown(places: Sequence[int], phone: Phone, *, tail: bool) -> Span:
    """The span of a phone that stays visible. `places` are the positions of its digits."""
    count = len(places) - len(phone.extension)
    national = min(count, _NATIONAL.get(phone.kind, count))
    room = max(0, national - 6)
    if tail and room:
        return places[count - min(4, room)], places[count - 1] + 1
    shown = count - national + min(3, room)
    return (places[0], places[shown - 1] + 1) if shown else (0, 0)
