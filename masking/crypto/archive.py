"""Seal day keys to the offline archive key, and open them with it (FORMAT.md section 7).

The service holds only the public half, so it can't open what it has sealed. The private half is kept offline and destroyed
on schedule, which makes the archives in old backups unreadable as well.
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
    """Generate an offline key: (private half, public half), 32 bytes each. Move the private half off this machine."""
    private = X25519PrivateKey.generate()
    return private.private_bytes_raw(), private.public_key().public_bytes_raw()


def public_half(private: bytes) -> bytes:
    """The public half that belongs to a private one."""
    return X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()


def seal_day_key(public: bytes, day: str, key: bytes) -> bytes:
    """Seal a day's archive key, so that only the offline private key opens it."""
    return VERSION + _suite().encrypt(key, X25519PublicKey.from_public_bytes(public), _info(day))


def open_day_key(private: bytes, day: str, blob: bytes) -> bytes:
    """Open a sealed archive key of a day. For offline use, where the private half is.

    Raises:
        IntegrityError: the blob was not sealed to this key for this day, or was changed.
    """
    if blob[:1] == VERSION:
        with suppress(InvalidTag, ValueError):
            return _suite().decrypt(blob[1:], X25519PrivateKey.from_private_bytes(private), _info(day))
    raise IntegrityError(
        "the archive key of a day does not open with this offline key. Check which offline key it was made for"
    )


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _info(day: str) -> bytes:
    # the library's one-shot HPKE takes no associated data, so the whole context goes into `info`
    return framed("waybill-masking/archive/1", "day-key", day)
