"""A record that is not what was written is refused alone, in every step that reads it, and an alarm is raised."""

from __future__ import annotations

import json

import pytest

from api.service.request_models import ORDER
from masking.access.duty import UNKNOWN
from masking.connection import Shop
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.journal import journal, watch
from masking.journal.damaged_records import ALARM, DAMAGED, OFTEN
from masking.keys import lifecycle
from masking.ledger.log import Leaf, Unreadable
from masking.steps.call import Call, announce, call
from masking.steps.change import Amend, Cancel, Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.steps.look import Look, look
from masking.steps.route import Route, route
from masking.store.rows import slots
from masking.upkeep.retention_run import nightly
from masking.values.outcomes import Dial, MaskedLookup
from masking.values.plaintext import Plain
from masking.values.printable import LabelData, Refusal, Rejected, Waybill
from tests.support.ledger import alarms_of
from tests.support.parcels import check_out, damage
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, SHOP, SWITCH
from tests.support.running_service import load_parcels_on_van, van_phone


@pytest.fixture
def labels(world, store):
    """Three parcels on a courier's van, neighbours in every batch."""
    return load_parcels_on_van(world, store, 3)


@pytest.fixture
def orders(order):
    """Three orders of one sender, which their shop has yet to enter."""
    return [order(f"A-{n}") for n in range(3)]


@pytest.fixture
def entered(world, store, orders):
    return [check_out(world, store, each) for each in orders]


def record(world, store, data):
    """Of a label, or of a waybill."""
    if isinstance(data, Waybill):
        return record_of_waybill_id(data.id)
    return store.read_codes([data.code], world, world.now())[0][0]


def replace(store, table, column, waybill, value):
    with store.data.begin() as connection:
        statement = table.update().where(table.c[column] == waybill).values(value)
        assert connection.execute(statement).rowcount == 1


def refused(world, store, data):
    """Of which step the ledger says that this parcel was refused as damaged, and by whom it was asked for."""
    leaves = journal.who_saw(world, store, record(world, store, data))
    return sorted((leaf.detail["step"], leaf.actor) for leaf in leaves if leaf.detail.get("reason") == DAMAGED.reason)


NUMBER = {"text": 5, "hidden": []}
PARTY = dict.fromkeys(("name", "phone", "address"), NUMBER)
NO_TEXT = json.dumps({"stamp": "1", "recipient": PARTY, "sender": PARTY, "goods": NUMBER, "remark": NUMBER})
VIEWS = pytest.mark.parametrize("kept", ["", "{", "[]", '{"stamp": "1", "recipient": {}}', NO_TEXT, None])


@VIEWS
def test_label_with_an_unreadable_view_is_refused_alone_and_not_counted(world, store, fake_world, labels, kept):
    waybill = record(world, store, labels[1])
    replace(store, schema.waybill, "id", waybill, {"masked": kept})

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
    assert sorted(alarms_of(store)) == [(ALARM, DISPATCHER.id), (ALARM, SHOP.id)]
    fake_world.advance(seconds=OFTEN.total_seconds() + 1)
    asked("van")
    assert len(alarms_of(store)) == 3
    assert isinstance(first, LabelData)


@VIEWS
def test_unreadable_view_is_refused_alone_to_the_courier_with_the_duty(world, store, labels, kept):
    replace(store, schema.waybill, "id", record(world, store, labels[1]), {"masked": kept})
    answers = look(world, store, [Look(actor=COURIER, code=each.code) for each in labels])
    assert [type(each) for each in answers] == [MaskedLookup, Refusal, MaskedLookup]
    assert answers[1] == DAMAGED
    assert look(world, store, [Look(actor=OTHER_COURIER, code=labels[1].code)]) == [UNKNOWN]
    assert [refused(world, store, each) for each in labels] == [[], [("look", COURIER.id)], []]
    assert alarms_of(store) == [(ALARM, COURIER.id)]


@pytest.mark.parametrize("how", ["seal", "row", "wrap"])
def test_undecryptable_phone_is_not_called_and_the_others_are(world, store, labels, how):
    dials = call(world, store, [Call(actor=COURIER, code=each.code) for each in labels])
    damage(store, record(world, store, labels[1]), how)
    caller = Plain(PHONES[COURIER.id])
    asked = [
        Route(actor=SWITCH, caller=caller, main=dial.number.main, extension=dial.number.extension) for dial in dials
    ]
    first, middle, last = route(world, store, asked)
    assert [first.to.reveal(), middle, last.to.reveal()] == [f"+86{van_phone(0)}", DAMAGED, f"+86{van_phone(2)}"]
    assert [refused(world, store, each) for each in labels] == [[], [("call", SWITCH.id)], []]
    assert alarms_of(store) == [(ALARM, SWITCH.id)]
    again = route(world, store, asked)
    assert again[1] == DAMAGED  # nothing has been used up by it
    assert {each.reason for each in (again[0], again[2])} == {"intent-used"}


