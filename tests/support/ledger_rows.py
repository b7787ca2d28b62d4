"""Rows of the ledger's tables, written and edited behind its back."""

from __future__ import annotations

import sqlalchemy as sa

from masking.database import schema
from masking.journal import journal
from masking.ledger.log import Leaf
from masking.runtime import World, milliseconds
from masking.store.store import Store
from masking.words.ledger_kinds import LedgerKind
from tests.support.fake_world import FakeWorld

LEAF, NODE, POINT = schema.leaf, schema.node, schema.checkpoint
RECORD = milliseconds(FakeWorld().time).to_bytes(6, "big") + b"a record.."


def write(world: World, store: Store, count: int, kind: LedgerKind = LedgerKind.GRANT) -> list[Leaf]:
    """Append so many leaves about `RECORD`, not yet sequenced."""
    now = world.now()
    leaves = [store.leaf(world, now, kind, "courier-7", RECORD, count=str(n)) for n in range(count)]
    with store.transaction() as tx:
        journal.append(tx, leaves)
    return leaves


def edit(store: Store, *statements: sa.Executable) -> None:
    """Run these statements on the data, as a person with access to the database can."""
    with store.transaction() as tx:
        for statement in statements:
            tx.execute(statement)


def body(store: Store, position: int) -> bytes:
    """The body of the leaf at a position."""
    with store.transaction() as tx:
        return bytes(tx.execute(sa.select(LEAF.c.body).where(LEAF.c.position == position)).scalar_one())


def read_note(store: Store, number: int) -> str:
    """The signed note of a checkpoint."""
    with store.transaction() as tx:
        return str(tx.execute(sa.select(POINT.c.note).where(POINT.c.number == number)).scalar_one())
