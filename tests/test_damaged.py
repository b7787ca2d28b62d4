"""A record that is not what was written is refused alone, whatever step comes upon it, and somebody hears of it."""

from __future__ import annotations

import pytest

from masking.label import Label, label
from masking.vault import budgets, journal, schema
from masking.vault.damage import ALARM, DAMAGED, OFTEN
from masking.waybill import LabelData
from tests.cast import DISPATCHER, SHOP
from tests.serving import on_the_van


@pytest.fixture
def labels(world, store):
    """Three parcels on a courier's van, neighbours in every batch."""
    return on_the_van(world, store, 3)


def record(world, store, data):
    return store.read_code(data.code, world, world.now())[0]


def change(store, table, column, waybill, value):
    with store.data.begin() as connection:
        statement = table.update().where(table.c[column] == waybill).values(value)
        assert connection.execute(statement).rowcount == 1


def refused(world, store, data):
    """Of which step the ledger says that this parcel was refused as damaged, and by whom it was asked for."""
    leaves = journal.who_saw(world, store, record(world, store, data))
    return sorted((leaf.detail["step"], leaf.actor) for leaf in leaves if leaf.detail.get("reason") == DAMAGED.reason)


def alarms(store):
    with store.reading() as tx:
        return [(kind, who) for _, kind, who in budgets.alarms(tx)]


@pytest.mark.parametrize("kept", ["", "{", "[]", '{"stamp": "1", "fields": {}}', None])
def test_a_label_whose_view_cannot_be_read_is_refused_alone_and_counts_as_no_print(world, store, hands, labels, kept):
    waybill = record(world, store, labels[1])
    change(store, schema.waybill, "id", waybill, {"masked": kept})

    def asked(job):
        ask = [Label(actor=SHOP, id=each.waybill_number, job=job, station="shop") for each in labels]
        return label(world, store, ask)

    first, middle, last = asked("van")
    assert (first, middle, last) == (labels[0], DAMAGED, labels[2])
    reprint = Label(actor=DISPATCHER, id=labels[1].waybill_number, job="again", station="st-1", reason="damaged")
    assert label(world, store, [reprint]) == [DAMAGED]
    assert refused(world, store, labels[1]) == [("label", DISPATCHER.id), ("label", SHOP.id)]
    assert [refused(world, store, each) for each in (labels[0], labels[2])] == [[], []]
    with store.reading() as tx:
        [row] = tx.execute(schema.waybill.select().where(schema.waybill.c.id == waybill))
    assert (row.prints, row.live_print) == (1, 1)
    assert sorted(alarms(store)) == [(ALARM, DISPATCHER.id), (ALARM, SHOP.id)]
    hands.move(seconds=OFTEN.total_seconds() + 1)
    asked("van")
    assert len(alarms(store)) == 3
    assert isinstance(first, LabelData)
