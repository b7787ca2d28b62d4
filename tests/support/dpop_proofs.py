"""Proofs of possession written by hand, so that each of their parts can be wrong."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

KEY = ec.derive_private_key(7, ec.SECP256R1())
OTHER_KEY = ec.derive_private_key(8, ec.SECP256R1())


def b64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def hashed(text: str | bytes) -> str:
    return b64(hashlib.sha256(text if isinstance(text, bytes) else text.encode()).digest())


def jwk(key: ec.EllipticCurvePrivateKey = KEY, size: int = 32) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    x, y = (b64(each.to_bytes(size, "big")) for each in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def signed(head: str, payload: str, key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """Two parts, encoded, and ES256 over them."""
    size = (key.key_size + 7) // 8
    r, s = decode_dss_signature(key.sign(f"{head}.{payload}".encode(), ec.ECDSA(SHA256())))
    return f"{head}.{payload}.{b64(r.to_bytes(size, 'big') + s.to_bytes(size, 'big'))}"


def proof(header: dict[str, Any], claims: dict[str, Any], key: ec.EllipticCurvePrivateKey = KEY) -> str:
    """A proof of these members; a value of None leaves the member out."""
    parts = [{name: value for name, value in part.items() if value is not None} for part in (header, claims)]
    head, payload = (b64(json.dumps(part).encode()) for part in parts)
    return signed(head, payload, key)
