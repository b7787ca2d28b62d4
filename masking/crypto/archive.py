"""Seals day keys to the offline archive key, and opens them where that key is (FORMAT.md section 7).

The service holds the public half only. What it has sealed, it can't open again; the private half is kept offline and
destroyed on schedule, which also reaches the archives in old backups.
"""

from __future__ import annotations

from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from masking.crypto.encoding import framed
from masking.errors import IntegrityError

VERSION = b"\x01"


def generate() -> tuple[bytes, bytes]:
    """A new offline key: its private half, which is to leave this machine, and its public half; 32 bytes each."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_half(private: bytes) -> bytes:
    """The public half that belongs to a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_day_key(public: bytes, day: str, key: bytes) -> bytes:
    """A day's archive key as only the offline key opens it."""
    return VERSION + _suite().encrypt(key, X25519PublicKey.from_public_bytes(public), _info(day))


def open_day_key(private: bytes, day: str, blob: bytes) -> bytes:
    """The day's archive key inside; the private half is at hand only offline.

    Raises:
        IntegrityError: it was not sealed to this key for this day.
    """
    if blob[:1] == VERSION:
        with suppress(InvalidTag, ValueError):
            return _suite().decrypt(blob[1:], X25519PrivateKey.from_private_bytes(private), _info(day))
    raise IntegrityError("an archived day key does not open with this offline key")


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _info(day: str) -> bytes:
    # the library's one-shot HPKE takes no associated data, so all of the context stands in `info`
    return framed("waybill-masking/archive/1", "day-key", day)
