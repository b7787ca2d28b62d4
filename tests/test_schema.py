"""The closed lists: every column is destroyed or kept for a stated reason, and destroying does what the list says."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.access.budget import Counts
from masking.access.duty import Purpose
from masking.database import erasure_policy, key_schema, schema
from masking.steps.call import Call, call
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, retire
from masking.store.alarms import Alarm
from masking.store.rows import bindings, calls, custody, waybills
from tests.support.parcels import load_on_van
from tests.support.people import COURIER, OPERATOR

TABLES = {**schema.data.tables, **key_schema.keys.tables}


def test_every_column_is_either_destroyed_or_kept():
    for name, table in TABLES.items():
        columns = {column.name for column in table.columns}
        destroyed, kept = (
            set(erasure_policy.ERASED_COLUMNS.get(name, ())),
            set(erasure_policy.RETAINED_COLUMNS.get(name, ())),
        )
        assert not destroyed & kept, name
        assert destroyed | kept == columns, name


def test_erasure_policy_names_no_missing_table():
    assert set(erasure_policy.ERASED_COLUMNS) | set(erasure_policy.RETAINED_COLUMNS) == set(TABLES)


@pytest.fixture
def gone(store, world, order):
    """A waybill that went all the way to a label, a duty and an announced call, and was destroyed."""
    waybill, data = load_on_van(world, store, order())
    resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)])
    call(world, store, [Call(actor=COURIER, code=data.code)])
    record = rows(store, "waybill")[0]["id"]
    assert len(rows(store, "sealed")) == len(rows(store, "intent")) == len(rows(store, "label_print")) == 1
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="erasure-request")])
    return record


def rows(store, name):
    engine = store.data if name in schema.data.tables else store.keys.engine
    with engine.connect() as connection:
        return [dict(row) for row in connection.execute(sa.select(TABLES[name])).mappings()]


def test_destruction_follows_the_policy_of_every_column(store, gone):
    for name, columns in erasure_policy.ERASED_COLUMNS.items():
        left = [row for row in rows(store, name) if gone in row.values()]
        for column, fate in columns.items():
            if fate == "row deleted":
                assert not left, f"{name}.{column}"
            elif fate == "cleared":
                assert [row[column] for row in left] == [None] * len(left), f"{name}.{column}"
    assert [row["state"] for row in rows(store, "waybill")] == ["destroyed"]


def test_resting_slot_forgets_whom_it_connected(store, gone):
    cooling = [row for row in rows(store, "slot") if row["stage"] == "cooling"]
    assert len(cooling) == 1
    assert cooling[0]["waybill"] is None


@pytest.mark.parametrize(
    ("record", "table"),
    [
        (waybills.Record, schema.waybill),
        (custody.Scan, schema.scan),
        (custody.Print, schema.label_print),
        (calls.Intent, schema.intent),
        (bindings.Binding, schema.binding),
        (Alarm, schema.alarm),
        (Counts, schema.budget),
    ],
)
def test_record_has_a_field_for_each_column(record, table):
    assert set(record._fields) == set(table.columns.keys())
