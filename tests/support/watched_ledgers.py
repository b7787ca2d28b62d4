"""Ledgers without a store, whose checkpoints and proofs a client watches."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta

from masking.errors import InputError
from masking.ledger import tree
from masking.ledger.checkpoint import Checkpoint, sign
from masking.ledger.note import VerifierKey

SEED, OTHER = bytes(32), bytes(31) + b"\1"
ORIGIN = "waybill-masking/carrier"
KEY = VerifierKey.of_seed(ORIGIN, SEED)


class Ledger:
    """A tree whose checkpoints and proofs can be had at every size."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.hashes: list[bytes] = []
        self.roots = [tree.Tree().root()]
        grown = tree.Tree()
        for leaf in leaves:
            self.hashes += grown.append([leaf])
            self.roots.append(grown.root())

    def header(self, size: int, *, seed: bytes = SEED, minute: int = 0) -> str:
        at = datetime(2026, 11, 24, tzinfo=UTC) + timedelta(minutes=minute)
        signed = sign(Checkpoint(origin=ORIGIN, size=size, root=self.roots[size], at=at), seed)
        return base64.b64encode(signed.encode()).decode()

    def proof(self, earlier: int, later: int) -> list[bytes]:
        if later >= len(self.roots):
            raise InputError("to", "larger-than-the-ledger")
        return tree.proof(tree.consistency(earlier, later), lambda places: {at: self.hashes[at] for at in places})


def ledger(size: int, fork_at: int | None = None) -> Ledger:
    """A ledger of so many leaves; the leaf at `fork_at` differs from that of other ledgers."""
    return Ledger([b"forked" if n == fork_at else n.to_bytes(4, "big") for n in range(size)])
