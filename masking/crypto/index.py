"""Identifiers that reveal no content: waybill ids (FORMAT.md section 1), keyed indexes and fingerprints (section 5)."""

from __future__ import annotations

import hmac
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from masking.crypto.encoding import base32, base32_bytes, framed
from masking.values.plaintext import Plain
from masking.values.printable import WaybillId

WAYBILL_ID_PREFIX = "wb1_"
MERGE_PREFIX = "mr1_"
RECORD = 16


def waybill_id_of(record: bytes) -> WaybillId:
    """The waybill id of a 16-byte record id. Merchants store it; it is safe in URLs and file names."""
    return WaybillId(WAYBILL_ID_PREFIX + base32(record).lower())


def record_of_waybill_id(text: str) -> bytes | None:
    """The record id of a waybill id, or None for any other string. An id proves no rights: check whose waybill it is."""
    body = text.removeprefix(WAYBILL_ID_PREFIX)
    if body == text or body != body.lower() or not body.isascii():
        return None
    return base32_bytes(body.upper(), RECORD)


def person_index(key: bytes, phone: str) -> bytes:
    """The 32-byte index of a phone in its canonical form, under a day's `key`. Deleting that key ends every look-up."""
    return _mac(key, framed("waybill-masking/person/1", phone))


def is_persons(keys: Collection[bytes], index: bytes | None, phone: str) -> bool:
    """Whether an index is that of this phone under one of the live days' keys. False for no index or an empty phone.

    `phone` is in its canonical form. The comparison takes the same time for every phone, also without an index.
    """
    same = [hmac.compare_digest(person_index(key, phone), index or bytes(32)) for key in keys]
    return any(same) and index is not None and bool(phone)


def merge_reference(key: bytes, name: str, phone: str, address: str) -> str:
    """A reference that is equal for orders of the same buyer under one `key`, and reveals nothing else.

    It covers the three values jointly, so that it can't be used to test phones one by one. Character width and white space
    are ignored.
    """
    parts = [_loose(part) for part in (name, phone, address)]
    return MERGE_PREFIX + base32(_mac(key, framed("waybill-masking/merge/1", *parts))[:20]).lower()


def content_mac(key: bytes, fields: Mapping[str, Plain], extra: Sequence[str]) -> bytes:
    """The 32-byte fingerprint of an order's content. It shows whether a repeated order has the same content.

    Its key is derived from the waybill's `key`, and is destroyed with it.
    """
    own = _mac(key, framed("waybill-masking/content-key/1"))
    parts = [part for name in sorted(fields) for part in (name, fields[name].reveal())]
    return _mac(own, framed("waybill-masking/content/1", str(len(fields)), *parts, *extra))


def event_index(key: bytes, actor: str, event: str) -> bytes:
    """The 32-byte index of the event id that an actor gave to an act, so that a repeated request acts only once."""
    return _mac(key, framed("waybill-masking/event/1", actor, event))


def _mac(key: bytes, message: bytes) -> bytes:
    return hmac.digest(key, message, "sha256")


def _loose(text: str) -> str:
    return "".join(unicodedata.normalize("NFKC", text).split())
