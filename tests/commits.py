"""Commits that are counted, refused, or whose outcome gets lost: what a database can do to whoever waits for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import event
from sqlalchemy.exc import OperationalError

from masking.store.store import Store


@contextmanager
def on_commit(store: Store, act) -> Iterator[None]:
    """Let `act(connection)` happen just before each commit of the data."""
    event.listen(store.data, "commit", act)
    try:
        yield
    finally:
        event.remove(store.data, "commit", act)


def refused(_connection) -> None:
    """The database does not take the transaction."""
    raise OperationalError("COMMIT", {}, Exception("server closed the connection"))


def lost(connection) -> None:
    """The database takes it, but the answer never arrives."""
    connection.connection.commit()
    raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
