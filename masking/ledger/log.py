"""Ledger leaves: one act, its actor and its waybill, in an encoding with a single reading (FORMAT.md section 8).

A leaf never holds personal data. It names the waybill only by its keyed subject. Words and ids must match a narrow
pattern that excludes Chinese characters, phones and waybill numbers.
"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import final

from masking.errors import InputError, IntegrityError
from masking.words.request_rules import RequestRule

VERSION = 1
_SUBJECT = b"\0\0\0\x19waybill-masking/subject/1\0\0\0\x10"  # framed; the 16 bytes of the record follow
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WORD = re.compile(r"[a-z][a-z-]{0,31}")
_NAME = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Ids of actors and values of details. Nine digits in a row are excluded, since they could be a phone number."""

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def is_name(text: str) -> bool:
    """Whether a string may be written to a leaf as an id."""
    return _NAME.fullmatch(text) is not None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One act as the ledger keeps it.

    Attributes:
        id: 16 bytes, time-ordered.
        at: the time of the act, cut to whole milliseconds.
        kind: what was done, a word such as `grant`.
        actor: the id of the enrolled actor.
        subject: the waybill's keyed subject (see `subject`), 16 bytes, or None if the act concerns no waybill.
        detail: words of closed lists, counts and ids, by name.

    Raises:
        InputError: a word or an id has another form. Don't commit the act, since it would have no leaf.
    """

    id: bytes
    at: datetime
    kind: str
    actor: str
    subject: bytes | None
    detail: Mapping[str, str]

    def __post_init__(self) -> None:
        if len(self.id) != 16 or (self.subject is not None and len(self.subject) != 16):
            raise InputError("leaf", RequestRule.NOT_16_BYTES)
        if not _WORD.fullmatch(self.kind) or not all(map(_WORD.fullmatch, self.detail)):
            raise InputError("leaf", RequestRule.NOT_A_WORD)
        if not _NAME.fullmatch(self.actor) or not all(map(_NAME.fullmatch, self.detail.values())):
            raise InputError("leaf", RequestRule.NOT_AN_ID)
        if self.at < _EPOCH:
            raise InputError("leaf", RequestRule.BEFORE_1970)
        object.__setattr__(self, "at", self.at.replace(microsecond=self.at.microsecond // 1000 * 1000))
        object.__setattr__(self, "detail", MappingProxyType(dict(sorted(self.detail.items()))))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A leaf whose bytes can't be decoded: the id of its row, and its position (None if it is not sequenced yet)."""

    id: bytes
    position: int | None

    @property
    def name(self) -> str:
        """The leaf's name in findings, alarms and `waybill ledger verify`: its position from 0, or its id without one."""
        return f"leaf-{self.id.hex() if self.position is None else self.position}"


def subject(salt: bytes, record: bytes) -> bytes:
    """A waybill's keyed subject, 16 bytes. Without the day's salt it can't be linked to its record."""
    return hmac.digest(salt, _SUBJECT + record, "sha256")[:16]


def letters(id_: bytes) -> str:
    """An id in the form that a leaf's detail accepts: hexadecimal, with the letters a to p in place of the digits."""
    return id_.hex().translate(_LETTERS)


def encode(leaf: Leaf) -> bytes:
    """Encode a leaf, as about 80 bytes."""
    milliseconds = (leaf.at - _EPOCH) // _MILLISECOND
    texts = [leaf.kind, leaf.actor]
    for pair in leaf.detail.items():
        texts += pair
    parts = [bytes((VERSION,)), leaf.id, milliseconds.to_bytes(8, "big")]
    parts.append(b"\0" if leaf.subject is None else b"\1" + leaf.subject)
    parts.append(bytes((len(leaf.detail),)))
    for text in texts:
        parts += (bytes((len(text),)), text.encode("ascii"))
    return b"".join(parts)


def names(body: bytes) -> tuple[bytes, bytes | None]:
    """The id and the subject of an encoded leaf, without decoding the rest. For scans of very many leaves."""
    return body[1:17], body[26:42] if body[25:26] == b"\1" else None


def decode(body: bytes) -> Leaf:
    """Decode a leaf.

    Raises:
        IntegrityError: the bytes are not a leaf, or not in the canonical form that `encode` writes.
    """
    try:
        leaf = _read(body)
    except (InputError, ValueError, IndexError, OverflowError) as error:
        raise IntegrityError("a ledger leaf can't be decoded") from error
    if encode(leaf) != body:  # another form of the same leaf, or trailing bytes
        raise IntegrityError("a ledger leaf is not in its canonical form")
    return leaf


def read(id_: bytes, position: int | None, body: bytes) -> Leaf | Unreadable:
    """Decode the leaf of a row, or return `Unreadable` if it is damaged, so that a scan can name it and go on."""
    try:
        return decode(body)
    except IntegrityError:
        return Unreadable(id=id_, position=position)


def _read(body: bytes) -> Leaf:
    if body[0] != VERSION:
        raise ValueError("another version")
    id_, about = names(body)
    at = 42 if about else 26
    count, at = body[at], at + 1
    texts = []
    for _ in range(2 + 2 * count):
        end = at + 1 + body[at]
        texts.append(body[at + 1 : end].decode("ascii"))
        at = end
    kind, actor, *details = texts
    return Leaf(
        id=id_,
        at=_EPOCH + int.from_bytes(body[17:25], "big") * _MILLISECOND,
        kind=kind,
        actor=actor,
        subject=about,
        detail=dict(zip(details[::2], details[1::2], strict=True)),
    )
