"""The ledger's part of `make_vectors.py`: leaves, subjects, roots, checkpoints, announced losses (FORMAT.md sections 8, 9 and 12)."""

from __future__ import annotations

import dataclasses
import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

from masking.ledger import loss
from masking.ledger.checkpoint import Checkpoint, sign
from masking.ledger.log import Leaf, encode, letters, subject
from masking.ledger.loss import Loss, LossReason
from masking.ledger.note import VerifierKey
from masking.ledger.tree import Tree
from masking.words.ledger_kinds import LedgerKind

INTEGRITY = {"error": "IntegrityError"}
AT = datetime(2026, 11, 24, 0, 30, 0, 123000, UTC)
RECORD = bytes.fromhex("0193586a2c00") + bytes(range(10))
Case = tuple[str, dict[str, Any], Any]


def seed(name: str, size: int = 32) -> bytes:
    """Bytes that are the same on every run."""
    return hashlib.shake_256(b"waybill-masking vectors: " + name.encode()).digest(size)


def leaf(**changes: Any) -> Leaf:
    """A grant."""
    detail = {"purpose": "deliver", "count": "1"}
    grant = Leaf(id=RECORD, at=AT, kind="grant", actor="courier-7", subject=seed("subject", 16), detail=detail)
    return dataclasses.replace(grant, **changes)


def ledger_leaf() -> Iterator[Case]:
    """Section 8."""
    good = {
        "a-grant": leaf(),
        "without-a-subject": leaf(subject=None, kind="no-label-code", detail={"count": "3"}),
        "without-details": leaf(detail={}, actor="A.b_c-9"),
        "with-the-duty-that-explains-it": leaf(detail={"purpose": "deliver", "duty": letters(seed("duty", 16))}),
    }
    for name, each in good.items():
        read = {"id": each.id.hex(), "at": int(each.at.timestamp() * 1000), "kind": each.kind, "actor": each.actor}
        about = each.subject.hex() if each.subject else None
        yield name, {"body": encode(each).hex()}, read | {"subject": about, "detail": dict(each.detail)}
    body = encode(leaf())
    names = body.index(b"\x05count\x011"), body.index(b"\x07purpose\x07deliver")
    first, second = body[names[0] : names[1]], body[names[1] :]
    bare = encode(leaf(detail={}))
    refused = {
        "a-later-version": b"\x02" + body[1:],
        "a-third-kind-of-about": body[:25] + b"\x02" + body[26:],
        "details-in-another-order": body[: names[0]] + second + first,
        "a-detail-twice": body[: names[0]] + first + first,
        "longer-by-one-byte": body + b"\x00",
        "cut-by-one-byte": body[:-1],
        "more-details-announced-than-there-are": body.replace(b"\x02\x05grant", b"\x03\x05grant"),
        "a-name-beyond-ascii": bare.replace(b"courier-7", "快递员".encode()),
        "a-phone-for-an-actor": bare.replace(b"\x09courier-7", b"\x0b13800000001"),
        "a-capital-in-the-kind": bare.replace(b"grant", b"Grant"),
        "a-time-after-the-year-9999": body[:17] + b"\xff" * 8 + body[25:],
        "nothing": b"",
    }
    for name, changed in refused.items():
        yield name, {"body": changed.hex()}, INTEGRITY


def ledger_subject() -> Iterator[Case]:
    """Section 8."""
    for name in ("a-waybill", "on-another-day"):
        salt = seed(name)
        yield name, {"salt": salt.hex(), "record": RECORD.hex()}, subject(salt, RECORD).hex()


def ledger_duty() -> Iterator[Case]:
    """Section 8."""
    for name in ("an-assignment", "of-another-day"):
        salt = seed(name)
        yield name, {"salt": salt.hex(), "record": RECORD.hex()}, letters(subject(salt, RECORD))


def ledger_root() -> Iterator[Case]:
    """Section 9."""
    for size in (0, 1, 2, 3, 4, 7, 8, 13):
        bodies = [seed(f"leaf {number}", 20) for number in range(size)]
        grown = Tree()
        grown.append(bodies)
        yield f"of-{size}-leaves", {"bodies": [body.hex() for body in bodies]}, grown.root().hex()


