"""Encrypt ("seal") and decrypt the personal fields of one waybill, each field separately (FORMAT.md section 2).

A sealed field opens only with its waybill's key, and only as the field, record and tenant that it was sealed as. A
ciphertext that was moved to another row or column fails. Values are padded, so that the sizes in a stolen table don't
tell a two-character name from a four-character one, or an empty remark from a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from masking.crypto.encoding import framed
from masking.errors import IntegrityError
from masking.values.plaintext import Plain

VERSION = b"\x01"
NONCE = 12
BLOCK = 32
"""Values are padded to a multiple of this many bytes: ten Han characters, or a phone."""
_FORMAT = framed("waybill-masking/field/1")


def seal_fields(
    key: bytes, tenant: str, record: bytes, fields: Mapping[str, Plain], entropy: Callable[[int], bytes]
) -> dict[str, bytes]:
    """Seal each field. Returns ciphertexts by field name.

    `key` has 32 bytes and belongs to this waybill only. `entropy(n)` returns n random bytes, used for nonces.
    """
    encrypt = AESGCM(key).encrypt
    context = _FORMAT + framed(tenant, record)
    nonces = entropy(NONCE * len(fields))
    sealed = {}
    for start, (name, plain) in zip(range(0, len(nonces), NONCE), fields.items(), strict=True):
        nonce = nonces[start : start + NONCE]
        text = plain.reveal().encode()
        if text.endswith(b"\0"):
            raise ValueError("a sealed value can't end in U+0000")  # opening would strip it as padding
        padded = text.ljust(len(text) + BLOCK - 1 & -BLOCK or BLOCK, b"\0")
        sealed[name] = VERSION + nonce + encrypt(nonce, padded, context + name.encode())
    return sealed


def open_fields(key: bytes, tenant: str, record: bytes, sealed: Mapping[str, bytes]) -> dict[str, Plain]:
    """Open sealed fields. Returns plaintexts by field name.

    Raises:
        IntegrityError: a field failed authentication. The error doesn't say which or why, and no field is returned.
    """
    decrypt = AESGCM(key).decrypt
    context = _FORMAT + framed(tenant, record)
    opened = {}
    try:
        for name, blob in sealed.items():
            if blob[:1] != VERSION:
                break
            padded = decrypt(blob[1 : 1 + NONCE], blob[1 + NONCE :], context + name.encode())
            opened[name] = Plain(padded.rstrip(b"\0").decode())
        else:
            return opened
    except (InvalidTag, ValueError):
        pass  # raised below, so that the error has no cause attached
    raise IntegrityError("a sealed field failed authentication")
