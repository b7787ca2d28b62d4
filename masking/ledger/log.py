"""A leaf: one act, who did it, and about which waybill, in bytes that can be read in one way only (FORMAT.md section 8).

A leaf never holds personal data. The waybill stands in it only as its keyed subject; words and ids are matched against a
narrow pattern that no Chinese text, no phone and no waybill number passes.
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

VERSION = 1
_SUBJECT = b"\0\0\0\x19waybill-masking/subject/1\0\0\0\x10"  # a frame; the record's 16 bytes end it
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)
_WORD = re.compile(r"[a-z][a-z-]{0,31}")
_NAME = re.compile(r"(?!.*[0-9]{9})[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
"""Ids of actors and values of details: nine digits in a row could be somebody's number."""

_LETTERS = str.maketrans("0123456789abcdef", "abcdefghijklmnop")


def is_name(text: str) -> bool:
    """Whether a text may stand in a leaf as somebody's id."""
    return _NAME.fullmatch(text) is not None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One act as the ledger keeps it.

    Attributes:
        id: 16 bytes, time-ordered.
        at: when, kept in whole milliseconds.
        kind: what was done, a word such as `grant`.
        actor: the enrolled id of who did it.
        subject: the waybill as `subject` names it, 16 bytes, or None where no waybill is concerned.
        detail: closed words, counts and ids by name.

    Raises:
        InputError: a word or id is of another form; the act must not be committed without its leaf.
    """

    id: bytes
    at: datetime
    kind: str
    actor: str
    subject: bytes | None
    detail: Mapping[str, str]

    def __post_init__(self) -> None:
        if len(self.id) != 16 or (self.subject is not None and len(self.subject) != 16):
            raise InputError("leaf", "ids-are-16-bytes")
        if not _WORD.fullmatch(self.kind) or not all(map(_WORD.fullmatch, self.detail)):
            raise InputError("leaf", "not-a-word")
        if not _NAME.fullmatch(self.actor) or not all(map(_NAME.fullmatch, self.detail.values())):
            raise InputError("leaf", "not-an-id")
        if self.at < _EPOCH:
            raise InputError("leaf", "before-1970")
        object.__setattr__(self, "at", self.at.replace(microsecond=self.at.microsecond // 1000 * 1000))
        object.__setattr__(self, "detail", MappingProxyType(dict(sorted(self.detail.items()))))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A leaf of which nothing can be told but where it is kept: the id of its row, and its position, None while it waits."""

    id: bytes
    position: int | None

    @property
    def name(self) -> str:
        """As findings, alarms and `waybill ledger verify` count leaves, from 0; by its id before it has a position."""
        return f"leaf-{self.id.hex() if self.position is None else self.position}"


def subject(salt: bytes, record: bytes) -> bytes:
    """A waybill's name in the ledger, 16 bytes: without the day's salt nobody can tell which record it is."""
    return hmac.digest(salt, _SUBJECT + record, "sha256")[:16]


def letters(id_: bytes) -> str:
    """An id as a leaf's detail can hold it: hexadecimal digits as the letters a to p, so that no digits stand in a row."""
    return id_.hex().translate(_LETTERS)


def encode(leaf: Leaf) -> bytes:
    """The leaf's bytes, about 80 of them."""
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
    """The id and the subject in a leaf's bytes, without reading the rest: for sweeping over very many."""
    return body[1:17], body[26:42] if body[25:26] == b"\1" else None


def decode(body: bytes) -> Leaf:
    """The leaf that these bytes are the encoding of.

    Raises:
        IntegrityError: they are no leaf's, or not in the one form that `encode` gives.
    """
    try:
        leaf = _read(body)
    except (InputError, ValueError, IndexError, OverflowError) as error:
        raise IntegrityError("a ledger leaf can't be read") from error
    if encode(leaf) != body:  # a second form of the same leaf, or bytes left over
        raise IntegrityError("a ledger leaf is not in its one form")
    return leaf


def read(id_: bytes, position: int | None, body: bytes) -> Leaf | Unreadable:
    """The leaf in this row, also if it is damaged: then whoever reads many goes on, and says which one it was."""
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
