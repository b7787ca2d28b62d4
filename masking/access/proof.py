"""Proof of possession: verify that the device's key signed a request (DPoP, RFC 9449, ES256 only).

`verify` compares a `DPoP` header with the actual request. It returns the thumbprint of the signing key, and an id under
which the caller marks the proof as used. A proof is valid for one method, address, token and body, and for two minutes.
Cheap checks come first, the signature last, and no store is queried. The private claim `bsh` is the SHA-256 of the raw
body. Without it an intermediary could keep the proof and change the body.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from ipaddress import ip_address
from typing import Any, final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import (
    ECDSA,
    SECP256R1,
    EllipticCurvePublicKey,
    EllipticCurvePublicNumbers,
)
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from masking.errors import RefusedError
from masking.words.proof_rules import ProofRule

PAST, AHEAD = 60, 60
"""How many seconds a proof's time may be in the past and in the future."""

LONGEST = 2048
"""The most characters of a proof. This project's clients send about 500."""

_KEYS = 4096
"""How many parsed keys are cached. Parsing a key takes about as long as verifying a signature."""

_JTI = re.compile(r"[\x21-\x7e]{16,128}")
_ADDRESS = re.compile(
    r"(https?)://([^/?#@:]+|\[[0-9a-f:.]+\])(?::(\d{0,5}))?(/[^?#]*)?(?:\?[^#]*)?(?:#.*)?", re.IGNORECASE
)
_ESCAPED = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = re.compile(r"[A-Za-z0-9._~-]")
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv"})
"""Members of a JWK that hold a private or a shared key (RFC 7518, section 6)."""
_DEVIATING = frozenset("ßς\u200c\u200d")
"""Characters that IDNA 2003 and IDNA 2008 encode differently, so that one name could mean two hosts."""
_EC = EllipticCurvePublicNumbers
_ALGORITHM = ECDSA(SHA256())
_CURVE = SECP256R1()


class ProofError(RefusedError):
    """The proof is not valid for this request. `reason` is the rule that it breaks."""

    def __init__(self, reason: ProofRule) -> None:
        super().__init__(reason)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """A valid proof for the head of a request. Call `covers` to check the body.

    Attributes:
        key: the thumbprint (RFC 7638) of the signing key, 32 bytes.
        use: the id of this proof, 32 bytes. A second proof with the same id is a replay.
        until: when the proof expires, in seconds since 1970.
        body: the SHA-256 that the body must have, 32 bytes, or None for a request without a body.
    """

    key: bytes
    use: bytes
    until: int
    body: bytes | None

    def covers(self, body: bytes) -> None:
        """Check that the signature covers this body.

        Raises:
            ProofError: the proof was made for another body, or for none.
        """
        if self.body is None and not body:
            return
        if self.body != hashlib.sha256(body).digest():
            raise ProofError(ProofRule.BSH)


def verify(text: str, *, method: str, address: str, token: str | None, now: datetime) -> Proof:
    """Verify the value of a `DPoP` header for a request.

    Args:
        text: the header's value.
        method: the request's method.
        address: the request's URL as clients write it, `https://host/path`, built from the configured origin and never
            from a header.
        token: the access token of the request, None before one is issued.
        now: the current time.

    Raises:
        ProofError: the proof breaks a rule of RFC 9449 section 4.3 or of this project.
    """
    if len(text) > LONGEST:
        raise ProofError(ProofRule.TOO_LONG)
    parts = text.split(".")
    if len(parts) != 3:
        raise ProofError(ProofRule.FORM)
    head, payload, signature = parts
    raw = _bytes(signature)
    if len(raw) != 64:
        raise ProofError(ProofRule.FORM)
    key, thumbprint = _key(head)
    claims = _object(payload)
    jti, iat = _name(claims), _time(claims, now.timestamp())
    htu, ath = claims.get("htu"), token and base64url(hashlib.sha256(token.encode()).digest())
    if claims.get("htm") != method:
        raise ProofError(ProofRule.HTM)
    if not isinstance(htu, str) or (htu != address and normalised(htu) != normalised(address)):
        raise ProofError(ProofRule.HTU)
    if ath is not None and claims.get("ath") != ath:
        raise ProofError(ProofRule.ATH)
    body = _body(claims)
    r, s = int.from_bytes(raw[:32], "big"), int.from_bytes(raw[32:], "big")
    try:
        key.verify(encode_dss_signature(r, s), f"{head}.{payload}".encode(), _ALGORITHM)
    except InvalidSignature:
        raise ProofError(ProofRule.SIGNATURE) from None
    use = hashlib.sha256(thumbprint + jti.encode()).digest()
    return Proof(key=thumbprint, use=use, until=iat + PAST, body=body)


def thumbprint_of(jwk: Mapping[str, str]) -> bytes:
    """The RFC 7638 thumbprint of a P-256 key's public members, 32 bytes."""
    text = '{{"crv":"{crv}","kty":"{kty}","x":"{x}","y":"{y}"}}'.format(**jwk)
    return hashlib.sha256(text.encode()).digest()


