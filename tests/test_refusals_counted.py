"""Refused acts that are about no parcel, and those of callers who may not ask, cost the ledger one leaf a minute."""

from __future__ import annotations

from dataclasses import replace

import pytest
import sqlalchemy as sa

from masking.access import budget
from masking.access.duty import UNKNOWN, Purpose
from masking.crypto.index import record_of_waybill_id, waybill_id_of
from masking.database import schema
from masking.journal import journal, watch
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.change import Amend, Cancel, Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, deliver
from masking.steps.find import Find, find
from masking.steps.label import Label, label
from masking.steps.look import Look, look
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.steps.shift import Shift, shift
from masking.store.rows import budgets, people
from masking.values.outcomes import ShiftSet
from masking.values.plaintext import Order, Party, Plain
from tests.support.ledger import leaves_of
from tests.support.parcels import check_out, print_label
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, RIVAL, SHOP, SWITCH

SOMEBODY = Party(name="张测试", phone="13800000003", address="上海市浦东新区世纪大道1号")
MOVED = Order(reference="A-1001", recipient=SOMEBODY, sender=SOMEBODY)

# by step: the function, a request about an id, number or code by an actor, and actors of a right and of a wrong role
STEPS = {
    "label": (label, lambda who, what: Label(actor=who, id=what, job="j", station="s"), DISPATCHER, COURIER),
    "ship": (
        change,
        lambda who, what: Ship(merchant=who, id=what, waybill_number="YT000000000009", routing_code="301-007-00 013"),
        RIVAL,
        COURIER,
    ),
    "amend": (change, lambda who, what: Amend(merchant=who, id=what, order=MOVED), RIVAL, COURIER),
    "cancel": (change, lambda who, what: Cancel(merchant=who, id=what), RIVAL, COURIER),
    "find": (find, lambda who, what: Find(merchant=who, id=what), RIVAL, COURIER),
    "scan": (scan, lambda who, what: Scan(actor=who, what=what, kind="arrived"), DISPATCHER, RIVAL),
    "assign": (assign, lambda who, what: Assign(actor=who, what=what, courier=COURIER.id), DISPATCHER, COURIER),
    "resolve": (resolve, lambda who, what: Resolve(actor=who, code=what, purpose=Purpose.DELIVER), COURIER, RIVAL),
    "look": (look, lambda who, what: Look(actor=who, code=what), COURIER, RIVAL),
    "call": (call, lambda who, what: Call(actor=who, code=what), COURIER, RIVAL),
    "route": (
        route,
        lambda who, what: Route(actor=who, caller=Plain("13600000000"), main="17000000000", extension=what[-4:]),
        SWITCH,
        RIVAL,
    ),
    "deliver": (deliver, lambda who, what: Deliver(actor=who, code=what), COURIER, RIVAL),
    "seal-away": (retire, lambda who, what: SealAway(actor=who, id=what), OPERATOR, SHOP),
    "destroy": (retire, lambda who, what: Destroy(actor=who, id=what, reason="test"), OPERATOR, SHOP),
}
BY_CODE = {"resolve", "look", "call", "deliver"}
LOCKING = {"label", "scan", "assign", *BY_CODE}


def total(store):
    with store.transaction() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(schema.leaf)).scalar_one()


def told(world, store, actor, fake_world):
    """How many refusals of an actor the ledger knows by number alone, once a minute has passed."""
    fake_world.advance(minutes=1, seconds=1)
    watch.keep_watch(world, store)
    return sum(int(leaf.detail["count"]) for leaf in leaves_of(store, "refusal-count") if leaf.actor == actor.id)


def named(step, waybill, data):
    """What the step is asked about where there is a parcel."""
    if step == "route":
        return waybill.number.extension
    return data.code if step in BY_CODE else waybill.waybill_number if step in {"scan", "assign"} else waybill.id


def made_up(step, world):
    return "YT999999999999" if step in {"scan", "assign"} else waybill_id_of(world.record_id(world.now()))


@pytest.mark.parametrize("step", STEPS)
def test_invented_ids_cost_one_leaf_a_minute(store, world, fake_world, step):
    act, ask, right, _ = STEPS[step]
    before = total(store)
    for _ in range(5):
        act(world, store, [ask(right, made_up(step, world)) for _ in range(30)])
    assert total(store) - before == 1
    assert told(world, store, right, fake_world) == 150


@pytest.mark.parametrize("step", STEPS)
def test_wrong_role_costs_one_leaf_a_minute_for_real_parcels_too(store, world, order, fake_world, step):
    act, ask, _, wrong = STEPS[step]
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    before = total(store)
    for _ in range(5):
        act(world, store, [ask(wrong, named(step, waybill, data)) for _ in range(30)])
    named_once = (
        step in BY_CODE
    )  # a label code names its parcel for every caller, and the lock bounds how many there are
    assert total(store) - before == 1 + named_once
    assert told(world, store, wrong, fake_world) == 150 - named_once


