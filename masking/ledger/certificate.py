"""Signed certificates of destruction: which waybill, why, when, and when the last backup expires (FORMAT.md section 10).

A certificate is a signed note like a checkpoint. It has its own key and key name, so that neither passes for the other.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.errors import IntegrityError
from masking.ledger import note as notes
from masking.ledger.note import VerifierKey

_TEXT = re.compile(
    r"(?P<name>[^\s+]{1,128})\n"
    r"destroyed (?P<waybill>wb1_[0-9a-z]{26})\nreason (?P<reason>[a-z-]{1,32})\n"
    rf"at (?P<at>{notes.TIME})\ncomplete-by (?P<complete_by>{notes.TIME})\n",
    re.ASCII,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """A waybill's data was destroyed at `at`. No copy that the operator accounts for can be opened after `complete_by`."""

    waybill: str
    reason: str
    at: datetime
    complete_by: datetime


def key_name(origin: str) -> str:
    """The name of the key that signs a ledger's certificates."""
    return f"{origin}/certificates"


def sign(certificate: Certificate, origin: str, seed: bytes) -> str:
    """The signed note. `seed` is the 32-byte key `sign/certificate`, never the key that signs checkpoints."""
    name, at, complete_by = key_name(origin), *map(notes.format_time, (certificate.at, certificate.complete_by))
    text = f"{name}\ndestroyed {certificate.waybill}\nreason {certificate.reason}\nat {at}\ncomplete-by {complete_by}\n"
    return notes.sign(text, name, seed)


def read(note: str, key: VerifierKey) -> Certificate:
    """Verify the signature of a note and return its certificate.

    Raises:
        IntegrityError: the note is not a certificate signed by this key.
    """
    try:
        found = _TEXT.fullmatch(notes.verify(note, key))
        if found and found["name"] == key.name:
            at, complete_by = notes.parse_time(found["at"]), notes.parse_time(found["complete_by"])
            return Certificate(waybill=found["waybill"], reason=found["reason"], at=at, complete_by=complete_by)
    except (IntegrityError, ValueError):
        pass
    raise IntegrityError("the note is not a certificate signed by this key. Check the file and the public key")