def checkpoint() -> Iterator[Case]:
    """Section 9."""
    origin, signing = "waybill-masking/carrier", seed("ledger's seed")
    signed = Checkpoint(origin=origin, size=20852163, root=seed("root"), at=AT)
    note, pin = sign(signed, signing), str(VerifierKey.of_seed(origin, signing))
    read = {"origin": origin, "size": signed.size, "root": signed.root.hex(), "at": "2026-11-24T00:30:00.123Z"}
    yield "a-checkpoint", {"note": note, "pin": pin}, read
    witnessed = note + "\u2014 witness.example AAAAAHdpdG5lc3M=\n"
    yield "with-a-witness-and-the-ledger", {"note": witnessed, "pin": pin}, read
    refused = {
        "another-size": note.replace("20852163", "20852164"),
        "another-time": note.replace("00:30:00.123", "00:30:00.124"),
        "without-its-signature": note[: note.index("\u2014")],
        "by-a-witness-alone": note[: note.index("\u2014")] + witnessed[len(note) :],
        "of-another-ledger": sign(Checkpoint(origin="waybill-masking/b", size=1, root=seed("root"), at=AT), signing),
        "without-a-last-line-feed": note[:-1],
        "nothing": "",
    }
    for name, changed in refused.items():
        yield name, {"note": changed, "pin": pin}, INTEGRITY
    yield "under-another-key", {"note": note, "pin": str(VerifierKey.of_seed(origin, seed("another")))}, INTEGRITY
    yield "under-a-pin-with-another-id", {"note": note, "pin": pin.replace("+", "+0", 1)}, INTEGRITY


def announced_loss() -> Iterator[Case]:
    """Section 12."""
    origin, signing = "waybill-masking/carrier", seed("ledger's seed")
    lost = Loss(
        signed_size=20852163,
        signed_root=seed("root"),
        left_size=20851100,
        left_root=seed("left"),
        reason=LossReason.FAILOVER,
        at=AT,
    )
    note, pin = loss.sign(lost, origin, signing), str(VerifierKey.of_seed(origin, signing))
    told = encode(leaf(kind=LedgerKind.ACCEPT, actor="operator", subject=None, detail=lost.detail))
    signed = {"size": lost.signed_size, "root": lost.signed_root.hex()}
    left = {"size": lost.left_size, "root": lost.left_root.hex()}
    read = {"signed": signed, "left": left, "reason": "failover", "at": "2026-11-24T00:30:00.123Z"}
    good = {"note": note, "leaf": told.hex(), "pin": pin}
    yield "a-failover", good, read | {"id": loss.loss_id(note)}
    other = encode(leaf(kind=LedgerKind.ACCEPT, subject=None, detail=lost.detail | {"reason": "restore"}))
    point = sign(Checkpoint(origin=f"{origin}/losses", size=1, root=seed("root"), at=AT), signing)
    refused = {
        "another-size-left": {"note": note.replace("20851100", "20851101")},
        "another-reason": {"note": note.replace("failover", "restore")},
        "without-its-signature": {"note": note[: note.index("\u2014")]},
        "of-another-ledger": {"note": loss.sign(lost, "waybill-masking/b", signing)},
        "signed-by-another": {"pin": str(VerifierKey.of_seed(origin, seed("another")))},
        "a-checkpoint-under-its-name": {"note": point},
        "a-leaf-that-says-otherwise": {"leaf": other.hex()},
        "a-leaf-of-another-kind": {"leaf": encode(leaf(subject=None, detail=lost.detail)).hex()},
    }
    for name, changed in refused.items():
        yield name, good | changed, INTEGRITY


FORMATS: dict[str, Callable[[], Iterator[Case]]] = {
    "ledger-leaf": ledger_leaf,
    "ledger-subject": ledger_subject,
    "ledger-duty": ledger_duty,
    "ledger-root": ledger_root,
    "checkpoint": checkpoint,
    "announced-loss": announced_loss,
}
