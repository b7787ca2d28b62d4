"""Step 7: what ends with a signature, and what asking again gives."""

from __future__ import annotations

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.store.rows import slots
from masking.values.outcomes import Delivered
from tests.support.parcels import scan_arrival
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER


def held(store, waybill):
    with store.transaction() as tx:
        return slots.leases(tx, [record_of_waybill_id(waybill.id)])


def test_virtual_number_ends_with_the_delivery(world, store, parcel):
    waybill, data = parcel
    assert held(store, waybill)
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    assert not held(store, waybill)


def test_delivery_reported_twice_is_recorded_once_with_the_same_answer(world, store, parcel, fake_world):
    waybill, data = parcel
    asked = Deliver(actor=COURIER, code=data.code)
    first, again = deliver(world, store, [asked, asked])
    fake_world.advance(minutes=3)
    [later] = deliver(world, store, [asked])
    assert isinstance(first, Delivered)
    assert first == again == later
    kinds = [leaf.kind for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id))]
    assert kinds.count("deliver") == 1


def test_repeated_delivery_is_answered_by_the_live_label_only(world, store, parcel):
    waybill, old = parcel
    scan_arrival(world, store, old)
    again = Label(actor=DISPATCHER, id=waybill.id, job="job-2", station="st-1", reason="damaged")
    [live] = label(world, store, [again])
    assert isinstance(deliver(world, store, [Deliver(actor=COURIER, code=live.code)])[0], Delivered)
    assert deliver(world, store, [Deliver(actor=COURIER, code=old.code)]) == [UNKNOWN]
    assert deliver(world, store, [Deliver(actor=OTHER_COURIER, code=live.code)]) == [UNKNOWN]


def test_refused_deliveries_lock_the_caller(world, store, parcel):
    _, data = parcel
    asked = Deliver(actor=OTHER_COURIER, code=data.code)
    answers = [deliver(world, store, [asked])[0] for _ in range(FULL.refusals + 1)]
    assert answers[:-1] == [UNKNOWN] * FULL.refusals
    assert answers[-1].reason == "locked"
