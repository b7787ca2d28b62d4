"""Rows that say which root wraps the keys of a key store, and which workers can open the next root.

Each new key and each rotation locks the row `current`, so that every key is wrapped by the current root. A rotation first
announces its root in the row `next`. It continues when each live worker of a service on PostgreSQL has confirmed that it can
open that root. With SQLite, all processes share one folder, and no confirmation is needed.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from masking.crypto.keys import KeySource
from masking.database.engine import insert_new, reading, server_time, transaction
from masking.database.key_schema import root, worker
from masking.errors import IntegrityError
from masking.runtime import World, milliseconds

CONFIRM_EVERY = 5.0
"""Seconds between a worker's confirmations."""

ALIVE = timedelta(seconds=30)
"""A worker that has not confirmed for longer counts as dead."""

RootStatus = Literal["current", "next"]


class Root(NamedTuple):
    """The id of a root, and a proof of it: the id wrapped by that root."""

    id: bytes
    proof: bytes

    def is_opened_by(self, source: KeySource) -> bool:
        """Whether a key source holds this root."""
        try:
            return source.unwrap(_name(self.id), self.proof) == self.id
        except IntegrityError:
            return False


def named(source: KeySource, world: World) -> Root:
    """Make an id for the root of a key source."""
    id_ = world.entropy(16)
    return Root(id_, source.wrap(_name(id_), id_, world.entropy))


def _name(id_: bytes) -> str:
    return f"root/{id_.hex()}"


def read(
    tx: Connection, status: RootStatus = "current", *, lock: Literal["share", "update"] | None = None
) -> Root | None:
    """The recorded root, or None. With `lock`, the row is locked until the transaction ends."""
    query = sa.select(root.c.id, root.c.proof).where(root.c.status == status)
    if lock:
        query = query.with_for_update(read=lock == "share")
    row = tx.execute(query).first()
    return Root(*row) if row else None


def record_first(tx: Connection, first: Root) -> None:
    """Record the root of a new key store, unless another process was faster."""
    insert_new(tx, root, [{"status": "current"} | first._asdict()])


def record(tx: Connection, new: Root) -> None:
    """Record the root that wraps every key from now on, and end its announcement."""
    tx.execute(root.delete().where(root.c.status == "next"))
    # an update, since a transaction that waits for the lock of a deleted row would find no row
    tx.execute(root.update().where(root.c.status == "current").values(new._asdict()))


def announce(keys: Engine, source: KeySource, world: World) -> None:
    """Announce the root of a rotation to the workers. A root that is announced again keeps its id."""
    with transaction(keys) as tx:
        known = read(tx, "next", lock="update")
        if known is None or not known.is_opened_by(source):
            tx.execute(root.delete().where(root.c.status == "next"))
            tx.execute(root.insert().values({"status": "next"} | named(source, world)._asdict()))


def withdraw(keys: Engine) -> None:
    """Take back the announcement of a rotation."""
    with transaction(keys) as tx:
        tx.execute(root.delete().where(root.c.status == "next"))


def confirm(keys: Engine, name: str, roots: Iterable[KeySource]) -> None:
    """Record that this worker is alive, and whether it can open the announced root."""
    with reading(keys) as tx:  # a read-only transaction, so that SQLite's write lock is not taken for nothing
        now = server_time(tx)
    if now is None:
        return
    with transaction(keys) as tx:
        announced = read(tx, "next")
        held = announced.id if announced and any(map(announced.is_opened_by, roots)) else None
        values = {"seen": milliseconds(now), "root": held}
        if not insert_new(tx, worker, [{"name": name} | values]):
            tx.execute(worker.update().where(worker.c.name == name).values(values))
        tx.execute(worker.delete().where(worker.c.seen < milliseconds(now - 10 * ALIVE)))


def record_end(keys: Engine, name: str) -> None:
    """Record that this worker has ended."""
    with transaction(keys) as tx:
        tx.execute(worker.delete().where(worker.c.name == name))


def unconfirmed(keys: Engine) -> list[str]:
    """The live workers that have not confirmed that they can open the announced root."""
    with reading(keys) as tx:
        now, announced = server_time(tx), read(tx, "next")
        rows = tx.execute(sa.select(worker).order_by(worker.c.name)).all()
    if now is None:
        return []
    since = milliseconds(now - ALIVE)
    return [row.name for row in rows if row.seen >= since and not (announced and row.root == announced.id)]