def test_courier_phone_changed_in_the_data_is_not_called(world, store, labels):
    dials = call(world, store, [Call(actor=COURIER, code=each.code) for each in labels])
    replace(store, schema.person, "id", COURIER.id, {"phone": bytes(60)})
    number = dials[0].number
    backs = [
        Route(actor=SWITCH, caller=Plain(phone), main=number.main, extension=number.extension)
        for phone in (van_phone(0), PHONES[COURIER.id])
    ]
    back, forth = route(world, store, backs)
    assert {back, forth} == {Refusal(reason="not-connected")}  # nor is a call of theirs connected


@pytest.mark.parametrize("how", ["seal", "row", "wrap"])
def test_undecryptable_number_of_a_provider_call_is_refused_alone(world, store, labels, how):
    damage(store, record(world, store, labels[1]), how)
    asked = [Call(actor=COURIER, code=each.code) for each in labels]
    first, middle, last = announce(world, store, asked, bind=True)
    assert [first.b.reveal(), middle, last.b.reveal()] == [f"+86{van_phone(0)}", DAMAGED, f"+86{van_phone(2)}"]
    assert [refused(world, store, each) for each in labels] == [[], [("call", COURIER.id)], []]
    assert alarms_of(store) == [(ALARM, COURIER.id)]


@VIEWS
def test_merchant_finds_parcels_next_to_one_with_an_unreadable_view(world, store, entered, kept):
    replace(store, schema.waybill, "id", record(world, store, entered[1]), {"masked": kept})
    shop = Shop(world, store, SHOP)
    found = sorted(shop.find(phone=ORDER["sender"]["phone"]), key=lambda each: each.reference)
    first, middle, last = found  # those of one millisecond have no order
    assert [(each.id, each.reference, each.number) for each in found] == [
        (each.id, each.reference, each.number) for each in entered
    ]
    assert [(each.state, each.masked) for each in found] == [
        ("active", entered[0].masked),
        ("damaged", None),
        ("active", entered[2].masked),
    ]
    assert shop.status(middle.id) == middle
    assert shop.find(reference="A-1") == [middle]
    assert [refused(world, store, each) for each in (first, middle, last)] == [[], [("find", SHOP.id)] * 3, []]
    assert alarms_of(store) == [(ALARM, SHOP.id)]


@pytest.mark.parametrize("how", ["view", "wrap"])
def test_repeated_order_is_rejected_alone_if_its_record_is_damaged(world, store, orders, entered, how):
    waybill = record(world, store, entered[1])
    if how == "view":
        replace(store, schema.waybill, "id", waybill, {"masked": "{"})
    else:
        damage(store, waybill, how)
    again = [Checkout(merchant=SHOP, order=each) for each in orders]
    first, middle, last = checkout(world, store, again)
    assert [each.id for each in (first, last)] == [entered[0].id, entered[2].id]
    assert middle == Rejected(reference="A-1", field="reference", rule="damaged")
    assert [refused(world, store, each) for each in entered] == [[], [("checkout", SHOP.id)], []]
    assert alarms_of(store) == [(ALARM, SHOP.id)]


def test_changed_order_is_reported_without_showing_what_is_kept(world, store, order, entered):
    replace(store, schema.waybill, "id", record(world, store, entered[1]), {"masked": "{"})
    [outcome] = checkout(world, store, [Checkout(merchant=SHOP, order=order("A-1", remark="放门卫"))])
    assert outcome == Rejected(reference="A-1", field="reference", rule="changed-after-checkout")
    assert alarms_of(store) == []


def test_damaged_order_is_not_shipped_and_amending_repairs_it(world, store, orders, entered):
    waybill = record(world, store, entered[1])
    replace(store, schema.waybill, "id", waybill, {"masked": "{"})
    damage(store, waybill, "wrap")
    ship = [
        Ship(merchant=SHOP, id=each.id, waybill_number=f"YT000000009{n}", routing_code="1-2")
        for n, each in enumerate(entered)
    ]
    first, middle, last = change(world, store, ship)
    assert [first.waybill_number, middle, last.waybill_number] == ["YT0000000090", DAMAGED, "YT0000000092"]
    assert [refused(world, store, each) for each in entered] == [[], [("ship", SHOP.id)], []]
    assert alarms_of(store) == [(ALARM, SHOP.id)]
    [amended] = change(world, store, [Amend(merchant=SHOP, id=entered[1].id, order=orders[1])])
    assert (amended.state, amended.masked) == ("active", entered[1].masked)
    [shipped] = change(world, store, ship[1:2])
    assert shipped.waybill_number == "YT0000000091"


