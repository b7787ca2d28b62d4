"""A record that is not what was written is refused alone, whatever step comes upon it, and somebody hears of it."""

from __future__ import annotations

import pytest

from masking.access.duty import UNKNOWN
from masking.call import Call, Route, announce, call
from masking.label import Label, label
from masking.look import Look, look
from masking.order import Plain
from masking.vault import budgets, journal, schema
from masking.vault.damage import ALARM, DAMAGED, OFTEN
from masking.waybill import LabelData, Refusal, Seen
from tests.cast import COURIER, DISPATCHER, OTHER_COURIER, PHONES, SHOP, SWITCH, broken
from tests.serving import on_the_van, van_phone


@pytest.fixture
def labels(world, store):
    """Three parcels on a courier's van, neighbours in every batch."""
    return on_the_van(world, store, 3)


def record(world, store, data):
    return store.read_codes([data.code], world, world.now())[0][0]


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


VIEWS = pytest.mark.parametrize("kept", ["", "{", "[]", '{"stamp": "1", "fields": {}}', None])


@VIEWS
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


@VIEWS
def test_a_view_that_cannot_be_read_is_refused_alone_to_who_has_the_duty(world, store, labels, kept):
    change(store, schema.waybill, "id", record(world, store, labels[1]), {"masked": kept})
    answers = look(world, store, [Look(actor=COURIER, code=each.code) for each in labels])
    assert [type(each) for each in answers] == [Seen, Refusal, Seen]
    assert answers[1] == DAMAGED
    assert look(world, store, [Look(actor=OTHER_COURIER, code=labels[1].code)]) == [UNKNOWN]
    assert [refused(world, store, each) for each in labels] == [[], [("look", COURIER.id)], []]
    assert alarms(store) == [(ALARM, COURIER.id)]


@pytest.mark.parametrize("how", ["seal", "row", "wrap"])
def test_a_phone_that_does_not_open_is_not_rung_and_its_neighbours_are(world, store, labels, how):
    dials = call(world, store, [Call(actor=COURIER, code=each.code) for each in labels])
    broken(store, record(world, store, labels[1]), how)
    caller = Plain(PHONES[COURIER.id])
    asked = [
        Route(actor=SWITCH, caller=caller, main=dial.number.main, extension=dial.number.extension) for dial in dials
    ]
    first, middle, last = call(world, store, asked)
    assert [first.to.reveal(), middle, last.to.reveal()] == [f"+86{van_phone(0)}", DAMAGED, f"+86{van_phone(2)}"]
    assert [refused(world, store, each) for each in labels] == [[], [("call", SWITCH.id)], []]
    assert alarms(store) == [(ALARM, SWITCH.id)]
    again = call(world, store, asked)
    assert again[1] == DAMAGED  # nothing has been used up by it
    assert {each.reason for each in (again[0], again[2])} == {"intent-used"}


def test_a_couriers_phone_that_does_not_open_is_refused_to_who_rings_back(world, store, labels):
    dials = call(world, store, [Call(actor=COURIER, code=each.code) for each in labels])
    change(store, schema.person, "id", COURIER.id, {"phone": bytes(60)})
    number = dials[0].number
    backs = [
        Route(actor=SWITCH, caller=Plain(phone), main=number.main, extension=number.extension)
        for phone in (van_phone(0), PHONES[COURIER.id])
    ]
    back, forth = call(world, store, backs)
    assert back == DAMAGED
    assert forth.to.reveal() == f"+86{van_phone(0)}"


@pytest.mark.parametrize("how", ["seal", "row", "wrap"])
def test_what_a_provider_is_to_connect_is_refused_alone_where_it_does_not_open(world, store, labels, how):
    broken(store, record(world, store, labels[1]), how)
    asked = [Call(actor=COURIER, code=each.code) for each in labels]
    first, middle, last = announce(world, store, asked, bind=True)
    assert [first.b.reveal(), middle, last.b.reveal()] == [f"+86{van_phone(0)}", DAMAGED, f"+86{van_phone(2)}"]
    assert [refused(world, store, each) for each in labels] == [[], [("call", COURIER.id)], []]
    assert alarms(store) == [(ALARM, COURIER.id)]