def base64url(raw: bytes) -> str:
    """Bytes as base64url without padding (RFC 7515)."""
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def normalised(address: str) -> str | None:
    """The normalised form of a URL for comparison (RFC 3986, 6.2.2 and 6.2.3). None if it is not an HTTP URL.

    Query and fragment are dropped, as RFC 9449 requires. An empty port becomes the default one, a host's trailing dot is
    dropped, and an internationalised host is encoded in ASCII. Dot segments in a path are kept, since no route has any.
    """
    found = _ADDRESS.fullmatch(address)
    if found is None:
        return None
    scheme, host, port, path = found.groups()
    scheme, name, path = scheme.lower(), _host(host), path or "/"
    if name is None or not path.isascii():
        return None
    usual = not port or int(port) == {"http": 80, "https": 443}[scheme]
    return f"{scheme}://{name}{'' if usual else f':{int(port)}'}{_ESCAPED.sub(_spelt, path)}"


def _host(host: str) -> str | None:
    """A host in lower-case ASCII without a trailing dot. None if it has no such form."""
    host = host.lower().removesuffix(".")
    if host.isascii():
        return host or None
    labels = host.split(".")
    try:
        spelt = [label if label.isascii() else label.encode("idna").decode() for label in labels]
    except UnicodeError:
        return None
    sure = all(labels) and all(
        label.isascii() or ascii_.startswith("xn--") for label, ascii_ in zip(labels, spelt, strict=True)
    )
    return ".".join(spelt) if sure and not _DEVIATING & set(host) else None  # full-width digits are not a name


def on_this_machine(host: str) -> bool:
    """Whether a host is the loopback interface, where no third party can read the traffic."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _spelt(escaped: re.Match[str]) -> str:
    meant = chr(int(escaped[1], 16))
    return meant if _UNRESERVED.fullmatch(meant) else escaped[0].upper()


@lru_cache(maxsize=_KEYS)
def _key(head: str) -> tuple[EllipticCurvePublicKey, bytes]:
    """The key in a proof's header part, and its thumbprint. Cached, since a device always sends the same header.

    Raises:
        ProofError: the header is not that of a proof, or the key is not an accepted one.
    """
    header = _object(head)
    if header.get("typ") != "dpop+jwt":
        raise ProofError(ProofRule.TYP)
    if header.get("alg") != "ES256":
        raise ProofError(ProofRule.ALG)
    jwk = header.get("jwk")
    if jwk is None or header.keys() - {"typ", "alg", "jwk", "kid"}:  # `crit` and `jku` among others
        raise ProofError(ProofRule.HEADER)
    if not isinstance(jwk, dict) or not {"kty", "crv", "x", "y"} <= jwk.keys() or jwk.keys() & _PRIVATE:
        raise ProofError(ProofRule.JWK)
    if jwk["kty"] != "EC" or jwk["crv"] != "P-256":
        raise ProofError(ProofRule.JWK)
    x, y = (_bytes(jwk[name]) for name in ("x", "y"))
    if len(x) != 32 or len(y) != 32:
        raise ProofError(ProofRule.JWK)
    try:
        key = _EC(int.from_bytes(x, "big"), int.from_bytes(y, "big"), _CURVE).public_key()
    except ValueError:  # not a point of the curve
        raise ProofError(ProofRule.JWK) from None
    return key, thumbprint_of(jwk)


def _name(claims: Mapping[str, Any]) -> str:
    jti = claims.get("jti")
    if not isinstance(jti, str) or not _JTI.fullmatch(jti):
        raise ProofError(ProofRule.JTI)
    return jti


def _time(claims: Mapping[str, Any], now: float) -> int:
    iat = claims.get("iat")
    if not isinstance(iat, int | float) or isinstance(iat, bool):  # a bool is an int; RFC 7519 allows a fraction
        raise ProofError(ProofRule.IAT)
    if iat < now - PAST:
        raise ProofError(ProofRule.STALE)
    if iat > now + AHEAD:
        raise ProofError(ProofRule.FUTURE)
    return math.ceil(iat)


def _body(claims: Mapping[str, Any]) -> bytes | None:
    """The hash of the body that the proof was made for, None without one."""
    if "bsh" not in claims:
        return None
    found = _bytes(claims["bsh"])
    if len(found) != 32:
        raise ProofError(ProofRule.BSH)
    return found


def _object(part: str) -> dict[str, Any]:
    """Parse the JSON object in a part of a proof. Duplicate members are refused."""
    try:
        found = _JSON.decode(_bytes(part).decode())
    except (ValueError, RecursionError):
        raise ProofError(ProofRule.FORM) from None
    if not isinstance(found, dict):
        raise ProofError(ProofRule.FORM)
    return found


def _once(members: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(members)
    if len(found) != len(members):
        raise ValueError("a JSON member occurs twice")
    return found


def _never(_name: str) -> None:
    raise ValueError("not a JSON number")


def _bytes(text: object) -> bytes:
    """Decode canonical base64url. Encoding the result again shows characters that the decoder skipped."""
    if not isinstance(text, str) or not text:
        raise ProofError(ProofRule.FORM)
    try:
        raw = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        raise ProofError(ProofRule.FORM) from None
    if base64url(raw) != text:
        raise ProofError(ProofRule.FORM)
    return raw


_JSON = json.JSONDecoder(object_pairs_hook=_once, parse_constant=_never)
