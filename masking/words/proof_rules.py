"""The register of rules of proofs: why the proof of a request (DPoP, RFC 9449) is refused."""

from __future__ import annotations

from masking.words.word import Word


class ProofRule(Word):
    """The rule that the proof of a request (DPoP, RFC 9449) breaks."""

    MISSING = ("missing", "The request has no header `DPoP`.", "Sign each request by the device's key.")
    TWICE = ("twice", "The request has more than one header `DPoP`.", "Send one proof.")
    TOO_LONG = ("too-long", "The proof is longer than the service reads.", "Send the claims of docs/service.md only.")
    FORM = ("form", "The proof is not a signed JWT.", "Make it with a library for JWTs.")
    TYP = ("typ", "The proof's `typ` is not `dpop+jwt`.", "Set it.")
    ALG = ("alg", "The proof's `alg` is not `ES256`.", "Sign with a P-256 key.")
    HEADER = ("header", "The proof's header has members beyond `typ`, `alg` and `jwk`.", "Leave them out.")
    JWK = (
        "jwk",
        "The proof's `jwk` is not a public P-256 key.",
        "Send the device's public key, without its private part.",
    )
    SIGNATURE = ("signature", "The proof is not signed by the key in its header.", "Sign it by the device's key.")
    JTI = ("jti", "The proof's `jti` is missing or too long.", "Send a random one with each proof.")
    IAT = ("iat", "The proof's `iat` is not a time in seconds.", "Send seconds since 1970.")
    STALE = (
        "stale",
        "The proof was made too long ago by the service's clock.",
        "Set this machine's clock; make a new proof.",
    )
    FUTURE = ("future", "The proof was made in the future by the service's clock.", "Set this machine's clock.")
    HTM = ("htm", "The proof was made for another method.", "Make a proof for each request.")
    HTU = (
        "htu",
        "The proof was made for another address than the one by which the service knows itself.",
        "Use the address of the service's `[service] address`; if none is set, http://127.0.0.1:8440, not localhost.",
    )
    ATH = ("ath", "The proof was made for another token.", "Put the token's hash into the proof.")
    REPLAYED = ("replayed", "This proof was used before.", "Make a new proof for each request.")
    BSH = ("bsh", "The proof was made for another body.", "Put the body's hash into the proof.")
