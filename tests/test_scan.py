"""Step 3: what is not scanned, and what trying it costs."""

from __future__ import annotations

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.deliver import Deliver, deliver
from masking.retire import Destroy, SealAway, retire
from masking.scan import Scan, scan
from masking.vault import people
from tests.cast import COURIER, OPERATOR, RECEIVER, checked_out, labelled


def scanned(world, store, actor, what, kind="arrived"):
    return scan(world, store, [Scan(actor=actor, what=what, kind=kind)])[0]


def test_a_parcel_that_has_reached_its_end_is_scanned_by_nobody(world, store, parcel, order):
    _, delivered = parcel
    deliver(world, store, [Deliver(actor=COURIER, code=delivered.code)])
    away, gone = (checked_out(world, store, order(ref)) for ref in ("A-2", "A-3"))
    labels = [labelled(world, store, each) for each in (away, gone)]
    retire(
        world,
        store,
        [SealAway(actor=OPERATOR, id=away.id), Destroy(actor=OPERATOR, id=gone.id, reason="test")],
    )
    for data in (delivered, *labels):
        assert scanned(world, store, RECEIVER, data.code) == UNKNOWN
        assert scanned(world, store, RECEIVER, data.waybill_number) == UNKNOWN


def test_an_outlet_of_another_tenant_scans_nothing_here(world, store, parcel):
    _, data = parcel
    stranger = Actor(id="other-clerk", tenant="other-carrier", role=Role.OUTLET, unit="sh-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, stranger, world.now())
    assert scanned(world, store, stranger, data.code) == UNKNOWN


def test_whoever_is_not_enrolled_any_more_hears_nothing_of_what_they_scanned(world, store, parcel):
    _, data = parcel
    again = Scan(actor=RECEIVER, what=data.code, kind="arrived", event="gate-1/0001")
    assert scan(world, store, [again]) == scan(world, store, [again]) != [UNKNOWN]
    with store.transaction() as tx:
        people.revoke(tx, [RECEIVER.id])
    assert scan(world, store, [again]) == [UNKNOWN]


def test_scans_that_are_refused_lock_whoever_tries_them(world, store):
    answers = [scanned(world, store, RECEIVER, f"YT{n:013}") for n in range(FULL.refusals + 1)]
    assert answers[:-1] == [UNKNOWN] * FULL.refusals
    assert answers[-1].reason == "locked"


def test_a_courier_scans_label_codes_and_no_waybill_numbers(world, store, parcel):
    _, data = parcel
    assert scanned(world, store, COURIER, data.waybill_number, "attempted") == UNKNOWN
    assert scanned(world, store, COURIER, data.code, "attempted") != UNKNOWN
