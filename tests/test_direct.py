"""Statements past the expression layer: lists as arrays, and several that go to a server in one go."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.database import hot_sql, schema
from masking.errors import UnavailableError
from masking.store.rows import budgets, people
from tests.support.people import COURIER, STAFF

ALARM = schema.alarm.insert()
ALARMS = sa.select(schema.alarm.c.id, schema.alarm.c.kind).order_by(schema.alarm.c.id)
ON_A_SERVER = pytest.mark.parametrize("urls", ["postgresql"], indirect=True)


def alarm(number: int, kind: str = "k") -> dict[str, object]:
    return {"id": number.to_bytes(16, "big"), "at": number, "kind": kind, "actor": COURIER.id}


@ON_A_SERVER
@pytest.mark.parametrize(
    ("cast", "values"),
    [
        ("BYTEA", [b"", bytes(16), None, b"\xff" * 300]),
        ("TEXT", ["", "欧阳", None, "longer than eight"]),
        ("BIGINT", [0, -1, None, 2**63 - 1, -(2**63)]),
        ("INTEGER", [0, -1, None, 2**31 - 1, -(2**31)]),
    ],
)
@pytest.mark.parametrize("many", [0, 1, 5, 3000])
def test_list_arrives_at_the_server_unchanged(store, cast, values, many):
    sent = (values * many)[:many]
    found = []
    with store.transaction() as tx:
        hot_sql.run(tx, f"SELECT %(sent)s::{cast}[]", {"sent": sent}, take=found.extend)
    assert found == [(sent,)]


def test_pipelined_block_answers_at_its_end_in_order(store):
    names = [each.id for each in STAFF]
    with store.transaction() as tx:
        with hot_sql.pipeline(tx):
            staff = people.active(tx, names)
            hot_sql.write(tx, ALARM, [alarm(1), alarm(2)])
            written = hot_sql.by_key(tx, lambda row: (row[0][-1], row[1]), ALARMS)
            with hot_sql.pipeline(tx):  # within another it is that one
                hot_sql.write(tx, ALARM, [alarm(3)])
        assert staff.keys() == set(names)
        assert written == {1: "k", 2: "k"}
        assert [row[0][-1] for row in hot_sql.rows(tx, ALARMS)] == [1, 2, 3]


@ON_A_SERVER
def test_answers_of_a_pipelined_block_are_unavailable_before_its_end(store):
    with store.transaction() as tx:
        hot_sql.rows(tx, ALARMS)  # a transaction begins with its first statement
        with hot_sql.pipeline(tx):
            staff = people.active(tx, [COURIER.id])
            counts = budgets.lock(tx, [COURIER.id])
            assert not staff
            assert not counts
            with pytest.raises(AssertionError):
                hot_sql.rows(tx, ALARMS)
        assert staff.keys() == counts.keys() == {COURIER.id}


def test_failure_in_a_block_rolls_all_back_and_keeps_the_connection(store):
    for failing in (
        [alarm(1, "twice")],
        [alarm(9, None)],
    ):  # an id that is taken, and nothing where something has to be
        with pytest.raises(UnavailableError) as caught, store.transaction() as tx, hot_sql.pipeline(tx):
            hot_sql.write(tx, ALARM, [alarm(1)])
            hot_sql.write(tx, ALARM, failing)
            hot_sql.write(tx, ALARM, [alarm(2)])
        assert caught.value.undone
        assert COURIER.id not in str(caught.value) + repr(caught.value.__cause__)
        with store.transaction() as tx:
            assert hot_sql.rows(tx, ALARMS) == []


def test_own_error_in_a_block_is_raised_unchanged(store):
    with pytest.raises(ZeroDivisionError), store.transaction() as tx, hot_sql.pipeline(tx):
        hot_sql.write(tx, ALARM, [alarm(1)])
        1 / 0  # noqa: B018
    with store.transaction() as tx:
        assert hot_sql.rows(tx, ALARMS) == []
        with hot_sql.pipeline(tx):
            hot_sql.write(tx, ALARM, [alarm(1)])
        assert len(hot_sql.rows(tx, ALARMS)) == 1


@ON_A_SERVER
@pytest.mark.parametrize("when", ["before", "within"])
def test_lost_server_leaves_the_outcome_unknown_and_the_next_connection_clean(store, when):
    admin = sa.create_engine(store.data.url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)

    def end(pid: int) -> None:
        with admin.connect() as connection:
            connection.execute(sa.text(f"SELECT pg_terminate_backend({pid}, 5000)"))

    with pytest.raises(UnavailableError) as caught, store.transaction() as tx:
        [(pid,)] = hot_sql.rows(tx, sa.select(sa.func.pg_backend_pid()))
        if when == "before":
            end(pid)
        with hot_sql.pipeline(tx):
            hot_sql.write(tx, ALARM, [alarm(1)])
            if when == "within":
                end(pid)
            hot_sql.write(tx, ALARM, [alarm(2)])
            people.active(tx, [COURIER.id])
    assert not caught.value.undone
    with store.transaction() as tx:
        assert hot_sql.rows(tx, ALARMS) == []
