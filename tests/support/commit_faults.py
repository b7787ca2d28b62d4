"""Commits that are counted or refused, or whose answer gets lost, and a checkout that fails."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event, text
from sqlalchemy.exc import OperationalError

from masking.database.engine import transaction
from masking.runtime import World
from masking.store.store import Store
from masking.values.plaintext import Order
from tests.support.parcels import check_out


@contextmanager
def on_commit(store: Store, act: Callable[[Connection], None]) -> Iterator[None]:
    """Let `act(connection)` happen just before each commit of the data."""
    event.listen(store.data, "commit", act)
    try:
        yield
    finally:
        event.remove(store.data, "commit", act)


def refuse_commit(_connection: Connection) -> None:
    """The database does not take the transaction."""
    raise OperationalError("COMMIT", {}, Exception("server closed the connection"))


def lose_answer(connection: Connection) -> None:
    """The database takes it, but the answer never arrives."""
    connection.connection.commit()
    raise OperationalError("COMMIT", {}, Exception("server closed the connection"))


def fail_checkout(world: World, store: Store, order: Order) -> None:
    """Check out while the leaf table is missing, so that the commit fails on every database."""
    with transaction(store.data) as tx:
        tx.execute(text("ALTER TABLE leaf RENAME TO leaf_away"))
    try:
        check_out(world, store, order)
    finally:
        with transaction(store.data) as tx:
            tx.execute(text("ALTER TABLE leaf_away RENAME TO leaf"))
