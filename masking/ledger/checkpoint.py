"""Signed checkpoints in the form of C2SP tlog-checkpoint: the ledger's size, root and time (FORMAT.md section 9).

The holder of a checkpoint can later check that the ledger still begins with those leaves. `follows` detects a fork or a
shrunk ledger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.errors import IntegrityError
from masking.ledger import note as notes
from masking.ledger.note import VerifierKey
from masking.ledger.tree import EMPTY_ROOT, verify_consistency

_TEXT = re.compile(
    r"(?P<origin>[^\s+]{1,128})\n(?P<size>0|[1-9][0-9]{0,18})\n(?P<root>[A-Za-z0-9+/]{43}=)\n"
    rf"time (?P<at>{notes.TIME})\n",
    re.ASCII,
)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Checkpoint:
    """A signed statement: the ledger `origin` had `size` leaves under this 32-byte root at that time."""

    origin: str
    size: int
    root: bytes
    at: datetime


def sign(checkpoint: Checkpoint, seed: bytes) -> str:
    """The signed note."""
    root, at = notes.encode_base64(checkpoint.root), notes.format_time(checkpoint.at)
    text = f"{checkpoint.origin}\n{checkpoint.size}\n{root}\ntime {at}\n"
    return notes.sign(text, checkpoint.origin, seed)


def read(note: str, key: VerifierKey) -> Checkpoint:
    """Verify the signature of a note and return its checkpoint.

    Raises:
        IntegrityError: see `masking.ledger.note.verify`; or the note is not a checkpoint of this ledger.
    """
    parsed = _TEXT.fullmatch(notes.verify(note, key))
    if parsed is None or parsed["origin"] != key.name:
        raise IntegrityError("the note is signed by this ledger's key but is not a checkpoint of this ledger")
    try:
        at = notes.parse_time(parsed["at"])
    except ValueError:
        raise IntegrityError("the checkpoint's time is not a valid time") from None
    return Checkpoint(origin=key.name, size=int(parsed["size"]), root=notes.decode_base64(parsed["root"]), at=at)


def stated_time(note: str) -> datetime | None:
    """The time in a note, without verifying its signature. None if the note holds no valid time."""
    parsed = _TEXT.fullmatch(notes.unverified_text(note))
    try:
        return notes.parse_time(parsed["at"]) if parsed else None
    except ValueError:
        return None


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
