"""Label codes: the content of a label's QR code, naming a waybill and its print number (FORMAT.md section 4).

A code is the deterministic authenticated encryption of the record id and the print number. Without the key a code can't be
forged, and doesn't reveal when the order was placed. Each code has a single spelling. A foreign code is rejected with at
most one decryption, before any database query.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from masking.crypto.encoding import base32, base32_bytes

PREFIX = "WB1"
RECORD = 16
LENGTH = 59
"""Characters of a code: the prefix and 35 bytes in base32, with no bits left over. QR version 4-Q holds 67 characters."""


def encode(key_id: int, key: bytes, tenant: str, record: bytes, print_number: int) -> str:
    """Make the label code of one print. `key_id` 1 to 255, `key` 64 bytes, `record` 16 bytes, `print_number` below 65536."""
    if len(record) != RECORD:
        raise ValueError("a record id must have 16 bytes")
    sealed = AESSIV(key).encrypt(record + print_number.to_bytes(2, "big"), _bound_to(key_id, tenant))
    return PREFIX + base32(key_id.to_bytes(1, "big") + sealed)


def decode(keys: Mapping[int, bytes], tenant: str, code: str) -> tuple[bytes, int] | None:
    """The record id and print number of a code made with one of `keys` for this tenant. None for any other string."""
    raw = _raw(code)
    key = keys.get(raw[0]) if raw else None
    if raw is None or key is None:
        return None
    try:
        opened = AESSIV(key).decrypt(raw[1:], _bound_to(raw[0], tenant))
    except InvalidTag:
        return None
    return opened[:RECORD], int.from_bytes(opened[RECORD:], "big")


def is_label_code(text: str) -> bool:
    """Whether a string has the form of a label code. Only `decode`, with the key, shows that it is authentic."""
    return _raw(text) is not None


def _raw(code: str) -> bytes | None:
    if len(code) != LENGTH or not code.startswith(PREFIX):
        return None
    return base32_bytes(code[len(PREFIX) :], 35)


def _bound_to(key_id: int, tenant: str) -> list[bytes]:
    # no framing: AES-SIV takes a list of associated data and separates its items itself (RFC 5297, S2V)
    return [PREFIX.encode(), key_id.to_bytes(1, "big"), tenant.encode()]
