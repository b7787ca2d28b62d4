"""Seals the personal fields of one waybill, each by itself, and opens them (FORMAT.md section 2).

A sealed field opens only with its waybill's key, and only as the field, record and tenant that it was sealed as, so that
ciphertexts moved to another row or column open as nothing. Texts are padded: the sizes in a stolen table don't tell a
two-character name from a four-character one, or an empty remark from a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from masking.crypto.encoding import framed
from masking.errors import IntegrityError
from masking.order import Plain

VERSION = b"\x01"
NONCE = 12
BLOCK = 32
"""Texts are padded to a multiple of this many bytes: ten Han characters and the end mark."""


def seal_fields(
    key: bytes, tenant: str, record: bytes, fields: Mapping[str, Plain], entropy: Callable[[int], bytes]
) -> dict[str, bytes]:
    """The sealed form of each field, by name. `key` has 32 bytes and is this waybill's alone; nonces come from `entropy`."""
    encrypt = AESGCM(key).encrypt
    context = _context(tenant, record)
    nonces = entropy(NONCE * len(fields))
    sealed = {}
    for place, (name, plain) in enumerate(fields.items()):
        nonce = nonces[NONCE * place : NONCE * (place + 1)]
        sealed[name] = VERSION + nonce + encrypt(nonce, _padded(plain.reveal()), context + framed(name))
    return sealed


def open_fields(key: bytes, tenant: str, record: bytes, sealed: Mapping[str, bytes]) -> dict[str, Plain]:
    """The plaintext of each sealed field, by name.

    Raises:
        IntegrityError: one of them is not what was sealed there; nothing is said of which or why, and none is given.
    """
    decrypt = AESGCM(key).decrypt
    context = _context(tenant, record)
    with suppress(InvalidTag, ValueError):
        return {
            name: Plain(_text(decrypt(_nonce(blob), blob[1 + NONCE :], context + framed(name))))
            for name, blob in sealed.items()
        }
    raise IntegrityError("a sealed field is not what was sealed there")


def _context(tenant: str, record: bytes) -> bytes:
    return framed("waybill-masking/field/1", tenant, record)


def _nonce(blob: bytes) -> bytes:
    if blob[:1] != VERSION:
        raise ValueError("of another version")
    return blob[1 : 1 + NONCE]


def _padded(text: str) -> bytes:
    marked = text.encode() + b"\x80"
    return marked.ljust(-(-len(marked) // BLOCK) * BLOCK, b"\0")


def _text(padded: bytes) -> str:
    marked = padded.rstrip(b"\0")
    if marked[-1:] != b"\x80":
        raise ValueError("no end mark")
    return marked[:-1].decode()
