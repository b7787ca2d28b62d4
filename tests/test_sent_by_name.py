"""A departure that names the next unit: that unit takes the parcel in, and no other unit can disturb it."""

from __future__ import annotations

from dataclasses import replace

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN
from masking.store.rows import people
from masking.values.outcomes import Assigned
from masking.values.printable import Refusal
from tests.support.carrier_network import (
    ASIDE,
    ASIDE_COURIER,
    ASIDE_TOO,
    HUB_IN,
    HUB_OUT,
    HZ_DISPATCHER,
    HZ_RECEIVER,
    NEXT_HUB_IN,
    label_far_parcel,
    send_to_outlet,
)
from tests.support.people import COURIER, DISPATCHER, RECEIVER


def test_parcel_sent_to_a_named_unit_is_refused_at_another_without_a_lock(far_parcel):
    """Neither does anybody who tries it learn more, or get locked: a lorry is unloaded at the wrong ramp now and then."""
    parcel_at_hub(far_parcel)
    far_parcel.moves((HUB_OUT, "departed", "sh-01"), (HUB_OUT, "departed"))
    elsewhere = Refusal(reason="sent-to-another-unit")
    for _ in range(FULL.refusals + 2):
        assert far_parcel.scanned(ASIDE, "arrived") == far_parcel.scanned(ASIDE_TOO, "departed") == elsewhere
    for kind, to in (("departed", "hub-1"), ("diverted", "hz-01"), ("returned", None)):
        assert far_parcel.scanned(ASIDE, kind, to) in (elsewhere, UNKNOWN)
    assert isinstance(far_parcel.reprinted(ASIDE_TOO), Refusal)
    assert far_parcel.given(ASIDE_TOO, ASIDE_COURIER) == UNKNOWN
    far_parcel.moves((RECEIVER, "arrived"))
    assert isinstance(far_parcel.given(DISPATCHER, COURIER), Assigned)


def test_outlet_of_the_routing_code_lacks_a_parcel_still_bound_for_a_hub(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((HUB_IN, "arrived"), (HUB_IN, "departed", "hub-2"))
    assert far_parcel.scanned(RECEIVER, "arrived") == Refusal(reason="sent-to-another-unit")
    assert far_parcel.given(DISPATCHER, COURIER) == UNKNOWN


def test_sender_of_a_parcel_can_correct_or_withdraw_its_destination(far_parcel):
    parcel_at_hub(far_parcel)
    far_parcel.moves((HUB_IN, "departed", "hub-2"), (HUB_OUT, "departed", "sh-02"))
    assert far_parcel.scanned(RECEIVER, "arrived") == Refusal(reason="sent-to-another-unit")
    far_parcel.moves((HUB_IN, "arrived"), (HUB_OUT, "departed"), (RECEIVER, "arrived"))


def test_addressed_unit_reports_where_a_parcel_turned_up_instead(far_parcel):
    parcel_at_hub(far_parcel)
    far_parcel.moves((HUB_OUT, "departed", "sh-01"))
    assert far_parcel.scanned(ASIDE, "arrived") == Refusal(reason="sent-to-another-unit")
    far_parcel.moves((RECEIVER, "diverted", "sh-02"), (ASIDE, "arrived"))
    assert isinstance(far_parcel.given(ASIDE_TOO, ASIDE_COURIER), Assigned)


def test_departure_needs_a_destination_where_the_carrier_demands_it(world, store, order):
    store.settings = replace(store.settings, name_next_unit=True)
    parcel = label_far_parcel(world, store, order)
    parcel.moves((HZ_RECEIVER, "arrived"))
    assert parcel.scanned(HZ_DISPATCHER, "departed") == Refusal(reason="to-names-another-unit-of-departed-or-diverted")
    parcel.moves((HZ_DISPATCHER, "departed", "sh-01"), (RECEIVER, "arrived"))


def test_parcel_is_not_sent_to_a_unit_where_no_person_could_receive_it(far_parcel, world, store):
    """It is a typing error: it would keep the parcel from every person, and it does not lock."""
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, replace(COURIER, id="sh-03-courier", unit="sh-03"), world.now())
        people.enrol(world, store.keys, tx, replace(RECEIVER, id="other", tenant="other", unit="sh-04"), world.now())
    parcel_at_hub(far_parcel)
    nobody = Refusal(reason="to-names-a-unit-without-staff")
    for to in ("sh-1", "SH-01", "sh-03", "sh-04", "far-shop"):
        for kind in ("departed", "diverted"):
            assert [far_parcel.scanned(HUB_OUT, kind, to) for _ in range(FULL.refusals)] == [nobody] * FULL.refusals
    far_parcel.moves((HUB_OUT, "departed", "hub-2"))
    with store.transaction() as tx:
        people.revoke(tx, [NEXT_HUB_IN.id])
    assert far_parcel.scanned(HUB_OUT, "departed", "hub-2") == nobody
    far_parcel.moves((HUB_OUT, "departed", "sh-01"), (RECEIVER, "arrived"))


def parcel_at_hub(parcel):
    send_to_outlet(parcel)
    parcel.moves((HUB_IN, "arrived"))
