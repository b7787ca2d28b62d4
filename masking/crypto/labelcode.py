"""The code in a label's QR: which waybill, which print of it, and proof that we made it (FORMAT.md section 4).

Deterministic authenticated encryption of the record id and the print number: without the key nobody can make one, or
learn from one when the order was placed. Each code has one spelling. Whatever a scanner reads is refused here, for the
price of at most one decryption, before a database is asked.
"""

from __future__ import annotations

from collections.abc import Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from masking.crypto.encoding import base32, base32_bytes

PREFIX = "WB1"
RECORD = 16
LENGTH = 59
"""Characters of a code: the prefix, and 35 bytes at 5 bits each without a bit to spare. A QR of version 4-Q holds 67."""


def encode(key_id: int, key: bytes, tenant: str, record: bytes, print_number: int) -> str:
    """The label code of one print: `key_id` 1 to 255, `key` 64 bytes, `record` 16 bytes, `print_number` below 65536."""
    if len(record) != RECORD:
        raise ValueError("a record id has 16 bytes")
    sealed = AESSIV(key).encrypt(record + print_number.to_bytes(2, "big"), _bound_to(key_id, tenant))
    return PREFIX + base32(key_id.to_bytes(1, "big") + sealed)


def decode(keys: Mapping[int, bytes], tenant: str, code: str) -> tuple[bytes, int] | None:
    """The record id and print number of a code made with one of `keys` for this tenant; None for any other text."""
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
    """Whether a text has the form of a label code; only the key tells whether it is one."""
    return _raw(text) is not None


def _raw(code: str) -> bytes | None:
    if len(code) != LENGTH or not code.startswith(PREFIX):
        return None
    return base32_bytes(code[len(PREFIX) :], 35)


def _bound_to(key_id: int, tenant: str) -> list[bytes]:
    # AES-SIV takes a list and keeps its parts apart by itself (RFC 5297, S2V): no framing
    return [PREFIX.encode(), key_id.to_bytes(1, "big"), tenant.encode()]
