"""Signed checkpoints in the form of C2SP tlog-checkpoint: the ledger's size, root and time (FORMAT.md section 9).

The holder of a checkpoint can later check that the ledger still begins with those leaves. `follows` detects a fork or a
shrunk ledger.
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
from masking.ledger.tree import EMPTY_ROOT, verify_consistency

_ED25519 = b"\x01"
_BLANK = "\n\n"
_TEXT = re.compile(
    r"(?P<origin>[^\s+]{1,128})\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    r"time (?P<at>[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{3})Z\n",
    re.ASCII,
)
MOST_SIGNATURES = 64
"""The most signature lines that a note may have. The service writes one, and each witness adds one."""
_NAME = re.compile(r"[!-*,-~]{1,128}")
_SIGNATURE = re.compile(r"\u2014 (?P<name>[^\s+]+) (?P<signature>[A-Za-z0-9+/]+={0,2})", re.ASCII)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed statement: the ledger `origin` had `size` leaves under this 32-byte root at that time."""

    origin: str
    size: int
    root: bytes
    at: datetime


@final
@dataclass(frozen=True, slots=True)
class LogKey:
    """The name and the 32-byte Ed25519 public key that verify a ledger's checkpoints."""

    name: str
    public: bytes

    @classmethod
    def of_seed(cls, name: str, seed: bytes) -> LogKey:
        """The public key of a 32-byte signing seed."""
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed).public_key().public_bytes_raw())

    @property
    def id(self) -> bytes:
        """The 4-byte key id of a signed note. It tells a reader which key to verify with."""
        return sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        """The key as `name+id+key`, the form that other implementations read and that a client pins."""
        return f"{self.name}+{self.id.hex()}+{_base64(_ED25519 + self.public)}"

    @classmethod
    def parse(cls, text: str) -> LogKey:
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


def sign(checkpoint: Checkpoint, seed: bytes) -> str:
    """The signed note."""
    key = LogKey.of_seed(checkpoint.origin, seed)
    stamp = checkpoint.at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{_base64(checkpoint.root)}\ntime {stamp}\n"
    signature = Ed25519PrivateKey.from_private_bytes(seed).sign(text.encode())
    return f"{text}\n\u2014 {key.name} {_base64(key.id + signature)}\n"


def read(note: str, key: LogKey) -> Checkpoint:
    """Verify the signature of a note and return its checkpoint. Signatures by other keys are ignored.

    Raises:
        IntegrityError: the note is not signed by this key or is not a checkpoint of this ledger. Or its line ends were
            changed, a key signed it twice, or it has more signature lines than `MOST_SIGNATURES`.
    """
    if "\r" in note or note.startswith("\ufeff") or (note and not note.endswith("\n")):
        raise IntegrityError(
            "the note's line ends were changed (CRLF, byte order mark or no final line end). Fetch it again, as a file"
        )
    text, blank, signatures = note.rpartition(_BLANK)
    text += "\n"
    if not blank:
        raise IntegrityError("the checkpoint is not a signed note")
    signature = _signatures(signatures.removesuffix("\n").split("\n")).get((key.name, key.id))
    if signature is None:
        raise IntegrityError("the checkpoint is not signed by this ledger")
    try:
        signed = text.encode("utf-8", "surrogatepass")
        Ed25519PublicKey.from_public_bytes(key.public).verify(signature, signed)
    except InvalidSignature:
        raise IntegrityError("the checkpoint's signature is wrong") from None
    parsed = _TEXT.fullmatch(text)
    if parsed is None or parsed["origin"] != key.name:
        raise IntegrityError("the note is signed by this ledger's key but is not a checkpoint of this ledger")
    try:
        at = datetime.fromisoformat(parsed["at"]).replace(tzinfo=UTC)
    except ValueError:
        raise IntegrityError("the checkpoint's time is not a valid time") from None
    return Checkpoint(origin=key.name, size=int(parsed["size"]), root=_bytes(parsed["root"]), at=at)


def stated_time(note: str) -> datetime | None:
    """The time in a note, without verifying its signature. None if the note holds no valid time."""
    parsed = _TEXT.fullmatch(f"{note.rpartition(_BLANK)[0]}\n")
    try:
        return datetime.fromisoformat(parsed["at"]).replace(tzinfo=UTC) if parsed else None
    except ValueError:
        return None


def _signatures(lines: Sequence[str]) -> dict[tuple[str, bytes], bytes]:
    """The signatures of a note by (key name, key id)."""
    if len(lines) > MOST_SIGNATURES:
        raise IntegrityError(f"the note has more than {MOST_SIGNATURES} signature lines")
    signatures: dict[tuple[str, bytes], bytes] = {}
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        if found is None:
            raise IntegrityError("the checkpoint is not a signed note")
        blob = _bytes(found["signature"])
        signer = found["name"], blob[:4]
        if signer in signatures:
            raise IntegrityError("the note has two signature lines by the same key")
        signatures[signer] = blob[4:]
    return signatures


def follows(earlier: Checkpoint, later: Checkpoint, path: Sequence[bytes]) -> str | None:
    """Check that the later checkpoint continues the earlier one. Returns None, or one word for what is wrong.

    The words: `another-ledger`, `shrunk` (fewer leaves than were signed), `forked` (same size, different root) and
    `unproven` (`path` does not prove it). After any of them, stop and show both notes to others.
    """
    if earlier.origin != later.origin:
        return "another-ledger"
    if later.size < earlier.size:
        return "shrunk"
    if not earlier.size:  # every ledger continues an empty one
        return None if earlier.root == EMPTY_ROOT and not path else "unproven"
    if later.size == earlier.size:
        return None if later.root == earlier.root else "forked"
    return None if verify_consistency(earlier.size, later.size, earlier.root, later.root, path) else "unproven"


def _base64(blob: bytes) -> str:
    return base64.b64encode(blob).decode("ascii")


def _bytes(text: str) -> bytes:
    """Decode canonical base64.

    Raises:
        IntegrityError: `text` is not canonical base64.
    """
    try:
        blob = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise IntegrityError("the checkpoint is not a signed note") from None
    if _base64(blob) != text:
        raise IntegrityError("the checkpoint is not a signed note")
    return blob
