"""What a store holds after a test: leaves, alarms, rows."""

from __future__ import annotations

from collections import Counter
from typing import Any

import sqlalchemy as sa

from masking.database import schema
from masking.journal import journal
from masking.ledger.log import Leaf, decode
from masking.runtime import World
from masking.store.rows import budgets
from masking.store.store import Store


def leaves_of(store: Store, *kinds: str) -> list[Leaf]:
    """The leaves in order of their ids; of these kinds only, if any are given."""
    with store.reading() as tx:
        found = [
            decode(body) for body in tx.execute(sa.select(schema.leaf.c.body).order_by(schema.leaf.c.id)).scalars()
        ]
    return [leaf for leaf in found if not kinds or leaf.kind in kinds]


def count_leaves(store: Store) -> int:
    """The number of leaves, sequenced or not."""
    with store.reading() as tx:
        return int(tx.execute(sa.select(sa.func.count()).select_from(schema.leaf)).scalar_one())


def leaf_kinds(world: World, store: Store, record: bytes) -> Counter[str]:
    """How many leaves of each kind a parcel has; all of them have to be readable."""
    kinds: Counter[str] = Counter()
    for leaf in journal.who_saw(world, store, record):
        assert isinstance(leaf, Leaf)
        kinds[leaf.kind] += 1
    return kinds


def alarms_of(store: Store, *, without: str = "") -> list[tuple[str, str]]:
    """Kind and actor of each raised alarm, oldest first; `without` leaves out a kind."""
    with store.reading() as tx:
        return [(kind, actor) for _, kind, actor in budgets.alarms(tx) if kind != without]


def read_rows(store: Store, query: sa.Select[Any]) -> list[tuple[Any, ...]]:
    """The rows that a query finds."""
    with store.reading() as tx:
        return [tuple(row) for row in tx.execute(query)]
