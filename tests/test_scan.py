"""Step 3: what is not scanned, and what trying it costs."""

from __future__ import annotations

from dataclasses import replace

import pytest

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor, Role
from masking.steps.deliver import Deliver, deliver
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.scan import NO_EVENT, REUSED, Scan, scan
from masking.store.rows import people
from masking.values.outcomes import Scanned
from masking.values.printable import Refusal
from tests.support import carrier_network
from tests.support.carrier_network import (
    ASIDE,
    ASIDE_COURIER,
    ASIDE_TOO,
    FETCHED,
    HUB_IN,
    HZ_COURIER,
    HZ_DISPATCHER,
    HZ_RECEIVER,
    send_to_outlet,
)
from tests.support.parcels import check_out, load_on_van, print_label
from tests.support.people import COURIER, DISPATCHER, OPERATOR, RECEIVER


def scanned(world, store, actor, what, kind="arrived"):
    return scan(world, store, [Scan(actor=actor, what=what, kind=kind)])[0]


def test_parcel_that_reached_its_end_is_not_scanned(world, store, parcel, order):
    _, delivered = parcel
    deliver(world, store, [Deliver(actor=COURIER, code=delivered.code)])
    away, gone = (check_out(world, store, order(ref)) for ref in ("A-2", "A-3"))
    labels = [print_label(world, store, each) for each in (away, gone)]
    retire(
        world,
        store,
        [SealAway(actor=OPERATOR, id=away.id), Destroy(actor=OPERATOR, id=gone.id, reason="test")],
    )
    for data in (delivered, *labels):
        assert scanned(world, store, RECEIVER, data.code) == UNKNOWN
        assert scanned(world, store, RECEIVER, data.waybill_number) == UNKNOWN


def test_outlet_of_another_tenant_scans_nothing(world, store, parcel):
    _, data = parcel
    stranger = Actor(id="other-clerk", tenant="other-carrier", role=Role.OUTLET, unit="sh-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, stranger, world.now())
    assert scanned(world, store, stranger, data.code) == UNKNOWN


def test_person_no_longer_enrolled_gets_no_repeated_answer(world, store, parcel):
    _, data = parcel
    again = Scan(actor=RECEIVER, what=data.code, kind="arrived", event="gate-1/0001")
    assert scan(world, store, [again]) == scan(world, store, [again]) != [UNKNOWN]
    with store.transaction() as tx:
        people.revoke(tx, [RECEIVER.id])
    assert scan(world, store, [again]) == [UNKNOWN]


def test_scan_repeated_with_another_destination_is_another_scan(world, store, order):
    parcel = carrier_network.label_far_parcel(world, store, order)
    parcel.moves((HZ_RECEIVER, "arrived"))
    gone = Scan(actor=HZ_DISPATCHER, what=parcel.data.code, kind="departed", to="hub-1", event="gate-1/0001")
    [first] = scan(world, store, [gone])
    assert isinstance(first, Scanned)
    others = [replace(gone, to=to) for to in ("hub-2", "no-such-unit", None)]
    assert scan(world, store, [gone, *others]) == [first] + [REUSED] * 3
    parcel.moves((HUB_IN, "arrived"))


def test_attempt_is_not_answered_again_with_a_destination(world, store, parcel):
    _, data = parcel
    tried = Scan(actor=COURIER, what=data.code, kind="attempted", event="van/0001")
    [first] = scan(world, store, [tried])
    assert isinstance(first, Scanned)
    assert scan(world, store, [tried, replace(tried, to="hub-1")]) == [first, REUSED]


def test_refused_scans_lock_the_caller(world, store):
    answers = [scanned(world, store, RECEIVER, f"YT{n:013}") for n in range(FULL.refusals + 1)]
    assert answers[:-1] == [UNKNOWN] * FULL.refusals
    assert answers[-1].reason == "locked"


def test_courier_scans_label_codes_and_no_waybill_numbers(world, store, parcel):
    _, data = parcel
    assert scanned(world, store, COURIER, data.waybill_number, "attempted") == UNKNOWN
    assert scanned(world, store, COURIER, data.code, "attempted") != UNKNOWN


@pytest.fixture
def far(world, store, order):
    """A parcel that a shop in another city has labelled, and no courier has collected."""
    return carrier_network.label_far_parcel(world, store, order)


def test_diverted_parcel_that_is_returned_goes_back_to_its_origin(far):
    send_to_outlet(far)
    far.moves((ASIDE, "arrived"), (RECEIVER, "diverted", "sh-02"), (ASIDE, "returned"))
    assert far.given(ASIDE_TOO, ASIDE_COURIER) == Refusal(reason="needs-a-diversion")


def test_repeated_scan_ends_no_duty(far):
    send_to_outlet(far)
    far.moves((RECEIVER, "arrived"))
    far.given(DISPATCHER, COURIER)
    far.moves((DISPATCHER, "arrived"))
    assert isinstance(far.seen(COURIER, Purpose.DELIVER), set)
    far.moves((DISPATCHER, "returned"), (RECEIVER, "departed"), (HZ_RECEIVER, "arrived"))
    far.given(HZ_DISPATCHER, HZ_COURIER)
    far.moves((HZ_RECEIVER, "returned"))
    assert far.seen(HZ_COURIER, Purpose.RETURN) == {"sender.address"}


def test_courier_who_loses_the_duty_in_a_batch_is_treated_as_a_stranger(world, store, parcel):
    _, data = parcel
    asked = [Scan(actor=DISPATCHER, what=data.code, kind="departed")]
    asked.append(Scan(actor=COURIER, what=data.code, kind="collected"))
    assert scan(world, store, asked) == [Scanned(kind="departed", at=world.now()), UNKNOWN]


@pytest.mark.parametrize(
    ("steps", "who", "kind", "locks"),
    [
        (FETCHED[:1], HUB_IN, "arrived", False),  # the outlet has forgotten to take it in and to send it off
        ((*FETCHED, (HZ_DISPATCHER, "departed", "hub-1")), HZ_DISPATCHER, "arrived", False),  # by who has sent it off
        (FETCHED, HUB_IN, "departed", True),
        (FETCHED, HUB_IN, "returned", True),
        (None, HUB_IN, "arrived", True),  # it is destroyed
    ],
)
def test_only_an_arrival_without_a_departure_locks_no_caller(world, store, far, steps, who, kind, locks):
    far.given(HZ_DISPATCHER, HZ_COURIER)
    far.moves(*(steps or FETCHED))
    if steps is None:
        retire(world, store, [Destroy(actor=OPERATOR, id=far.id, reason="test")])
    answers = [far.scanned(who, kind) for _ in range(FULL.refusals + 1)]
    assert answers[:-1] == [UNKNOWN] * FULL.refusals
    assert (answers[-1].reason == "locked") is locks


def test_event_key_names_one_scan_and_has_a_limited_length(world, store, parcel, order):
    _, data = parcel
    _, other = load_on_van(world, store, order("A-2"))
    one = Scan(actor=RECEIVER, what=data.code, kind="arrived", event="e" * 128)
    others = [replace(one, kind="departed"), replace(one, what=other.code)]
    kept = Scanned(kind="arrived", at=world.now())
    assert scan(world, store, [one, *others, one]) == [kept, REUSED, REUSED, kept]
    assert scan(world, store, [*others, one]) == [REUSED, REUSED, kept]
    assert scan(world, store, [replace(one, event=event) for event in ("", "e" * 129)]) == [NO_EVENT] * 2
