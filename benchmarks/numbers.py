"""Leasing virtual numbers on a real PostgreSQL, server included (wall clock; nothing is synced to the disk on either side).

`lease_over_bare_insert`: leasing 1,000 slots of a pool of a million over inserting 1,000 rows of the same columns into a
table with nothing but its primary key. `lease_cost_growth`: leasing 1,000 slots of a million over 1,000 of ten thousand;
LONG=1: of ten million. Each transaction is rolled back, so that every round finds the same pool; what it wrote stays
behind as dead rows, as in production, and is left to the server's own vacuum.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from benchmarks.measure import Side, ratio
from masking.database.connections import open_engine
from masking.database.migrating import migrate
from masking.database.schema import DATA_HEAD, slot
from masking.numbers.pool import DEMO
from masking.runtime import World, milliseconds
from masking.store.rows import slots
from tests.support import postgresql

BATCH = 1000
WORLD = World(now=lambda: datetime.now(UTC))
BARE = sa.Table(
    "bare",
    sa.MetaData(),
    *(sa.Column(c, kind, primary_key=c in {"main", "extension"}) for c, kind in [
        ("main", sa.String(20)), ("extension", sa.String(8)), ("stage", sa.String(16)), ("random_key", sa.BigInteger),
        ("waybill", sa.LargeBinary(16)), ("until", sa.BigInteger),
    ]),
)  # fmt: skip


def pool(engine: Engine, size: int) -> None:
    """Fill a new data database with that many free slots, in the statement that a server fills fastest."""
    migrate(engine, "data", DATA_HEAD)
    with engine.begin() as connection:
        for main in range(-(-size // 1_000_000)):
            slots.add(connection, DEMO._replace(main=f"1700000{main:04}", digits=6), [], WORLD)
        connection.execute(sa.text("SET LOCAL session_replication_role = replica"))  # no look at `line` for each
        connection.execute(sa.text("SET LOCAL maintenance_work_mem = '512MB'"))
        for index in slot.indexes:
            index.drop(connection)
        connection.execute(
            sa.text(
                "INSERT INTO slot (main, extension, stage, random_key) SELECT '1700000' || lpad((n / 1000000)::text, 4, '0'),"
                " lpad((n % 1000000)::text, 6, '0'), 'free', (random() * 1099511627775)::bigint"
                " FROM generate_series(0, :last) n"
            ),
            {"last": size - 1},
        )
        for index in slot.indexes:
            index.create(connection)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(sa.text("VACUUM ANALYZE slot"))


def undone(engine: Engine, act: Callable[[Connection], object]) -> Side:
    """The act in a transaction of its own, rolled back."""

    def side() -> None:
        with engine.connect() as connection, connection.begin() as transaction:
            act(connection)
            transaction.rollback()

    return side


def lease(connection: Connection) -> None:
    now = WORLD.now()
    wanted = [WORLD.record_id(now) for _ in range(BATCH)]
    if len(slots.lease(connection, dict.fromkeys(wanted, "3101"), now, WORLD)) != BATCH:
        raise SystemExit("the pool did not give what it has")


def bare_insert(connection: Connection) -> None:
    now = WORLD.now()
    rows = [
        {
            "main": DEMO.main,
            "extension": f"{n:06}",
            "stage": "leased",
            "random_key": int.from_bytes(os.urandom(7), "big"),
            "waybill": WORLD.record_id(now),
            "until": milliseconds(now),
        }
        for n in range(BATCH)
    ]
    connection.execute(BARE.insert(), rows)


def main() -> None:
    with postgresql.server() as socket:
        sizes = {"small": 10_000, "large": 10_000_000 if os.environ.get("LONG") else 1_000_000}
        engines = {name: open_engine(postgresql.create(socket, name)) for name in sizes}
        for name, size in sizes.items():
            pool(engines[name], size)
        BARE.metadata.create_all(engines["large"])
        large, small = (undone(engines[name], lease) for name in ("large", "small"))
        ratio("lease_over_bare_insert", large, undone(engines["large"], bare_insert), clock=time.perf_counter)
        ratio("lease_cost_growth", large, small, clock=time.perf_counter)
        for engine in engines.values():
            engine.dispose()


if __name__ == "__main__":
    main()
