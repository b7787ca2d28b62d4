"""Assignments without an arrival: what a writer of the data leaves on the ledger who moves a parcel by its row."""

from __future__ import annotations

import pytest

from masking.access.people import Actor, Role
from masking.database import schema
from masking.journal import watch
from masking.steps.assign import Assign, assign
from masking.steps.scan import Scan, scan
from masking.store.rows import people
from masking.values.outcomes import Assigned, Scanned
from masking.values.plaintext import Grant
from masking.words.alarms import AlarmKind
from tests.support.parcels import check_out, load_on_van, print_label, resolve_one
from tests.support.people import COURIER, DISPATCHER, RECEIVER, TENANT

FAR_CLERK = Actor(id="far-clerk", tenant=TENANT, role=Role.OUTLET, unit="hz-01")


@pytest.fixture
def moved(store, world, order):
    """A parcel without an arrival, moved to the outlet by its row, and assigned there."""
    data = print_label(world, store, check_out(world, store, order()))

    def move(**values):
        here = {
            "leg": "delivery",
            "custody": "arrived",
            "custodian_unit": "sh-01",
            "holder": RECEIVER.id,
            "received_by": RECEIVER.id,
        }
        with store.data.begin() as tx:
            tx.execute(schema.waybill.update().values(here | {"diverted_to": "sh-01"} | values))
        [given] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)])
        assert isinstance(given, Assigned)
        assert isinstance(resolve_one(world, store, data.code), Grant)

    return data, move


def found(world, store):
    return [(each.kind, each.who, each.times) for each in watch.watch(world, store)]


def test_assignment_after_altered_custody_is_found(store, world, moved):
    _, move = moved
    move()
    assert found(world, store) == [(AlarmKind.NEVER_ARRIVED, DISPATCHER.id, 1)]


def test_arrival_at_another_outlet_does_not_explain_an_assignment(store, world, moved):
    data, move = moved
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, FAR_CLERK, world.now())
    with store.data.begin() as tx:  # the far outlet has it, as its colleagues sent it
        tx.execute(schema.waybill.update().values(leg="delivery", custody="departed", custodian_unit="x", holder="x"))
    [seen] = scan(world, store, [Scan(actor=FAR_CLERK, what=data.waybill_number, kind="arrived")])
    assert isinstance(seen, Scanned)
    move()
    assert found(world, store) == [(AlarmKind.NEVER_ARRIVED, DISPATCHER.id, 1)]


def test_departure_ends_what_an_arrival_explains(store, world, order, fake_world):
    _, data = load_on_van(world, store, order())
    fake_world.advance(minutes=5)
    scan(world, store, [Scan(actor=RECEIVER, what=data.waybill_number, kind="departed")])
    fake_world.advance(minutes=5)
    with store.data.begin() as tx:
        tx.execute(schema.waybill.update().values(custody="arrived", holder=RECEIVER.id, received_by=RECEIVER.id))
    [given] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)])
    assert isinstance(given, Assigned)
    assert found(world, store) == [(AlarmKind.NEVER_ARRIVED, DISPATCHER.id, 1)]


def test_arrival_of_last_week_explains_todays_assignment(store, world, order, fake_world):
    data = print_label(world, store, check_out(world, store, order()))
    scan(world, store, [Scan(actor=RECEIVER, what=data.waybill_number, kind="arrived")])
    fake_world.advance(days=7)
    [given] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)])
    assert isinstance(given, Assigned)
    assert found(world, store) == []
