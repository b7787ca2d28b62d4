"""The size and root that the sequencer signed last, kept with the keys, which have another owner than the data.

A writer of the data could cut the ledger back to an earlier checkpoint, or grow another one from there. The
sequencer compares the ledger with this memory before it signs, and signs nothing that does not extend it. The memory is
written after the commit of what was signed, so a crash in between leaves it behind, never ahead.
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
    """The size of a signed ledger, and its root."""

    size: int
    root: bytes


class AnnouncedLoss(NamedTuple):
    """The id and the body of the leaf that says what was lost, and the signed note."""

    leaf: bytes
    body: bytes
    note: str


def last(keys: KeyStore) -> SignedHead | None:
    """What was signed last; None before the first signature."""
    with reading(keys.engine) as tx:
        row = tx.execute(sa.select(signed_head.c.size, signed_head.c.root)).first()
    return SignedHead(*row) if row else None


def remember(keys: KeyStore, signed: SignedHead) -> None:
    """Remember what was signed; a longer ledger that another worker signed meanwhile stays."""
    longer = signed_head.update().where(signed_head.c.size < signed.size)
    with transaction(keys.engine) as tx:
        if not insert_new(tx, signed_head, [_LEDGER | signed._asdict()], "log"):
            tx.execute(longer.values(signed._asdict()))


def replace(keys: KeyStore, signed: SignedHead | None, announced: AnnouncedLoss | None = None) -> None:
    """Accept this ledger in place of the one signed before, and keep the announcement of what was lost."""
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
    """Refuse a ledger of this size, whose hashes `read` gives, that does not extend what was signed last.

    Raises:
        IntegrityError: it is smaller, or differs in the leaves that were signed.
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
