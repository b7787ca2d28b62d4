"""Signed certificates of destruction: which waybill, why, when, and when the last backup expires (FORMAT.md section 10).

A certificate is a signed note like a checkpoint. It has its own key and key name, so that neither passes for the other.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from masking.errors import IntegrityError
from masking.ledger.checkpoint import LogKey

_TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}"
_NOTE = re.compile(
    r"(?P<text>(?P<name>[^\s+]{1,128})\n"
    r"destroyed (?P<token>wb1_[0-9a-z]{26})\nreason (?P<reason>[a-z-]{1,32})\n"
    rf"at (?P<at>{_TIME})Z\ncomplete-by (?P<complete_by>{_TIME})Z\n)\n"
    r"\u2014 (?P<signer>[^\s+]+) (?P<signature>[A-Za-z0-9+/]{91}=)\n",
    re.ASCII,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A waybill's data was destroyed at `at`. No copy that the operator accounts for can be opened after `complete_by`."""

    token: str
    reason: str
    at: datetime
    complete_by: datetime


def key_name(origin: str) -> str:
    """The name of the key that signs a ledger's certificates."""
    return f"{origin}/certificates"


def sign(certificate: Certificate, origin: str, seed: bytes) -> str:
    """The signed note. `seed` is the 32-byte key `sign/certificate`, never the key that signs checkpoints."""
    key = LogKey.of_seed(key_name(origin), seed)
    at, complete_by = _time(certificate.at), _time(certificate.complete_by)
    text = (
        f"{key.name}\ndestroyed {certificate.token}\nreason {certificate.reason}\nat {at}\ncomplete-by {complete_by}\n"
    )
    signature = key.id + Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    return f"{text}\n\u2014 {key.name} {base64.b64encode(signature).decode()}\n"


def read(note: str, key: LogKey) -> Certificate:
    """Verify the signature of a note and return its certificate.

    Raises:
        IntegrityError: the note is not a certificate signed by this key.
    """
    found = _NOTE.fullmatch(note)
    if found and found["name"] == found["signer"] == key.name:
        try:
            signature = base64.b64decode(found["signature"], validate=True)
            Ed25519PublicKey.from_public_bytes(key.public).verify(signature[4:], found["text"].encode())
            at, complete_by = (
                datetime.fromisoformat(found[name]).replace(tzinfo=UTC) for name in ("at", "complete_by")
            )
        except (InvalidSignature, ValueError, binascii.Error):
            pass
        else:
            if signature[:4] == key.id and base64.b64encode(signature).decode() == found["signature"]:
                return Certificate(token=found["token"], reason=found["reason"], at=at, complete_by=complete_by)
    raise IntegrityError("the note is not a certificate signed by this key. Check the file and the public key")


def _time(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
