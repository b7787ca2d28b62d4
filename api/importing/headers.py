"""Finds the meaning of a column's header. Every word of the header must be known; nothing is guessed.

A header is a word for a party (收件人, sender, ...) and a word for one of its fields (手机, address, ...), in either order;
or a word for a field of the order (订单号, waybill number, goods, ...); or a word for a column that no waybill needs
(price, status, ...).
"""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from . import vocabulary as words

IGNORED = "ignored"

PARTIES = ("recipient", "sender")
PARTS = (
    *("name", "given_name", "family_name", "mobile", "phone", "region", "province", "city", "district", "street"),
    *("address", "company", "line"),
)
FIELDS = (
    *("reference", "waybill_number", "routing_code", "goods", "quantity", "remark", "status", "parcel"),
    *(f"{party}.{part}" for party in PARTIES for part in PARTS),
)
"""Every field that a column can have, also in a file for `--columns`."""

LONGEST = 200
"""The most characters of a header, including notes in brackets."""

_SIGNS = re.compile(r"[\s*:_\-.()\[\]#/、,|\"'“”&]+")
_PARTY_LAST = re.compile(r"(.+?)\s*\((shipping|billing|ship to|bill to)\)")
_ALTERNATIVES = re.compile(r"[/、|]|或")


class Meaning(NamedTuple):
    """A field, and how the header names it.

    `said` is "own" for a party's own word, "bare" for a word without a party, or "buyer", who may be another person
    than the recipient.
    """

    field: str
    said: str = "own"


def place(header: str) -> Meaning | None:
    """The meaning of a header: a field, `IGNORED` for a column that no waybill needs, or None if it is unknown."""
    if len(header) > LONGEST:
        return None
    text = unicodedata.normalize("NFKC", header).translate(words.SIMPLIFIED).lower()
    text = words.NOTE.sub("", text.replace("【", "[").replace("】", "]"))
    text = _PARTY_LAST.sub(r"\2 \1", re.sub(r"^详细(?=收)", "", text.strip()))
    whole = _word(_SIGNS.sub("", text))
    if whole:
        return whole
    parts = [_SIGNS.sub("", part) for part in _ALTERNATIVES.split(text)]
    if len(parts) < 2:
        return None
    first = _word(parts[0])
    meanings = {_word(part) or _beside(first, part) for part in parts}
    return meanings.pop() if len(meanings) == 1 else None


def _word(word: str) -> Meaning | None:
    if word in words.ORDER:
        return Meaning(words.ORDER[word])
    if word in words.ALONE:
        return Meaning(f"{words.PARTY[word]}.name")
    if word in words.BARE:
        return Meaning(f"recipient.{words.BARE[word]}", "bare")
    for cut in range(1, len(word)):
        meaning = _of_party(word[:cut], word[cut:])
        if meaning is None and word[cut:] not in words.ON_THE_WAY:
            meaning = _of_party(word[cut:], word[:cut])
        if meaning:
            return meaning
    ignored = words.PART.get(word) == IGNORED or words.IGNORED.fullmatch(word)
    return Meaning(IGNORED) if ignored else None


def _of_party(party: str, part: str) -> Meaning | None:
    if party not in words.PARTY or part not in words.PART:
        return None
    whose, what = words.PARTY[party], words.PART[part]
    if what == IGNORED:
        return Meaning(IGNORED)
    if party in words.ON_THE_WAY and what in {"line", "company"}:
        return None
    return Meaning(f"recipient.{what}", "buyer") if whose == "buyer" else Meaning(f"{whose}.{what}")


def _beside(first: Meaning | None, part: str) -> Meaning | None:
    """The second of two words for one thing, as in 收件人手机/电话, which belongs to the same party."""
    if first is None or "." not in first.field or part not in words.PART:
        return None
    both = {first.field.partition(".")[2], words.PART[part]}
    return first if both <= {"mobile", "phone"} or len(both) == 1 else None
