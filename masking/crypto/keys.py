"""Wrap keys with the root key, and waybill keys with a day's key (FORMAT.md section 3).

The root never leaves its keeper, which is any class with the two methods of `KeySource`. The keeper in this module is a
file that only its owner may read. A wrapped key opens only under the name, or the record, that it was wrapped for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, Protocol, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from masking.crypto.encoding import framed
from masking.disk import read_secret, write_secret
from masking.errors import IntegrityError

VERSION = b"\x01"
NONCE = 12
ROOT_SIZE = 32

Entropy = Callable[[int], bytes]


class KeySource(Protocol):
    """A keeper of the root key."""

    def wrap(self, name: str, key: bytes, entropy: Entropy) -> bytes:
        """Wrap a key for storage, bound to its name."""
        ...

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """Unwrap a key.

        Raises:
            IntegrityError: the blob was not wrapped by this root, or not under this name.
            RootUnavailableError: the keeper does not work at the moment.
        """
        ...


class FileKeySource:
    """The root key in a file of 32 random bytes that only its owner may read."""

    def __init__(self, root: bytes) -> None:
        self._aead = AESGCM(root)

    @classmethod
    def create(cls, path: Path, entropy: Entropy) -> Self:
        """Create a root key. It is on disk before this returns. Raises what `write_secret` raises."""
        root = entropy(ROOT_SIZE)
        write_secret(path, root)
        return cls(root)

    @classmethod
    def open(cls, path: Path) -> Self:
        """Read the root key from a file. Raises what `read_secret` raises."""
        return cls(read_secret(path, ROOT_SIZE))

    def wrap(self, name: str, key: bytes, entropy: Entropy) -> bytes:
        """Wrap a key for storage, bound to its name."""
        return _wrap(self._aead, root_context(name), key, entropy(NONCE))

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """Unwrap a key, see `KeySource`."""
        return _unwrap(self._aead, root_context(name), blob)


def root_context(name: str) -> bytes:
    """The associated data of a root wrap, the same for every keeper."""
    return framed("waybill-masking/root-wrap/1", name)


class DayWrapper:
    """Wraps waybill keys with one day's online or archive key."""

    def __init__(self, kind: Literal["online", "archive"], day: str, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._context = framed("waybill-masking/day-wrap/1", kind, day)

    def wrap(self, tenant: str, record: bytes, generation: int, key: bytes, entropy: Entropy) -> bytes:
        """Wrap a waybill's key of that generation for storage."""
        return _wrap(self._aead, self._bound_to(tenant, record, generation), key, entropy(NONCE))

    def unwrap(self, tenant: str, record: bytes, generation: int, blob: bytes) -> bytes:
        """Unwrap a waybill's key.

        Raises:
            IntegrityError: the blob was not wrapped by this day's key for this tenant, record and generation.
        """
        return _unwrap(self._aead, self._bound_to(tenant, record, generation), blob)

    def _bound_to(self, tenant: str, record: bytes, generation: int) -> bytes:
        return self._context + framed(tenant, record, generation.to_bytes(4, "big"))


def _wrap(aead: AESGCM, context: bytes, key: bytes, nonce: bytes) -> bytes:
    return VERSION + nonce + aead.encrypt(nonce, key, context)


def _unwrap(aead: AESGCM, context: bytes, blob: bytes) -> bytes:
    if blob[:1] == VERSION:
        with suppress(InvalidTag, ValueError):
            return aead.decrypt(blob[1 : 1 + NONCE], blob[1 + NONCE :], context)
    raise IntegrityError(
        "a wrapped key failed authentication: it was changed, or wrapped by another key or under another name"
    )
