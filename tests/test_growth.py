"""What requests that change nothing leave on the disk: no more after an hour than after two minutes."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
import sqlalchemy as sa

from api.service.container import sweep
from masking.access.proof import Proof
from masking.database import schema
from masking.database.connections import LOG_KEPT
from masking.store.rows import credentials

FILE = pytest.mark.parametrize("urls", ["file"], indirect=True)
A_MINUTE = 3000


def use_proofs(store, world):
    """A minute of signed requests: each leaves the id of its proof, which is valid for a minute."""
    until = int((world.now() + timedelta(minutes=1)).timestamp())
    for _ in range(A_MINUTE // 100):
        with store.transaction() as tx:
            used = [Proof(key=bytes(32), use=world.entropy(32), until=until, body=None) for _ in range(100)]
            assert len(credentials.use(tx, used)) == 100


def pages(store):
    with store.data.connect() as tx:
        return tx.exec_driver_sql("PRAGMA page_count").scalar_one()


@FILE
def test_used_proofs_fill_no_more_than_two_minutes_of_requests(store, world, fake_world):
    sizes, kept = [], []
    for _ in range(8):
        use_proofs(store, world)
        fake_world.advance(seconds=61)
        sweep(world, store)
        sizes.append(pages(store))
        with store.transaction() as tx:
            kept.append(tx.execute(sa.select(sa.func.count()).select_from(schema.proof)).scalar_one())
    assert max(kept) == 0
    assert sizes[-1] - sizes[0] <= 2


@FILE
def test_write_ahead_log_that_a_long_reader_held_is_cut_again(store, tmp_path, world):
    log = tmp_path / "data.sqlite-wal"
    reader = sqlite3.connect(tmp_path / "data.sqlite", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT count(*) FROM waybill").fetchall()
    with store.transaction() as tx:
        tx.exec_driver_sql("CREATE TABLE filler (made BLOB)")
        tx.exec_driver_sql("INSERT INTO filler VALUES (zeroblob(?))", (2 * LOG_KEPT,))
        tx.exec_driver_sql("DROP TABLE filler")
    use_proofs(store, world)
    assert log.stat().st_size > LOG_KEPT
    reader.close()
    use_proofs(store, world)
    assert log.stat().st_size <= LOG_KEPT
