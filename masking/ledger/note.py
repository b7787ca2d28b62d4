"""Reads and writes signed notes (C2SP signed-note): a text, a blank line, and a signature line for each key.

Checkpoints, certificates of destruction, directories of sealing keys and announcements of lost leaves are such notes
(FORMAT.md sections 6, 9, 10 and 12).
Each has a first line of its own, so that none passes for another.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from masking.errors import IntegrityError

MOST_SIGNATURES = 64
"""The most signature lines that a note may have. The service writes one, and each witness adds one."""
TIME = r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3}Z"
"""The pattern of a time in a note: UTC with milliseconds."""
_ED25519 = b"\x01"
_BLANK = "\n\n"
_NAME = re.compile(r"[!-*,-~]{1,128}")
_SIGNATURE = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})", re.ASCII)


@final
@dataclass(frozen=True, slots=True)
class VerifierKey:
    """The name and the 32-byte Ed25519 public key that verify a note."""

    name: str
    public: bytes

    @classmethod
    def of_seed(cls, name: str, seed: bytes) -> VerifierKey:
        """The public key of a 32-byte signing seed."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())

    @property
    def id(self) -> bytes:
        """The 4-byte key id. It tells a reader which key to verify with."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as `name+id+key`, the form that other implementations read and that a client pins."""
        return f"{self.name}+{self.id.hex()}+{encode_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> VerifierKey:
        """Parse a key in the form `name+id+key`.

        Raises:
            IntegrityError: the string has another form, or its id does not match its key.
        """
        name, _, rest = text.partition("+")
        try:
            key = cls(name, base64.b64decode(rest.partition("+")[2], validate=True)[1:])
        except ValueError:  # not base64, or not ASCII
            raise IntegrityError("not a ledger's public key") from None
        if not _NAME.fullmatch(name) or len(key.public) != 32 or str(key) != text:
            raise IntegrityError("not a ledger's public key")
        return key


def sign(text: str, name: str, seed: bytes) -> str:
    """The signed note of a text that ends with a line end. `name` is the name of the key that the 32-byte `seed` makes."""
    key = VerifierKey.of_seed(name, seed)
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    return f"{text}\n\u2014 {key.name} {encode_base64(key.id + signature)}\n"


def verify(note: str, key: VerifierKey) -> str:
    """Verify a note and return its text, up to the blank line. Signatures by other keys are ignored.

    Raises:
        IntegrityError: the note is not signed by this key. Or its line ends were changed, a key signed it twice, or it has
            more signature lines than `MOST_SIGNATURES`.
    """
    if "\r" in note or note.startswith("\ufeff") or (note and not note.endswith("\n")):
        raise IntegrityError(
            "the note's line ends were changed (CRLF, byte order mark or no final line end). Fetch it again, as a file"
        )
    text, blank, signatures = note.rpartition(_BLANK)
    text += "\n"
    if not blank:
        raise IntegrityError("the text is not a signed note")
    signature = _signatures(signatures.removesuffix("\n").split("\n")).get((key.name, key.id))
    if signature is None:
        raise IntegrityError("the note is not signed by the pinned key")
    try:
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, text.encode("utf-8", "surrogatepass"))
    except InvalidSignature:
        raise IntegrityError("the note's signature is wrong") from None
    return text


def unverified_text(note: str) -> str:
    """The text of a note without any check, for messages and for the age of a note."""
    return f"{note.rpartition(_BLANK)[0]}\n"


def format_time(moment: datetime) -> str:
    """A time as notes write it."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """A time that matches `TIME`.

    Raises:
        ValueError: there is no such day or hour.
    """
    return datetime.fromisoformat(text.removesuffix("Z")).replace(tzinfo=UTC)


def encode_base64(blob: bytes) -> str:
    """Standard base64 with padding."""
    return base64.b64encode(blob).decode("ascii")


def decode_base64(text: str) -> bytes:
    """Decode canonical base64.

    Raises:
        IntegrityError: `text` is not canonical base64.
    """
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise IntegrityError("the text is not a signed note") from None
    if encode_base64(blob) != text:
        raise IntegrityError("the text is not a signed note")
    return blob


def _signatures(lines: Sequence[str]) -> dict[tuple[str, bytes], bytes]:
    """The signatures of a note by (key name, key id)."""
    if len(lines) > MOST_SIGNATURES:
        raise IntegrityError(f"the note has more than {MOST_SIGNATURES} signature lines")
    signatures: dict[tuple[str, bytes], bytes] = {}
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise IntegrityError("the text is not a signed note")
        blob = decode_base64(found["signature"])
        signer = found["name"], blob[:4]
        if signer in signatures:
            raise IntegrityError("the note has two signature lines by the same key")
        signatures[signer] = blob[4:]
    return signatures
