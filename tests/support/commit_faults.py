"""Commits that are counted or refused, or whose answer gets lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, event
from sqlalchemy.exc import OperationalError

from masking.store.store import Store


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
