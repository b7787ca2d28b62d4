"""Hashes of leaves that grant access to a person or device, in the key store until the signed ledger holds each.

Someone who can write the data can delete a leaf before it is sequenced, and the ledger alone would not show it. Devices and
secrets become valid only with such a leaf. So its hash is stored here, which that person can't write. It is stored before the
transaction on the data commits, and deleted if that transaction is rolled back before its commit began.
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
    """A leaf that the ledger must contain: its id, the hash of its bytes, and the person that it grants access to."""

    id: bytes
    hash: bytes
    person: str


def expect(keys: KeyStore, tx: Connection, leaves: Sequence[AccessLeaf]) -> None:
    """Store these hashes, unless this transaction on the data is rolled back before its commit begins.

    If the outcome of the commit is unknown, they stay: the owner of that database could forge the answer.
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
    """The expected leaves with a lower id than this one that were not found in the signed ledger yet."""
    columns = (access_leaf.c[name] for name in AccessLeaf._fields)
    query = sa.select(*columns).where(access_leaf.c.id < before).order_by(access_leaf.c.id)
    with reading(keys.engine) as tx:
        return [AccessLeaf(*row) for row in tx.execute(query)]


def forget(keys: KeyStore, ids: Collection[bytes]) -> None:
    """Stop expecting these leaves."""
    if ids:
        with transaction(keys.engine) as tx:
            tx.execute(access_leaf.delete().where(access_leaf.c.id.in_(ids)))
