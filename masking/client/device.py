"""A device's key, and the proof that it makes for each request (DPoP, RFC 9449).

The key is in a file of mode 0600 or in hardware. For hardware, give `Device` the public key and a function that signs. The private
key is never sent, and no function here returns it.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Self, final

from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePrivateKey,
    EllipticCurvePublicKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from masking.access.proof import base64url, thumbprint_of
from masking.disk import read_secret, replace
from masking.errors import SettingsError


@final
class Device:
    """One device's P-256 key.

    Attributes:
        thumbprint: 32 bytes by which the service identifies the device (RFC 7638).
    """

    def __init__(self, public: EllipticCurvePublicKey, sign: Callable[[bytes], bytes]) -> None:
        """`sign` returns the ECDSA signature over the SHA-256 of a message in DER, the form that hardware key stores use."""
        numbers = public.public_numbers()
        x, y = (base64url(each.to_bytes(32, "big")) for each in (numbers.x, numbers.y))
        jwk = {"kty": "EC", "crv": "P-256", "x": x, "y": y}
        self.thumbprint = thumbprint_of(jwk)
        self._head = _part({"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk})
        self._sign = sign

    @classmethod
    def of_key(cls, key: EllipticCurvePrivateKey) -> Self:
        """The device of a private key in memory."""
        return cls(key.public_key(), lambda message: key.sign(message, ECDSA(SHA256())))

    @classmethod
    def of_file(cls, path: Path) -> Self:
        """The device whose key is in this file.

        Raises:
            SettingsError: the file can't be read, others can read it, or it does not hold a P-256 key.
        """
        try:
            found = load_pem_private_key(read_secret(path), None)
        except (ValueError, TypeError) as error:
            raise SettingsError(f"{path.name} holds no device key") from error.with_traceback(None)
        if not isinstance(found, EllipticCurvePrivateKey) or not isinstance(found.curve, SECP256R1):
            raise SettingsError(f"{path.name} holds no P-256 key")
        return cls.of_key(found)

    def proof(self, method: str, address: str, *, at: float, body: bytes = b"", token: str | None = None) -> str:
        """The `DPoP` header of one request. `at` is the present in seconds since 1970."""
        claims: dict[str, str | int] = {"jti": os.urandom(16).hex(), "htm": method, "htu": address, "iat": int(at)}
        if token is not None:
            claims["ath"] = base64url(hashlib.sha256(token.encode()).digest())
        if body:
            claims["bsh"] = base64url(hashlib.sha256(body).digest())
        signed = f"{self._head}.{_part(claims)}"
        r, s = decode_dss_signature(self._sign(signed.encode()))
        return f"{signed}.{base64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def make_key(path: Path) -> None:
    """Write a new device key to a file of mode 0600. The caller makes sure that no other process does so.

    Raises:
        OSError: the folder can't be written.
    """
    key = generate_private_key(SECP256R1())
    replace(path, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))


def _part(members: Mapping[str, object]) -> str:
    return base64url(json.dumps(members, separators=(",", ":")).encode())
