"""What a store's ledger and alarms hold after a test."""

from __future__ import annotations

import sqlalchemy as sa

from masking.database import schema
from masking.ledger.log import Leaf, decode
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


def alarms_of(store: Store, *, without: str = "") -> list[tuple[str, str]]:
    """Kind and actor of each raised alarm, oldest first; `without` leaves out a kind."""
    with store.reading() as tx:
        return [(kind, actor) for _, kind, actor in budgets.alarms(tx) if kind != without]