@pytest.mark.parametrize("step", sorted(LOCKING))
def test_locked_caller_costs_one_leaf_a_minute_and_no_query_for_a_number(store, world, order, fake_world, step):
    act, ask, right, _ = STEPS[step]
    stranger = replace(right, id=f"far-{right.id}", unit="hz-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, stranger, world.now())
    waybill = check_out(world, store, order())
    what = named(step, waybill, print_label(world, store, waybill))
    for _ in range(20):
        assert act(world, store, [ask(stranger, what)]) == [UNKNOWN]
    assert len(leaves_of(store, "refusal")) == 20
    before = total(store)
    for _ in range(5):
        assert {each.reason for each in act(world, store, [ask(stranger, what)] * 30)} == {"locked"}
    assert total(store) - before == 1
    assert told(world, store, stranger, fake_world) == 150


@pytest.mark.parametrize("step", sorted(STEPS.keys() - {"route", "seal-away", "destroy"}))
def test_parcel_repeated_in_a_request_is_one_leaf(store, world, order, fake_world, step):
    act, ask, right, _ = STEPS[step]
    stranger = replace(right, id=f"far-{right.id}", unit="hz-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, stranger, world.now())
    waybill = check_out(world, store, order())
    what = named(step, waybill, print_label(world, store, waybill))
    act(world, store, [ask(stranger, what)] * 15)
    [leaf] = leaves_of(store, "refusal")
    assert (leaf.actor, leaf.detail["step"], leaf.detail["reason"]) == (stranger.id, step, "unknown")
    assert told(world, store, stranger, fake_world) == 14


def rivals(world, store, order):
    [waybill] = checkout(world, store, [Checkout(merchant=RIVAL, order=order)])
    return waybill


def test_unknown_numbers_beyond_a_thousand_are_counted_and_hide_no_refusal(
    store, world, order, fake_world, monkeypatch
):
    monkeypatch.setattr(budget, "LISTED", 5)
    mine, other = check_out(world, store, order("A-1")), rivals(world, store, order("A-2"))
    print_label(world, store, mine)
    for _ in range(9):
        [refused] = change(world, store, [Cancel(merchant=SHOP, id=mine.id)])
        assert refused.reason == "already-printed"
    assert len(leaves_of(store, "refusal")) == 5
    for _ in range(3):
        assert label(world, store, [Label(actor=SHOP, id=other.id, job="j", station="s")]) == [UNKNOWN]
    about = [leaf for leaf in journal.who_saw(world, store, record_of_waybill_id(other.id)) if leaf.kind == "refusal"]
    assert len(about) == 3
    assert told(world, store, SHOP, fake_world) == 4
    fake_world.advance(hours=1)
    change(world, store, [Cancel(merchant=SHOP, id=mine.id)])
    assert len(leaves_of(store, "refusal")) == 9


def test_lock_is_known_before_a_parcel_is_looked_for(store, world):
    with store.transaction() as tx:
        tallies = budgets.open_tallies(tx, [COURIER.id, OTHER_COURIER.id], world.now())
        for _ in range(20):
            tallies[COURIER.id].record_refusal()
        budgets.save_tallies(tx, tallies, world.now(), world)
        assert budgets.locked(tx, {COURIER.id, OTHER_COURIER.id, "nobody"}, world.now()) == {COURIER.id}


def test_repeated_ship_leaves_no_further_leaf(store, world, order):
    waybill = check_out(world, store, order())
    asked = Ship(merchant=SHOP, id=waybill.id, waybill_number="YT000000000009", routing_code="301-007-00 013")
    first = change(world, store, [asked])
    before = total(store)
    assert change(world, store, [asked] * 50) == first * 50
    assert total(store) == before
    change(world, store, [replace(asked, waybill_number="YT000000000010")])
    assert total(store) == before + 1


def test_repeated_shift_leaves_no_further_leaf(store, world, fake_world):
    def said(hours, many=1):
        before = total(store)
        outcomes = shift(world, store, [Shift(actor=DISPATCHER, courier=COURIER.id, hours=hours)] * many)
        assert all(isinstance(each, ShiftSet) for each in outcomes)
        return total(store) - before

    assert said(9) == 1
    assert said(9, 50) == 0
    fake_world.advance(minutes=2)
    assert (said(9), said(10)) == (1, 1)
    assert (said(0), said(0, 50)) == (1, 0)
