"""Every refused act about a waybill is on the ledger with its true reason, even where the actor got a vaguer one."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import pytest

from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.change import Amend, Cancel, Ship, change
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.steps.look import Look, look
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.scan import Scan, scan
from masking.steps.shift import Shift, shift
from masking.store.rows import people
from masking.values.json import outcome_to_json
from masking.values.outcomes import ShiftSet
from masking.values.plaintext import Order, Party, Plain
from masking.values.printable import Refusal
from tests.support.parcels import assign_courier, check_out, print_label, resolve_one, scan_arrival
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, RECEIVER, RIVAL, SHOP

SOMEBODY = Party(name="张测试", phone="13800000003", address="上海市浦东新区世纪大道1号")
MOVED = Order(reference="A-1001", recipient=SOMEBODY, sender=SOMEBODY)

FAR_CLERK = replace(DISPATCHER, id="hz-01-clerk", unit="hz-01")
OTHERS_OPERATOR = replace(OPERATOR, id="their-operator", tenant="another-carrier")

STEPS = {
    "scan": lambda w, s, _, data: scan(w, s, [Scan(actor=OTHER_COURIER, what=data.code, kind="collected")]),
    "assign": lambda w, s, _, data: assign(w, s, [Assign(actor=FAR_CLERK, what=data.code, courier=COURIER.id)]),
    "label": lambda w, s, waybill, _: label(w, s, [Label(actor=RIVAL, id=waybill.id, job="j", station="s")]),
    "resolve": lambda w, s, _, data: resolve(
        w, s, [Resolve(actor=OTHER_COURIER, code=data.code, purpose=Purpose.DELIVER)]
    ),
    "look": lambda w, s, _, data: look(w, s, [Look(actor=OTHER_COURIER, code=data.code, phone=Plain("13800000001"))]),
    "call": lambda w, s, _, data: call(w, s, [Call(actor=OTHER_COURIER, code=data.code)]),
    "deliver": lambda w, s, _, data: deliver(w, s, [Deliver(actor=OTHER_COURIER, code=data.code)]),
    "ship": lambda w, s, waybill, _: change(
        w, s, [Ship(merchant=RIVAL, id=waybill.id, waybill_number="YT000000000001", routing_code="301-007-00 013")]
    ),
    "amend": lambda w, s, waybill, _: change(w, s, [Amend(merchant=RIVAL, id=waybill.id, order=MOVED)]),
    "cancel": lambda w, s, waybill, _: change(w, s, [Cancel(merchant=RIVAL, id=waybill.id)]),
    "seal-away": lambda w, s, waybill, _: retire(w, s, [SealAway(actor=OTHERS_OPERATOR, id=waybill.id)]),
    "destroy": lambda w, s, waybill, _: retire(w, s, [Destroy(actor=OTHERS_OPERATOR, id=waybill.id, reason="test")]),
}


def enrolled(world, store, actor: Actor) -> None:
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, actor, world.now())


@pytest.mark.parametrize("step", STEPS)
def test_refused_act_is_a_leaf_with_its_step_and_actor(store, world, order, step):
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    for actor in (FAR_CLERK, OTHERS_OPERATOR):
        enrolled(world, store, actor)
    assert STEPS[step](world, store, waybill, data) == [UNKNOWN]
    [refused] = [
        leaf for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id)) if leaf.kind == "refusal"
    ]
    assert (refused.detail["step"], refused.detail["reason"]) == (step, "unknown")
    assert refused.actor in {OTHER_COURIER.id, FAR_CLERK.id, RIVAL.id, OTHERS_OPERATOR.id}


def twin(actor: Actor) -> Actor:
    """Who has the same work in a unit of the same name, at another carrier."""
    return replace(actor, id=f"their-{actor.id}", tenant="another-carrier")


TWINS = {
    "print": lambda waybill: Label(actor=twin(SHOP), id=waybill.id, job="job-2", station="s"),
    "reprint": lambda waybill: Label(actor=twin(DISPATCHER), id=waybill.id, job="j", station="s", reason="damaged"),
    "ship": lambda waybill: Ship(
        merchant=twin(SHOP),
        id=waybill.id,
        waybill_number=waybill.waybill_number,
        routing_code=waybill.routing_code,
    ),
    "amend": lambda waybill: Amend(merchant=twin(SHOP), id=waybill.id, order=MOVED),
    "cancel": lambda waybill: Cancel(merchant=twin(SHOP), id=waybill.id),
    "scan": lambda waybill: Scan(actor=twin(RECEIVER), what=waybill.waybill_number, kind="departed"),
    "assign": lambda waybill: Assign(actor=twin(DISPATCHER), what=waybill.waybill_number, courier=COURIER.id),
    "destroy": lambda waybill: Destroy(actor=twin(OPERATOR), id=waybill.id, reason="test"),
}
ACTS = {Label: label, Ship: change, Amend: change, Cancel: change, Scan: scan, Assign: assign, Destroy: retire}


@pytest.mark.parametrize("act", TWINS)
def test_people_of_another_carrier_have_no_rights_in_units_of_equal_name(store, world, order, act):
    waybill = check_out(world, store, order())
    scan_arrival(world, store, print_label(world, store, waybill))
    request = TWINS[act](waybill)
    enrolled(world, store, getattr(request, "actor", None) or request.merchant)
    assert ACTS[type(request)](world, store, [request]) == [UNKNOWN]


@pytest.mark.parametrize(
    ("actor", "courier", "hours", "may"),
    [
        (DISPATCHER, COURIER, 8, True),
        (DISPATCHER, COURIER, 0, True),
        (COURIER, COURIER, 0, True),
        (COURIER, COURIER, 1, False),
        (COURIER, OTHER_COURIER, 0, False),
        (DISPATCHER, RECEIVER, 8, False),
        (replace(DISPATCHER, id="hz-01-clerk", unit="hz-01"), COURIER, 8, False),
        (twin(DISPATCHER), COURIER, 8, False),
        (SHOP, COURIER, 8, False),
    ],
)
def test_shift_is_set_by_the_own_outlet_and_ended_by_the_courier_too(store, world, actor, courier, hours, may):
    enrolled(world, store, actor)
    [answer] = shift(world, store, [Shift(actor=actor, courier=courier.id, hours=hours)])
    assert answer == (ShiftSet(courier=courier.id, until=world.now() + timedelta(hours=hours)) if may else UNKNOWN)


def test_refusal_of_an_entitled_actor_is_a_leaf(store, world, order, fake_world):
    waybill = check_out(world, store, order())
    print_label(world, store, waybill)
    retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)])
    assert change(world, store, [Cancel(merchant=SHOP, id=waybill.id)]) == [Refusal(reason="already-printed")]
    fake_world.advance(seconds=1)
    assert retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)]) == [Refusal(reason="already-sealed-away")]
    refused = [
        leaf for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id)) if leaf.kind == "refusal"
    ]
    assert [(leaf.actor, leaf.detail["reason"]) for leaf in refused] == [
        (SHOP.id, "already-printed"),
        (OPERATOR.id, "already-sealed-away"),
    ]


def test_never_issued_destroyed_and_foreign_parcels_get_the_same_bytes(store, world, order):
    mine, gone = check_out(world, store, order("A-1")), check_out(world, store, order("A-2"))
    not_yours, destroyed = print_label(world, store, mine), print_label(world, store, gone)
    for data in (not_yours, destroyed):
        scan_arrival(world, store, data)
        assign_courier(world, store, data)
    retire(world, store, [Destroy(actor=OPERATOR, id=gone.id, reason="test")])
    never = store.write_code(bytes(16), 1, world, world.now())
    answers = [
        resolve_one(world, store, code, OTHER_COURIER)
        for code in (never, destroyed.code, not_yours.code, "no label code")
    ]
    assert {json.dumps(outcome_to_json(answer)).encode() for answer in answers} == {
        b'{"outcome": "refused", "reason": "unknown", "retry_after": null}'
    }


def test_revoked_courier_gets_the_answer_of_a_stranger(store, world, order):
    data = print_label(world, store, check_out(world, store, order()))
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    with store.transaction() as tx:
        people.revoke(tx, [COURIER.id])
    assert resolve_one(world, store, data.code) == UNKNOWN
    assert call(world, store, [Call(actor=COURIER, code=data.code)]) == [UNKNOWN]
    assert deliver(world, store, [Deliver(actor=COURIER, code=data.code)]) == [UNKNOWN]
    assert scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="departed")])[0] != UNKNOWN
