"""Hashes of leaves that let a person or device in, kept with the keys until the signed ledger holds each.

A writer of the data can delete a leaf in the second before it has its place, and nothing of the ledger shows that. Devices and
secrets come into force with such a leaf alone, so its hash waits here, out of that writer's reach. It is written before the
transaction on the data commits, and taken back where that is undone before its commit began.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database.engine import reading, transaction
from masking.database.key_schema import access_leaf
from masking.errors import MaskingError
from masking.keys.keystore import KeyStore


class AccessLeaf(NamedTuple):
    """A leaf that has to appear on the ledger: its id, the hash of its bytes, and whom it lets in."""

    id: bytes
    hash: bytes
    person: str


def expect(keys: KeyStore, tx: Connection, leaves: Sequence[AccessLeaf]) -> None:
    """Keep these hashes, unless this transaction on the data is undone before its commit begins.

    Where the outcome of the commit is not known they stay: whoever owns that database also decides what we hear of it.
    """
    with transaction(keys.engine) as own:
        own.execute(access_leaf.insert(), [each._asdict() for each in leaves])
    committing = False

    def begin_commit(_: Connection) -> None:
        nonlocal committing
        committing = True

    def take_back(_: Connection) -> None:
        if not committing:
            with suppress(MaskingError):
                forget(keys, [each.id for each in leaves])

    sa.event.listen(tx, "commit", begin_commit)
    sa.event.listen(tx, "rollback", take_back)


def expected(keys: KeyStore, before: bytes) -> list[AccessLeaf]:
    """The leaves with a lower id than this one that the signed ledger was not yet seen to hold."""
    columns = (access_leaf.c[name] for name in AccessLeaf._fields)
    query = sa.select(*columns).where(access_leaf.c.id < before).order_by(access_leaf.c.id)
    with reading(keys.engine) as tx:
        return [AccessLeaf(*row) for row in tx.execute(query)]


def forget(keys: KeyStore, ids: Collection[bytes]) -> None:
    """Expect these leaves no longer."""
    if ids:
        with transaction(keys.engine) as tx:
            tx.execute(access_leaf.delete().where(access_leaf.c.id.in_(ids)))
