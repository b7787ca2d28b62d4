"""Announcements of lost leaves, signed by the ledger's key (FORMAT.md section 12).

After a failover or restore that lost leaves, the ledger continues with fewer leaves. The announcement names the former and
the remaining ledger, the time and the reason, and it is the next leaf. A client that knew the lost leaves continues only if
it accepts exactly this announcement.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import sha256
from typing import final

from masking.errors import IntegrityError
from masking.ledger import note as notes
from masking.ledger.checkpoint import Checkpoint
from masking.ledger.log import Leaf, letters
from masking.ledger.note import VerifierKey
from masking.words.ledger_kinds import LedgerKind

_STATE = r"(?P<{0}_size>0|[1-9][0-9]{{0,18}}) (?P<{0}_root>[A-Za-z0-9+/]{{43}}=)"
_TEXT = re.compile(
    rf"(?P<name>[^\s+]{{1,128}})\nsigned {_STATE.format('signed')}\nleft {_STATE.format('left')}\n"
    rf"reason (?P<reason>failover|restore)\ntime (?P<at>{notes.TIME})\n",
    re.ASCII,
)


class LossReason(StrEnum):
    """Why leaves were lost."""

    FAILOVER = "failover"
    RESTORE = "restore"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """Signed leaves were lost, and the ledger continues from the remaining ones.

    Attributes:
        signed_size: how many leaves were signed, under `signed_root`.
        left_size: how many of them are left, under `left_root`. The leaf of this announcement is the next one.
    """

    signed_size: int
    signed_root: bytes
    left_size: int
    left_root: bytes
    reason: LossReason
    at: datetime

    @property
    def detail(self) -> dict[str, str]:
        """The detail of its leaf. Sizes have an underscore every three digits, since a leaf allows no nine digits in a row."""
        return {
            "signed": f"{self.signed_size:_}",
            "signed-root": letters(self.signed_root),
            "left": f"{self.left_size:_}",
            "left-root": letters(self.left_root),
            "reason": self.reason.value,
        }

    def is_stated_by(self, leaf: Leaf) -> bool:
        """Whether a leaf of the ledger states this loss."""
        return (leaf.kind, leaf.at, dict(leaf.detail)) == (LedgerKind.ACCEPT, self.at, self.detail)


def key_name(origin: str) -> str:
    """The name under which a ledger's key signs announcements."""
    return f"{origin}/losses"


def sign(loss: Loss, origin: str, seed: bytes) -> str:
    """The signed note. `seed` is the 32-byte seed of the ledger's key."""
    return notes.sign(_text(loss, key_name(origin)), key_name(origin), seed)


def loss_id(note: str) -> str:
    """The name of an announcement, 32 hexadecimal digits: what an operator publishes and a client accepts."""
    return sha256(notes.unverified_text(note).encode()).hexdigest()[:32]


def read(note: str, key: VerifierKey) -> Loss:
    """Verify the signature of a note by the ledger's key, and return its announcement.

    Raises:
        IntegrityError: it is not an announcement that this ledger's key has signed.
    """
    name = key_name(key.name)
    found = _TEXT.fullmatch(notes.verify(note, VerifierKey(name, key.public)))
    if found is None or found["name"] != name:
        raise IntegrityError("the note is signed by the ledger's key but is not an announcement of lost leaves")
    try:
        return Loss(
            signed_size=int(found["signed_size"]),
            signed_root=notes.decode_base64(found["signed_root"]),
            left_size=int(found["left_size"]),
            left_root=notes.decode_base64(found["left_root"]),
            reason=LossReason(found["reason"]),
            at=notes.parse_time(found["at"]),
        )
    except ValueError:
        raise IntegrityError("the announcement's time is not a valid time") from None


def passed(known: Checkpoint, losses: Iterable[tuple[str, Loss]]) -> list[tuple[str, Loss]]:
    """The announcements (id, loss) that lead from a checkpoint's ledger to the present one, in order.

    Each loss was announced after the checkpoint was signed. It begins with a ledger that may contain the checkpoint's, and
    ends with one that does not. The caller verifies that the present ledger extends the last one. Empty if no announcement
    applies.
    """
    size, root, at = known.size, known.root, known.at
    through: list[tuple[str, Loss]] = []
    for name, loss in sorted(losses, key=lambda each: each[1].at):
        is_after = loss.at > at and loss.left_size < size <= loss.signed_size
        if is_after and (size < loss.signed_size or root == loss.signed_root):
            through.append((name, loss))
            size, root, at = loss.left_size, loss.left_root, loss.at
    return through


def _text(loss: Loss, name: str) -> str:
    at = notes.format_time(loss.at)
    signed, left = map(notes.encode_base64, (loss.signed_root, loss.left_root))
    return f"{name}\nsigned {loss.signed_size} {signed}\nleft {loss.left_size} {left}\nreason {loss.reason.value}\ntime {at}\n"
