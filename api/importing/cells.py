"""Undoes what spreadsheets and shops do to a cell's text where the original is certain, and writes cells that can't be formulas."""

from __future__ import annotations

import html
import re

_EXPONENT = re.compile(r"(\d)(?:\.(\d+))?[eE]\+?(\d{1,2})")
_WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
_POINT = re.compile(r"\d{5,}\.0+")
_GROUPED = re.compile(r"\d{1,3}(?:[,，]\d{3}){2,}(?:\.0+)?")
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_ENTITY = re.compile(r"&(?:[A-Za-z]{2,8}|#\d{1,6}|#x[0-9A-Fa-f]{1,5});")
_BREAK = re.compile(r"<br\s*/?>|</?(?:p|div)(?:\s[^<>]*)?>", re.IGNORECASE)
_TAG = re.compile(r"</?(?:span|font|b|i|u|em|strong|nobr|a|td|tr|o:p)(?:\s[^<>]*)?>", re.IGNORECASE)
_UNSEEN = re.compile("[\u00ad\u180e\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb]")
"""Characters without a picture: direction marks, joiners, breaks. Between two digits they would split a phone."""

ERRORS = frozenset(
    [
        "#N/A",
        "#REF!",
        "#VALUE!",
        "#DIV/0!",
        "#NAME?",
        "#NUM!",
        "#NULL!",
        "#SPILL!",
        "#CALC!",
        "#FIELD!",
        "#GETTING_DATA",
        "#BLOCKED!",
        "#CONNECT!",
        "#UNKNOWN!",
        "Err:502",
        "Err:504",
        "Err:508",
        "Err:522",
    ]
)
"""What a spreadsheet shows where a formula failed."""

PLACEHOLDERS = frozenset(
    [
        "null",
        "(null)",
        "nil",
        "none",
        "undefined",
        "nan",
        "n/a",
        "na",
        "--",
        "---",
        "-",
        "/",
        "\\",
        ".",
        "..",
        "无",
        "暂无",
        "没有",
        "空",
        "未知",
        "不详",
        "未填",
        "未填写",
        "待定",
        "待补",
        "待补充",
        "待确认",
        "同上",
        "保密",
        "匿名",
        "隐私",
        "详见面单",
        "见面单",
        "详见订单",
        "见订单",
        "详见备注",
        "见备注",
        "详见附件",
        "见附件",
        "详见系统",
        "如面单",
        "unknown",
        "tbd",
        "tba",
        "see_label",
    ]
)
"""What is written, in lower case, where nothing is known."""

_BLANKS = " \t\r\n\v\f\u00a0\u3000\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"

_AREA_OF_THREE = re.compile(r"(?:10|2[0-57-9])[2-9]\d{7}")
_AREA_OF_FOUR = re.compile(
    r"(?:31\d|335|349|35\d|37\d|39[1-8]|41[1-9]|42[179]|43[1-9]|45[1-9]|46[4-9]|47\d|48[23]|51\d|52[37]|53\d|54[36]|55\d|56[1-6]|"
    r"57\d|580|59\d|63[1-5]|66[0238]|69[12]|701|71\d|72[248]|73\d|74[3-6]|75\d|76[0-3689]|77\d|79\d|81[236-9]|82[5-7]|83\d|85[1-9]|"
    r"87\d|88[36-8]|89[1-8]|90[1-3689]|91[1-79]|93\d|94[13]|95[1-5]|97\d|99\d)[2-9]\d{6,7}"
)
"""Mainland area codes without their leading zero, and the local number. No mobile phone has this form."""

_LONGEST_PLACEHOLDER = 12
_MANY = 6  # digits after the first; fewer are no phone and no order number, but perhaps a model such as 1E3

_FORMULA = frozenset("=+-@＝＋－＠\t\r\n|%")


def clean(text: str) -> str:
    """The text as it was typed, without surrounding blanks and characters that can't be seen.

    The signs that mark text in a spreadsheet (`="138..."`, `'138...`), its escapes (`_x000D_`) and a web page's (`&nbsp;`,
    `<br>`) are undone.
    """
    text = text.strip(_BLANKS)
    if not text.isascii():
        text = _UNSEEN.sub("", text)
    if text[:1] == "=" and (wrapped := _WRAPPED.fullmatch(text)):
        text = wrapped[1].replace('""', '"').strip(_BLANKS)
    elif text[:1] == "'":
        text = text[1:].lstrip(_BLANKS)
    if "_x" in text or "&" in text or "<" in text:
        text = _unescaped(text)
    return text


def _unescaped(text: str) -> str:
    """The text without a workbook's and a web page's escapes; what they break is separated by a blank."""
    text = _ESCAPE.sub(lambda found: _character(int(found[1], 16)), text)
    text = _TAG.sub("", _BREAK.sub(" ", _ENTITY.sub(lambda found: html.unescape(found[0]), text)))
    return _UNSEEN.sub("", text).strip(_BLANKS)


def _character(number: int) -> str:
    return " " if number < ord(" ") or 0xD800 <= number < 0xE000 else chr(number)


def is_placeholder(text: str) -> bool:
    """Whether a cell says that there is nothing to say: `null`, `无`, `详见面单`."""
    return len(text) <= _LONGEST_PLACEHOLDER and text.lower() in PLACEHOLDERS


def lost_digits(text: str) -> bool:
    """Whether a spreadsheet has turned this number into scientific notation, which loses its last digits."""
    return _EXPONENT.fullmatch(text) is not None and not whole_again(text).isdecimal()


def whole_again(text: str) -> str:
    """A number in scientific notation that has kept all its digits (`1.3800000001E+10`), written out; other text as it is."""
    found = _EXPONENT.fullmatch(text)
    if found is None:
        return text
    first, digits, power = found[1], found[2] or "", int(found[3])
    return first + digits if len(digits) == power and power >= _MANY else text


def phone_again(text: str) -> str:
    """A phone as it was before a spreadsheet converted it to a number: without `.0`, with its area code's leading zero.

    Separators of thousands and an exponent that kept all digits are undone, too.

    The zero is added only to digits that are an existing area code followed by a complete local number.
    """
    if len(text) == 11 and text[0] == "1":
        return text
    text = whole_again(text)
    if _GROUPED.fullmatch(text):
        text = text.replace(",", "").replace("，", "")
    if _POINT.fullmatch(text):
        text = text.partition(".")[0]
    if text.isdecimal() and (_AREA_OF_THREE.fullmatch(text) or _AREA_OF_FOUR.fullmatch(text)):
        return "0" + text
    return text


def no_formula(text: str) -> str:
    """The text, with a leading apostrophe if a spreadsheet could read it as a formula."""
    return "'" + text if text and (text[0] in _FORMULA or text.lstrip(_BLANKS)[:1] in _FORMULA) else text
