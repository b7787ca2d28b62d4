"""Envelopes: orders that a merchant's process encrypts to the service, and queues while it is down (FORMAT.md section 6).

An envelope opens only with the service's sealing key of its key id, and only for the tenant and merchant it was sealed
for. Its head names the time after which the service refuses it. It doesn't authenticate the sender: the request that
carries it does. The service publishes its sealing keys in a directory signed by the ledger's key, which the merchant has
pinned.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from masking.crypto.encoding import framed
from masking.errors import IntegrityError
from masking.ledger import note
from masking.ledger.note import VerifierKey
from masking.runtime import milliseconds, moment

VERSION = b"\x01"
BLOCK = 256
"""The JSON is padded to a multiple of this many bytes, with spaces, which JSON allows at its end."""
_HEAD = 1 + 4 + 16 + 8
_LINE = re.compile(
    r"key ([1-9][0-9]{0,8}) ([A-Za-z0-9+/]{43}=) ([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})Z", re.ASCII
)


class SealingKey(NamedTuple):
    """A public key to seal to: its id, its 32 bytes, and when the service deletes its private half (whole seconds)."""

    id: int
    public: bytes
    until: datetime


class Envelope(NamedTuple):
    """The head of an envelope, readable without opening it."""

    key_id: int
    id: bytes
    not_after: datetime


def seal(key: SealingKey, tenant: str, merchant: str, id_: bytes, not_after: datetime, text: bytes) -> bytes:
    """Seal a JSON text. `id_` is 16 random bytes, never used twice. `not_after` is cut to the end of the key's life."""
    until = milliseconds(min(not_after, key.until)).to_bytes(8, "big")
    head = VERSION + key.id.to_bytes(4, "big") + id_ + until
    padded = text.ljust(-(-len(text) // BLOCK) * BLOCK)
    return head + _suite().encrypt(padded, X25519PublicKey.from_public_bytes(key.public), _info(head, tenant, merchant))


def head(envelope: bytes) -> Envelope | None:
    """Read the head of an envelope, without authenticating it. None if the bytes don't have the form of an envelope."""
    if len(envelope) < _HEAD + 32 + 16 or envelope[:1] != VERSION:
        return None
    until = int.from_bytes(envelope[21:_HEAD], "big")
    return Envelope(int.from_bytes(envelope[1:5], "big"), envelope[5:21], moment(min(until, 10**14)))


def open_envelope(private: bytes, tenant: str, merchant: str, envelope: bytes) -> bytes:
    """Open an envelope and return the JSON text with its padding.

    Raises:
        IntegrityError: the envelope was not sealed to this key for this merchant of this tenant, or was changed.
    """
    try:
        key = X25519PrivateKey.from_private_bytes(private)
        return _suite().decrypt(envelope[_HEAD:], key, _info(envelope[:_HEAD], tenant, merchant))
    except (InvalidTag, ValueError):
        pass
    raise IntegrityError("an envelope was not sealed to this key for this merchant, or was changed")


def public_key(private: bytes, key_id: int, until: datetime) -> SealingKey:
    """The directory entry of a private key."""
    public = X25519PrivateKey.from_private_bytes(private).public_key().public_bytes_raw()
    return SealingKey(key_id, public, until)


def sign_directory(origin: str, keys: Sequence[SealingKey], seed: bytes) -> str:
    """Sign the directory of a service's sealing keys, newest last. `seed` is the 32-byte key `sign/ledger`."""
    lines = [f"key {k.id} {_base64(k.public)} {k.until.astimezone(UTC):%Y-%m-%dT%H:%M:%S}Z\n" for k in keys]
    return note.sign(f"{origin}/sources\n{''.join(lines)}", origin, seed)


def read_directory(text: str, key: VerifierKey) -> list[SealingKey]:
    """Verify a directory with the ledger's pinned key and return its sealing keys, newest last.

    Raises:
        IntegrityError: the text is not this service's directory, or is not signed by the pinned key.
    """
    try:
        title, *lines = note.verify(text, key).removesuffix("\n").split("\n")
        found = [_LINE.fullmatch(line) for line in lines]
        if title == f"{key.name}/sources" and all(found):
            return [SealingKey(int(m[1]), base64.b64decode(m[2]), _time(m[3])) for m in found if m]
    except (IntegrityError, ValueError):
        pass
    raise IntegrityError("the directory of sealing keys is not signed by the pinned key")


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def _suite() -> Suite:
    return Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def _info(head_: bytes, tenant: str, merchant: str) -> bytes:
    return framed("waybill-masking/envelope/1", "order", tenant, merchant, head_)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
