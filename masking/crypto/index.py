"""Names for things that tell nothing of them: tokens (FORMAT.md section 1), keyed indexes and fingerprints (section 5)."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from masking.crypto.encoding import base32, base32_bytes, framed
from masking.order import Plain
from masking.waybill import Token

TOKEN_PREFIX = "wb1_"  # noqa: S105  a masking token, no credential
MERGE_PREFIX = "mr1_"
RECORD = 16


def token_text(record: bytes) -> Token:
    """The token of a 16-byte record id: what merchants keep, safe in addresses and file names."""
    return Token(TOKEN_PREFIX + base32(record).lower())


def token_record(text: str) -> bytes | None:
    """The record id of a token; None for any other text. A token proves nothing: ask whose the waybill is."""
    body = text.removeprefix(TOKEN_PREFIX)
    if body == text or body != body.lower() or not body.isascii():
        return None
    return base32_bytes(body.upper(), RECORD)


def person_index(key: bytes, phone: str) -> bytes:
    """The 32 bytes under which a phone, in its canonical form, is found while the day's `key` lives."""
    return _mac(key, framed("waybill-masking/person/1", phone))


def is_persons(keys: Collection[bytes], index: bytes | None, phone: str) -> bool:
    """Whether an index stands for this phone (in its canonical form; empty for none) under one of the live days' keys.

    It takes the same time for every phone, and where there is no index.
    """
    same = [hmac.compare_digest(person_index(key, phone), index or bytes(32)) for key in keys]
    return any(same) and index is not None and bool(phone)


def merge_reference(key: bytes, name: str, phone: str, address: str) -> str:
    """A text that is equal for orders of one buyer under one `key`, and tells nothing else.

    Taken over all three jointly, so that who holds references can't try phones one by one. Widths and blanks don't count.
    """
    parts = [_loose(part) for part in (name, phone, address)]
    return MERGE_PREFIX + base32(_mac(key, framed("waybill-masking/merge/1", *parts))[:20]).lower()


def content_mac(key: bytes, fields: Mapping[str, Plain], extra: Sequence[str]) -> bytes:
    """The 32-byte fingerprint of an order's content under its waybill `key`: whether a repeated order is the same.

    Under a key of its own, derived from the waybill's; it dies with that.
    """
    own = _mac(key, framed("waybill-masking/content-key/1"))
    parts = [part for name in sorted(fields) for part in (name, fields[name].reveal())]
    return _mac(own, framed("waybill-masking/content/1", str(len(fields)), *parts, *extra))


def event_index(key: bytes, actor: str, event: str) -> bytes:
    """The 32 bytes under which an actor's own name for an act is known, so that it is done once."""
    return _mac(key, framed("waybill-masking/event/1", actor, event))


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _loose(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
