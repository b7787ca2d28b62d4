"""What every store does when something goes wrong: commits that fail or are not heard of, values it can't take, a first start."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from subprocess import PIPE

import pytest
import sqlalchemy as sa

from masking.database import schema
from masking.database.connections import open_engine
from masking.errors import InputError, SettingsError, UnavailableError
from masking.steps.call import Call, call
from masking.steps.checkout import Checkout, checkout
from masking.store.rows import waybills
from masking.values.plaintext import Grant
from tests.support import postgresql
from tests.support.commit_faults import lose_answer, on_commit, refuse_commit
from tests.support.ledger import leaf_kinds, read_rows
from tests.support.parcels import resolving
from tests.support.people import COURIER, SHOP

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("broken", [refuse_commit, lose_answer])
def test_repeated_checkout_after_a_lost_answer_is_one_waybill(world, store, order, broken):
    asked = [Checkout(merchant=SHOP, order=order(f"A-{n}")) for n in range(3)]
    with on_commit(store, broken), pytest.raises(UnavailableError) as caught:
        checkout(world, store, asked)
    assert not caught.value.undone
    answers = checkout(world, store, asked)
    assert {each.created for each in answers} == {broken is refuse_commit}
    assert [each.reference for each in answers] == ["A-0", "A-1", "A-2"]
    assert len({str(each.number) for each in answers}) == 3
    [(leased,)] = read_rows(store, sa.select(sa.func.count()).where(schema.slot.c.stage == "leased"))
    assert leased == 3


@pytest.mark.parametrize("broken", [refuse_commit, lose_answer])
def test_uncertain_commit_opens_nothing(world, store, parcels, broken):
    record, data = parcels[0]
    for act in (
        resolving(world, store, [data.code]),
        lambda: call(world, store, [Call(actor=COURIER, code=data.code)]),
    ):
        with on_commit(store, broken), pytest.raises(UnavailableError) as caught:
            act()
        assert "13800000001" not in repr(caught.value) + repr(caught.value.__cause__)
    found = leaf_kinds(world, store, record)
    assert (found["grant"], found["intent"]) == ((1, 1) if broken is lose_answer else (0, 0))


def test_conflict_in_a_transaction_differs_from_an_unreachable_store(world, store):
    [(taken,)] = read_rows(store, sa.select(schema.person.c.id).limit(1))
    with pytest.raises(UnavailableError) as caught, store.transaction() as tx:
        tx.execute(schema.alarm.insert(), [{"id": bytes(16), "at": 0, "kind": "k", "actor": taken}] * 2)
    assert caught.value.undone
    assert read_rows(store, sa.select(schema.alarm).where(schema.alarm.c.kind == "k")) == []


def test_statement_takes_as_many_values_as_sqlite_allows(store):
    with store.transaction() as tx:
        if store.data.dialect.name == "sqlite":  # as most builds of it have it
            tx.connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        assert waybills.by_id(tx, [n.to_bytes(16, "big") for n in range(32_766)]) == {}


def test_statement_with_too_many_values_is_refused_by_name(store):
    many = [n.to_bytes(16, "big") for n in range(66_000)]
    with pytest.raises(InputError, match="too-many-at-once"), store.transaction() as tx:
        if store.data.dialect.name == "sqlite":  # as most builds of it have it
            tx.connection.driver_connection.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766)
        tx.execute(sa.select(schema.waybill.c.id).where(schema.waybill.c.id.in_(many)))


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_value_that_no_database_stores_is_an_input_error(store):
    with pytest.raises(InputError) as caught, store.transaction() as tx:
        tx.execute(sa.select(schema.person).where(schema.person.c.id == "no\0body"))
    assert "no\0body" not in str(caught.value)


STARTING = """
import sys
from masking.database.connections import open_engine
from masking.database.migrating import migrate
from masking.database.schema import DATA_HEAD
sys.stdin.read(1)
engine = open_engine(sys.argv[1])
migrate(engine, "data", DATA_HEAD)
engine.dispose()
"""


@pytest.mark.parametrize("kind", ["file", "postgresql"])
def test_concurrent_workers_make_one_schema_in_an_empty_database(kind, tmp_path, request):
    url = f"sqlite:///{tmp_path}/data.sqlite"
    if kind == "postgresql":
        [data, _] = request.getfixturevalue("databases")
        url = postgresql.create(data.url.query["host"], "empty")
    command = [sys.executable, "-c", STARTING, url]
    started = [subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stderr=PIPE, text=True) for _ in range(3)]
    for each in started:
        each.stdin.write("g")
        each.stdin.flush()
    assert [each.communicate()[1] for each in started] == [""] * 3
    assert [each.returncode for each in started] == [0] * 3


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_dropped_connections_are_reopened(world, store, parcels):
    for engine in (store.data, store.keys.engine):  # as after a second in which there was nothing to do
        sa.event.listen(engine, "checkout", lambda _, record, __: record.info.update(since=0.0), insert=True)
    look = resolving(world, store, [parcels[0][1].code])
    assert isinstance(look()[0], Grant)
    admin = sa.create_engine(store.data.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with admin.connect() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename = 'postgres'"
            )
        )
    assert isinstance(look()[0], Grant)


def test_missing_database_driver_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)  # as where it is missing
    with pytest.raises(SettingsError, match=r"psycopg is not installed.*\[server\]"):
        open_engine("postgresql+psycopg://nobody@127.0.0.1/none")
