"""What a proof of possession must be (RFC 9449 section 4.3), rule by rule: each proof below breaks exactly one."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from hypothesis import assume, given
from hypothesis import strategies as st

from masking.access.proof import AHEAD, LONGEST, PAST, Proof, ProofError, normalised, verify
from masking.client.device import Device, make_key
from masking.errors import SettingsError
from tests.support.dpop_proofs import KEY, OTHER_KEY, b64, hashed, jwk, proof, signed

NOW = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
ADDRESS = "https://mask.example/v1/resolve"
TOKEN = "wbt1_" + "A" * 43
BODY = b'{"items":[]}'
HEADER = {"typ": "dpop+jwt", "alg": "ES256", "jwk": jwk()}
CLAIMS = {
    "jti": "0123456789abcdef",
    "htm": "POST",
    "htu": ADDRESS,
    "iat": int(NOW.timestamp()),
    "ath": hashed(TOKEN),
    "bsh": hashed(BODY),
}


def checked(text: str, body: bytes = BODY, **changes: Any) -> Proof:
    asked: dict[str, Any] = {"method": "POST", "address": ADDRESS, "token": TOKEN, "now": NOW}
    found = verify(text, **(asked | changes))
    found.covers(body)
    return found


def refused(text: str, **how: Any) -> str:
    with pytest.raises(ProofError) as caught:
        checked(text, **how)
    return caught.value.reason


def head(**changes: Any) -> str:
    return proof(HEADER | changes, CLAIMS)


def claim(**changes: Any) -> str:
    return proof(HEADER, CLAIMS | changes)


def at(**delta: float) -> int:
    return int((NOW + timedelta(**delta)).timestamp())


def part(value: Any) -> str:
    return b64(json.dumps(value).encode())


def with_hmac() -> str:
    """Signed with the public key as if it were a shared secret."""
    text = f"{part(HEADER | {'alg': 'HS256'})}.{part(CLAIMS)}"
    point = base64.urlsafe_b64decode(jwk()["x"] + "=")
    return f"{text}.{b64(hmac.digest(point, text.encode(), 'sha256'))}"


def with_rsa() -> str:
    key = rsa.generate_private_key(65537, 2048)
    numbers = key.public_key().public_numbers()
    public = {"kty": "RSA", "n": b64(numbers.n.to_bytes(256, "big")), "e": "AQAB"}
    text = f"{part(HEADER | {'alg': 'RS256', 'jwk': public})}.{part(CLAIMS)}"
    return f"{text}.{b64(key.sign(text.encode(), padding.PKCS1v15(), SHA256()))}"


def on_another_curve() -> str:
    key = ec.derive_private_key(7, ec.SECP384R1())
    return proof(HEADER | {"jwk": jwk(key, 48) | {"crv": "P-384"}}, CLAIMS)


def twice(text: dict[str, Any], name: str, value: Any) -> str:
    """JSON that names a member twice."""
    return b64((json.dumps(text)[:-1] + f", {json.dumps(name)}: {json.dumps(value)}}}").encode())


SECOND_X = {"jwk": jwk(OTHER_KEY)}
RULES: dict[str, tuple[Callable[[], str], str]] = {
    "algorithm none": (lambda: f"{part(HEADER | {'alg': 'none'})}.{part(CLAIMS)}.", "form"),
    "algorithm none, with a signature": (lambda: head(alg="none"), "alg"),
    "algorithm HS256": (with_hmac, "form"),  # 32 bytes are no signature of ours
    "algorithm HS256, of the right size": (lambda: head(alg="HS256"), "alg"),
    "algorithm RS256": (with_rsa, "form"),
    "algorithm RS256, of the right size": (lambda: head(alg="RS256"), "alg"),
    "algorithm ES384": (lambda: head(alg="ES384"), "alg"),
    "algorithm in small letters": (lambda: head(alg="es256"), "alg"),
    "no algorithm": (lambda: head(alg=None), "alg"),
    "type of another token": (lambda: head(typ="JWT"), "typ"),
    "type in capitals": (lambda: head(typ="DPOP+JWT"), "typ"),
    "no type": (lambda: head(typ=None), "typ"),
    "a critical extension": (lambda: head(crit=["b64"], b64=False), "header"),
    "a key by name": (lambda: head(jwk=None, kid="1"), "header"),
    "a private key": (lambda: head(jwk=jwk() | {"d": b64(bytes(31) + b"\7")}), "jwk"),
    "a symmetric key": (lambda: head(jwk={"kty": "oct", "k": "AAAA"}), "jwk"),
    "a key of another curve": (on_another_curve, "jwk"),
    "a key of another curve by name only": (lambda: head(jwk=jwk() | {"crv": "secp256k1"}), "jwk"),
    "a point off the curve": (lambda: head(jwk=jwk() | {"y": jwk(OTHER_KEY)["y"]}), "jwk"),
    "a point at the origin": (lambda: head(jwk=jwk() | {"x": b64(bytes(32)), "y": b64(bytes(32))}), "jwk"),
    "a coordinate past the field": (lambda: head(jwk=jwk() | {"x": b64(b"\xff" * 32)}), "jwk"),
    "a short coordinate": (lambda: head(jwk=jwk() | {"x": b64(b"\1" * 31)}), "jwk"),
    "a key that is no object": (lambda: head(jwk="k"), "jwk"),
    "a key with a number in it": (lambda: head(jwk=jwk() | {"x": 1}), "form"),
    "another method": (lambda: claim(htm="GET"), "htm"),
    "a method in small letters": (lambda: claim(htm="post"), "htm"),
    "no method": (lambda: claim(htm=None), "htm"),
    "another path": (lambda: claim(htu="https://mask.example/v1/scans"), "htu"),
    "another host": (lambda: claim(htu="https://mask.example.evil.example/v1/resolve"), "htu"),
    "another scheme": (lambda: claim(htu="http://mask.example/v1/resolve"), "htu"),
    "another port": (lambda: claim(htu="https://mask.example:8443/v1/resolve"), "htu"),
    "a user before the host": (lambda: claim(htu="https://mask.example@evil.example/v1/resolve"), "htu"),
    "an address that goes up": (lambda: claim(htu="https://mask.example/v1/x/../resolve"), "htu"),
    "an address that is none": (lambda: claim(htu="//mask.example/v1/resolve"), "htu"),
    "an address that is a list": (lambda: claim(htu=[ADDRESS]), "htu"),
    "no address": (lambda: claim(htu=None), "htu"),
    "a stale time": (lambda: claim(iat=at(seconds=-PAST - 1)), "stale"),
    "a future time": (lambda: claim(iat=at(seconds=AHEAD + 1)), "future"),
    "a time in milliseconds": (lambda: claim(iat=at() * 1000), "future"),
    "a time beyond all numbers": (
        lambda: signed(part(HEADER), b64(b'{"jti": "0123456789abcdef", "iat": 1e999}')),
        "future",
    ),
    "a time long before all others": (
        lambda: signed(part(HEADER), b64(b'{"jti": "0123456789abcdef", "iat": -1e999}')),
        "stale",
    ),
    "a shared key beside the public one": (lambda: head(jwk=jwk() | {"k": "AAAA"}), "jwk"),
    "a private key's other members": (lambda: head(jwk=jwk() | {"oth": []}), "jwk"),
    "a stale time with a fraction": (lambda: claim(iat=at(seconds=-PAST) - 0.5), "stale"),
    "a future time with a fraction": (lambda: claim(iat=at(seconds=AHEAD) + 0.5), "future"),
    "a time as text": (lambda: claim(iat=str(at())), "iat"),
    "a time that is true": (lambda: claim(iat=True), "iat"),
    "no time": (lambda: claim(iat=None), "iat"),
    "no token's hash": (lambda: claim(ath=None), "ath"),
    "another token's hash": (lambda: claim(ath=hashed(TOKEN + "x")), "ath"),
    "a padded token's hash": (lambda: claim(ath=hashed(TOKEN) + "="), "ath"),
    "no body's hash": (lambda: claim(bsh=None), "bsh"),
    "another body's hash": (lambda: claim(bsh=hashed(BODY + b" ")), "bsh"),
    "half a body's hash": (lambda: claim(bsh=b64(hashlib.sha256(BODY).digest()[:16])), "bsh"),
    "a body's hash that is a number": (lambda: claim(bsh=1), "form"),
    "no name": (lambda: claim(jti=None), "jti"),
    "a name that can be guessed": (lambda: claim(jti="1"), "jti"),
    "a name without end": (lambda: claim(jti="1" * 129), "jti"),
    "a name that is no text": (lambda: claim(jti=10**20), "jti"),
    "a name with half a character": (lambda: claim(jti="\ud800" * 20), "jti"),
    "signed by another key": (lambda: proof(HEADER, CLAIMS, OTHER_KEY), "signature"),
    "another key named": (lambda: head(**SECOND_X), "signature"),
    "a signature of nothing": (lambda: f"{part(HEADER)}.{part(CLAIMS)}.{b64(bytes(64))}", "signature"),
    "a signature in another form": (
        lambda: (
            f"{part(HEADER)}.{part(CLAIMS)}.{b64(KEY.sign(f'{part(HEADER)}.{part(CLAIMS)}'.encode(), ec.ECDSA(SHA256())))}"
        ),
        "form",
    ),
    "too long": (lambda: claim(more="x" * LONGEST), "too-long"),
    "garbage": (lambda: "é" * 40 + "." + "é" * 40 + "." + "é" * 40, "form"),
    "nothing": (lambda: "", "form"),
    "two parts": (lambda: f"{part(HEADER)}.{part(CLAIMS)}", "form"),
    "four parts": (lambda: f"{claim()}.AAAA", "form"),
    "padded parts": (lambda: signed(part(HEADER) + "=", part(CLAIMS)), "form"),
    "a part in two lines": (lambda: f"{claim()[:-5]}\n{claim()[-5:]}", "form"),
    "a part in the other alphabet": (lambda: signed(part(HEADER), part({"?": "?" * 9}).replace("_", "/")), "form"),
    "an empty part": (lambda: f".{claim().partition('.')[2]}", "form"),
    "a part with spare bits": (lambda: claim()[:-1] + ("B" if claim()[-1] in "AQgw" else "z"), "form"),
    "text that is no UTF-8": (lambda: signed(part(HEADER), b64(b'{"jti": "\xff"}')), "form"),
    "text in UTF-16": (lambda: signed(part(HEADER), b64(json.dumps(CLAIMS).encode("utf-16"))), "form"),
    "no object": (lambda: signed(part(HEADER), part([CLAIMS])), "form"),
    "deeply nested": (lambda: signed(part({}), b64(b"[" * 700 + b"]" * 700)), "typ"),
    "deeply nested claims": (lambda: signed(part(HEADER), b64(b"[" * 900)), "form"),
    "a number that is none": (lambda: signed(part(HEADER), b64(b'{"iat": NaN}')), "form"),
    "a member twice": (lambda: signed(part(HEADER), twice(CLAIMS, "htm", "POST")), "form"),
    "a key twice": (lambda: signed(twice(HEADER, "jwk", jwk()), part(CLAIMS)), "form"),
}


@pytest.mark.parametrize("rule", RULES)
def test_proof_that_breaks_a_rule_is_refused(rule):
    build, reason = RULES[rule]
    assert refused(build()) == reason


def test_valid_proof_names_its_key_and_its_use():
    found = checked(claim())
    assert found == checked(claim())
    assert found.until == CLAIMS["iat"] + PAST
    assert found.key == hashlib.sha256(json.dumps(jwk(), sort_keys=True, separators=(",", ":")).encode()).digest()
    assert checked(claim(jti="f123456789abcdef")).use != found.use
    assert checked(proof(HEADER | {"jwk": jwk(OTHER_KEY)}, CLAIMS, OTHER_KEY)).use != found.use
    assert (
        checked(claim(iat=at(seconds=5))).use == found.use
    )  # a name is used up once, even if the rest of the proof differs


def test_proof_may_hold_further_members():
    checked(claim(nonce="x", exp=1))
    checked(proof(HEADER, CLAIMS | {"ath": None}), token=None)


def test_request_without_a_body_needs_no_body_hash():
    checked(claim(bsh=None), body=b"")
    checked(claim(bsh=hashed(b"")), body=b"")
    assert refused(claim(), body=b"") == "bsh"


@pytest.mark.parametrize(
    "spelt",
    [
        "HTTPS://MASK.example/v1/resolve",
        "https://mask.example:443/v1/resolve",
        "https://mask.example/v1/resolve?from=1",
        "https://mask.example/v1/resolve#x",
        "https://mask.example/v1/%72es%6Flve",
        "https://mask.example:0443/v1/resolve?#",
        "https://mask.example:/v1/resolve",
        "https://mask.example./v1/resolve",
        "https://mask.example.:443/v1/resolve",
    ],
)
def test_equivalent_addresses_are_equal(spelt):
    checked(claim(htu=spelt))


def test_different_addresses_stay_different():
    assert normalised("https://a.example/v1%2fresolve") == "https://a.example/v1%2Fresolve"
    assert normalised("http://[::1]:80") == "http://[::1]/"
    assert normalised("https://a.example:80/") == "https://a.example:80/"
    assert normalised("ftp://a.example/") is normalised("https://a.example/é") is normalised("") is None
    assert normalised("https://./") is normalised("https://a..b.é/") is normalised("https://straße.example/") is None
    assert normalised("https://127。0。0。1/") is normalised("https://１２７.0.0.1/") is None


def test_internationalised_host_has_one_spelling():
    assert (
        normalised("https://例子.example/")
        == normalised("https://XN--fsqu00a.example/")
        == "https://xn--fsqu00a.example/"
    )


@pytest.mark.parametrize(
    ("header", "claims"),
    [
        pytest.param({"jwk": jwk() | {"ext": True, "key_ops": ["verify"]}}, {}, id="WebCrypto's export"),
        pytest.param({"jwk": jwk() | {"kid": "1", "use": "sig", "alg": "ES256"}}, {}, id="Nimbus"),
        pytest.param({"kid": "1"}, {}, id="kid in the header"),
        pytest.param({}, {"iat": NOW.timestamp() + 0.5}, id="fractional time"),
        pytest.param({}, {"iat": float(int(NOW.timestamp()))}, id="time as a float"),
    ],
)
def test_members_that_other_libraries_send_are_accepted(header, claims):
    found = checked(proof(HEADER | header, CLAIMS | claims))
    assert found.key == checked(proof(HEADER, CLAIMS)).key
    assert found.until >= int(NOW.timestamp()) + PAST


@given(st.text() | st.text(alphabet="ABCxyz019-_.=", min_size=20))
def test_proof_parser_raises_only_its_own_error(text):
    assert refused(text)


@given(at=st.integers(0, 10_000), to=st.characters())
def test_changed_character_never_gives_the_same_proof(at, to):
    text = claim()
    at %= len(text)
    assume(text[at] != to)
    assert refused(text[:at] + to + text[at + 1 :])


def test_client_makes_proofs_that_the_service_accepts(tmp_path):
    for name in ("device.key", "another.key"):
        make_key(tmp_path / name)
    device = Device.of_file(tmp_path / "device.key")
    made = [device.proof("POST", ADDRESS, at=NOW.timestamp(), body=BODY, token=TOKEN) for _ in range(2)]
    first, second = map(checked, made)
    assert first.key == second.key == device.thumbprint == Device.of_file(tmp_path / "device.key").thumbprint
    assert first.use != second.use
    checked(device.proof("GET", ADDRESS, at=NOW.timestamp()), body=b"", method="GET", token=None)
    assert Device.of_file(tmp_path / "another.key").thumbprint != device.thumbprint


def test_hardware_key_signs_in_place_of_the_client():
    signatures = count()

    def sign(message: bytes) -> bytes:
        next(signatures)
        return KEY.sign(message, ec.ECDSA(SHA256()))

    device = Device(KEY.public_key(), sign)
    assert checked(device.proof("POST", ADDRESS, at=NOW.timestamp(), body=BODY, token=TOKEN)).key == device.thumbprint
    assert next(signatures) == 1


def test_device_key_readable_by_others_is_refused(tmp_path):
    path = tmp_path / "device.key"
    make_key(path)
    assert path.stat().st_mode & 0o777 == 0o600
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="chmod"):
        Device.of_file(path)
    path.chmod(0o600)
    path.write_bytes(b"-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(SettingsError, match="no device key"):
        Device.of_file(path)
