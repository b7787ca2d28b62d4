"""Wraps keys: by the root, and by a day's key (FORMAT.md section 3).

The root never leaves its keeper; a keeper is anything with the two methods of `KeySource`. Here is the simplest one, a
file that nobody but its owner may read. A wrapped key opens only under the name, or the record, that it was wrapped for.
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
        """A key as it may be stored, bound to its name."""
        ...

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """The key inside.

        Raises:
            IntegrityError: it was not wrapped by this root, or not under this name.
            RootUnavailableError: the keeper does not work now.
        """
        ...


class FileKeySource:
    """The root in a file of 32 random bytes, readable by its owner alone."""

    def __init__(self, root: bytes) -> None:
        self._aead = AESGCM(root)

    @classmethod
    def create(cls, path: Path, entropy: Entropy) -> Self:
        """A new root, on disk before this returns; see `write_secret` for what it raises."""
        root = entropy(ROOT_SIZE)
        write_secret(path, root)
        return cls(root)

    @classmethod
    def open(cls, path: Path) -> Self:
        """The root in a file; see `read_secret` for what it raises."""
        return cls(read_secret(path, ROOT_SIZE))

    def wrap(self, name: str, key: bytes, entropy: Entropy) -> bytes:
        """A key as it may be stored, bound to its name."""
        return _wrap(self._aead, root_context(name), key, entropy(NONCE))

    def unwrap(self, name: str, blob: bytes) -> bytes:
        """The key inside; see `KeySource`."""
        return _unwrap(self._aead, root_context(name), blob)


def root_context(name: str) -> bytes:
    """What a root wrap is bound to, whoever keeps the root."""
    return framed("waybill-masking/root-wrap/1", name)


class DayWrapper:
    """Wraps waybill keys by one day's online or archive key."""

    def __init__(self, kind: Literal["online", "archive"], day: str, key: bytes) -> None:
        self._aead = AESGCM(key)
        self._context = framed("waybill-masking/day-wrap/1", kind, day)

    def wrap(self, tenant: str, record: bytes, generation: int, key: bytes, entropy: Entropy) -> bytes:
        """A waybill's key of that generation, as it may be stored."""
        return _wrap(self._aead, self._bound_to(tenant, record, generation), key, entropy(NONCE))

    def unwrap(self, tenant: str, record: bytes, generation: int, blob: bytes) -> bytes:
        """The waybill key inside.

        Raises:
            IntegrityError: it was not wrapped by this day's key for this tenant, record and generation.
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
    raise IntegrityError("a wrapped key is not what was wrapped there")
