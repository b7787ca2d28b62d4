"""Undoes what spreadsheets do to a cell's text where the original is certain, and writes cells that can't be formulas."""

from __future__ import annotations

import re

_EXPONENT = re.compile(r"\d(?:\.\d+)?[eE]\+?\d+")
_WRAPPED = re.compile(r'="(.*)"', re.DOTALL)
_POINT = re.compile(r"\d{5,}\.0+")
_BLANKS = " \t\r\n\v\f\u00a0\u3000\u200b\u200e\u200f\u202a\u202b\u202c\u202d\u202e\ufeff"

_AREA_OF_THREE = re.compile(r"(?:10|2[0-57-9])[2-9]\d{7}")
_AREA_OF_FOUR = re.compile(
    r"(?:31\d|335|349|35\d|37\d|39[1-8]|41[1-9]|42[179]|43[1-9]|45[1-9]|46[4-9]|47\d|48[23]|51\d|52[37]|53\d|54[36]|55\d|56[1-6]|"
    r"57\d|580|59\d|63[1-5]|66[0238]|69[12]|701|71\d|72[248]|73\d|74[3-6]|75\d|76[0-3689]|77\d|79\d|81[236-9]|82[5-7]|83\d|85[1-9]|"
    r"87\d|88[36-8]|89[1-8]|90[1-3689]|91[1-79]|93\d|94[13]|95[1-5]|97\d|99\d)[2-9]\d{6,7}"
)
"""Mainland area codes without their leading zero, and the local number. No mobile phone has this form."""

_FORMULA = frozenset("=+-@＝＋－＠\t\r\n|%")


def clean(text: str) -> str:
    """The text without surrounding blanks and the signs that mark text in a spreadsheet: `="138..."`, `'138...`."""
    text = text.strip(_BLANKS)
    if text[:1] == "=" and (wrapped := _WRAPPED.fullmatch(text)):
        return wrapped[1].replace('""', '"').strip(_BLANKS)
    return text[1:].lstrip(_BLANKS) if text[:1] == "'" else text


def lost_digits(text: str) -> bool:
    """Whether a spreadsheet has turned this number into scientific notation, which loses its last digits."""
    return _EXPONENT.fullmatch(text) is not None


def phone_again(text: str) -> str:
    """A phone as it was before a spreadsheet converted it to a number: without `.0`, with its area code's leading zero.

    The zero is added only to digits that are an existing area code followed by a complete local number.
    """
    if len(text) == 11 and text[0] == "1":
        return text
    if _POINT.fullmatch(text):
        text = text.partition(".")[0]
    if text.isdecimal() and (_AREA_OF_THREE.fullmatch(text) or _AREA_OF_FOUR.fullmatch(text)):
        return "0" + text
    return text


def no_formula(text: str) -> str:
    """The text, with a leading apostrophe if a spreadsheet could read it as a formula."""
    return "'" + text if text and (text[0] in _FORMULA or text.lstrip(_BLANKS)[:1] in _FORMULA) else text
