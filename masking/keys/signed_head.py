"""The size and root that the sequencer signed last. They are in the key store, which has another owner than the data.

A writer of the data could cut the ledger back to an earlier checkpoint, or let it grow differently from there. Before the
sequencer signs, it checks that the ledger extends the head that is recorded here. The head is recorded after the commit of the
signed leaves, so that after a crash it can be too old, but never too new.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from masking.database.engine import insert_new, reading, transaction
from masking.database.key_schema import announced_loss, signed_head
from masking.errors import IntegrityError
from masking.keys.keystore import KeyStore
from masking.ledger.tree import Tree

_LEDGER = {"log": "ledger"}


class SignedHead(NamedTuple):
    """The size and root of a signed ledger."""

    size: int
    root: bytes


class AnnouncedLoss(NamedTuple):
    """The id and the body of the leaf that says what was lost, and the signed note."""

    leaf: bytes
    body: bytes
    note: str


def last(keys: KeyStore) -> SignedHead | None:
    """The head that was signed last, None before the first signature."""
    with reading(keys.engine) as tx:
        row = tx.execute(sa.select(signed_head.c.size, signed_head.c.root)).first()
    return SignedHead(*row) if row else None


def remember(keys: KeyStore, signed: SignedHead) -> None:
    """Record a signed head, unless another worker has recorded a longer one."""
    longer = signed_head.update().where(signed_head.c.size < signed.size)
    with transaction(keys.engine) as tx:
        if not insert_new(tx, signed_head, [_LEDGER | signed._asdict()], "log"):
            tx.execute(longer.values(signed._asdict()))


def replace(keys: KeyStore, signed: SignedHead | None, announced: AnnouncedLoss | None = None) -> None:
    """Replace the recorded head by that of a shorter ledger, and store the announcement of the loss."""
    with transaction(keys.engine) as tx:
        tx.execute(signed_head.delete())
        if signed:
            tx.execute(signed_head.insert().values(_LEDGER | signed._asdict()))
        if announced:
            tx.execute(announced_loss.insert().values(announced._asdict()))


def announced_losses(keys: KeyStore) -> list[AnnouncedLoss]:
    """Every announcement of lost leaves, oldest first."""
    column = announced_loss.c
    query = sa.select(column.leaf, column.body, column.note).order_by(column.leaf)
    with reading(keys.engine) as tx:
        return [AnnouncedLoss(*row) for row in tx.execute(query)]


def check_extends(head: SignedHead | None, size: int, read: Callable[[list[int]], Mapping[int, bytes]]) -> None:
    """Check that a ledger of this size extends the head that was signed last. `read` returns its stored hashes.

    Raises:
        IntegrityError: the ledger is shorter, or differs in signed leaves.
    """
    if head is None:
        return
    if size < head.size:
        raise IntegrityError(
            f"the ledger has {size} leaves, and {head.size} were signed: it was cut back. Nothing more is signed. After a "
            'restore of the data that lost them, run "waybill ledger accept"'
        )
    if Tree.load(head.size, read).root() != head.root:
        raise IntegrityError(
            "the ledger differs in leaves that were signed. Nothing more is signed; keep it as evidence"
        )
