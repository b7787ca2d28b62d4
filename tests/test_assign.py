"""Step 4: to whom a parcel may be given, what of it counts, and which refusals do not lock."""

from __future__ import annotations

from dataclasses import replace

from masking.access.budget import FULL
from masking.access.people import Actor, Role
from masking.steps.assign import Assign, assign, outlet_of
from masking.steps.look import Look, look
from masking.store.rows import budgets, people
from masking.values.outcomes import Assigned, MaskedLookup
from masking.values.printable import Refusal
from tests.support.parcels import resolve_one
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RECEIVER, SHOP

OUTLET = outlet_of(Assign(actor=DISPATCHER, what="", courier=""))


def given(world, store, data, courier):
    return assign(world, store, [Assign(actor=DISPATCHER, what=data.waybill_number, courier=courier)])[0]


def counts(world, store, **changes):
    """The outlet's own counts, after these changes."""
    with store.transaction() as tx:
        tallies = budgets.open_tallies(tx, [OUTLET], world.now())
        for name, value in changes.items():
            setattr(tallies[OUTLET], name, value)
        budgets.save_tallies(tx, tallies, world.now(), world)
        return tallies[OUTLET].counts


def test_parcel_is_assigned_to_couriers_of_its_outlet_only(world, store, parcel):
    _, data = parcel
    others = [
        replace(COURIER, id="sh-02-courier", unit="sh-02"),
        Actor(id="stranger", tenant="another-carrier", role=Role.COURIER, unit="sh-01"),
    ]
    with store.transaction() as tx:
        for each in others:
            people.enrol(world, store.keys, tx, each, world.now())
    for wrong in (*(each.id for each in others), RECEIVER.id, SHOP.id, "nobody"):
        answers = [given(world, store, data, wrong) for _ in range(FULL.refusals)]
        assert answers == [Refusal(reason="no-such-courier-here")] * FULL.refusals
    assert given(world, store, data, OTHER_COURIER.id) == Assigned(courier=OTHER_COURIER.id, at=world.now())


def test_reassignment_after_a_view_is_limited_unless_to_the_same_courier(world, store, parcel, fake_world):
    _, data = parcel
    assert counts(world, store).assigned_today == 1
    resolve_one(world, store, data.code)
    fake_world.advance(hours=24)
    counts(world, store, opened_today=1000)
    assert given(world, store, data, COURIER.id) == Assigned(courier=COURIER.id, at=world.now())
    resolve_one(world, store, data.code)
    assert given(world, store, data, OTHER_COURIER.id).reason == "too-many-handed-on"
    counts(world, store, opened_today=0)
    assert isinstance(given(world, store, data, OTHER_COURIER.id), Assigned)
    assert counts(world, store).opened_today == 1


def test_reassignment_counts_a_parcel_whose_masked_view_was_seen(world, store, parcel):
    _, data = parcel
    assert isinstance(look(world, store, [Look(actor=COURIER, code=data.code)])[0], MaskedLookup)
    counts(world, store, opened_today=1000)
    assert given(world, store, data, OTHER_COURIER.id).reason == "too-many-handed-on"
    counts(world, store, opened_today=0)
    assert isinstance(given(world, store, data, OTHER_COURIER.id), Assigned)
    assert isinstance(given(world, store, data, COURIER.id), Assigned)  # the second courier has seen nothing
    assert counts(world, store).opened_today == 1