def test_damaged_order_can_be_cancelled_with_its_neighbours(world, store, entered):
    waybill = record(world, store, entered[1])
    replace(store, schema.waybill, "id", waybill, {"masked": "{"})
    damage(store, waybill, "wrap")
    gone = change(world, store, [Cancel(merchant=SHOP, id=each.id) for each in entered])
    assert [each.state for each in gone] == ["destroyed"] * 3


def test_parcel_with_an_unreadable_view_gets_a_number_of_any_city(world, store, labels):
    waybill = record(world, store, labels[1])
    replace(store, schema.waybill, "id", waybill, {"masked": "{"})
    with store.transaction() as tx:
        slots.release(tx, [waybill], world.now())
    dials = call(world, store, [Call(actor=COURIER, code=each.code) for each in labels])
    assert [type(each) for each in dials] == [Dial] * 3


def test_damaged_records_are_sealed_away_and_destroyed_with_the_others(world, store, fake_world, order):
    parcels = [check_out(world, store, order(f"A-{n}")) for n in range(5)]
    for each, how in zip(parcels[1:], ["view", "seal", "row", "wrap"], strict=True):
        if how == "view":
            replace(store, schema.waybill, "id", record(world, store, each), {"masked": "{"})
        else:
            damage(store, record(world, store, each), how)
    for passed, what in (
        (store.settings.retention.undelivered_after, "sealed away"),
        (store.settings.retention.destroy_after, "destroyed"),
    ):
        fake_world.advance(seconds=passed.total_seconds() + 1)
        assert {line.what: line.times for line in nightly(world, store, OPERATOR)}[f"waybills {what}"] == 5


def test_unopenable_wrap_blocks_no_other_and_keeps_its_key_until_scheduled(world, store, fake_world, entered):
    waybill = record(world, store, entered[1])
    damage(store, waybill, "wrap")

    def night():
        return {line.what: line.times for line in nightly(world, store, OPERATOR)}

    def online():
        return {
            line.name: (line.state, line.wraps) for line in lifecycle.listing(store.keys) if line.purpose == "online"
        }

    fake_world.advance(days=31)
    done = night()
    assert (done["wraps moved to a younger key"], done["online keys destroyed"]) == (2, 0)
    assert "index keys forgotten" in done
    assert online() == {"2026-11-24": ("live", 1), "2026-12-25": ("live", 2)}
    assert [refused(world, store, each) for each in entered] == [[], [("refresh", OPERATOR.id)], []]
    assert alarms_of(store) == [(ALARM, OPERATOR.id)]
    fake_world.advance(seconds=store.settings.retention.undelivered_after.total_seconds())
    done = night()
    assert (done["waybills sealed away"], done["online keys destroyed"]) == (3, 2)
    assert [online()[name] for name in ("2026-11-24", "2026-12-25")] == [("dead", 0)] * 2


@pytest.mark.parametrize("body", [b"", b"\1", bytes(80), "longer"])
@pytest.mark.parametrize("placed", [True, False])
def test_unreadable_leaf_is_named_and_hides_no_other(world, store, labels, body, placed):
    watched = record(world, store, labels[1])
    with store.transaction() as tx:
        watch.mark(tx, watched, world.now())
    look(world, store, [Look(actor=actor, code=labels[1].code) for actor in (OTHER_COURIER, COURIER)])
    if placed:
        journal.sequence(world, store)
    before = journal.who_saw(world, store, watched)
    [hit] = [at for at, leaf in enumerate(before) if leaf.kind == "look"]
    with store.reading() as tx:
        row = tx.execute(schema.leaf.select().where(schema.leaf.c.id == before[hit].id)).one()
    replace(store, schema.leaf, "id", row.id, {"body": row.body + b"\0" if body == "longer" else body})
    damaged = Unreadable(id=row.id, position=row.position)
    assert journal.who_saw(world, store, watched) == [*before[:hit], damaged, *before[hit + 1 :]]
    assert damaged.name == (f"leaf-{row.position}" if placed else f"leaf-{row.id.hex()}")
    told = [("canary", OTHER_COURIER.id), ("unreadable-leaf", damaged.name)]
    for each_watch in (watch.watch, watch.keep_watch):
        assert [(each.kind, each.who) for each in each_watch(world, store)] == told
    assert sorted(alarms_of(store)) == told
    assert all(isinstance(leaf, Leaf) for leaf in journal.who_saw(world, store, record(world, store, labels[0])))
