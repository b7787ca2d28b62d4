"""An honest courier's day passes without a refusal, and raises no alarm: 150 parcels, 08:00 to 19:00, and the next morning."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from api.service.request_models import ORDER
from masking.access.budget import FULL, HALF
from masking.access.duty import Purpose
from masking.access.people import Actor, KeyProtection, Role
from masking.journal import watch
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, deliver
from masking.steps.enrol import Enrol, enrol
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, people
from masking.values.json import order_from_json
from masking.values.printable import Refusal, Rejected
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RECEIVER, SHOP, TENANT
from tests.support.running_service import carrier_numbers

BOSS = Actor(id="boss", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")
DELIVERIES, RETURNS, COLLECTIONS = 134, 6, 10


class Day:
    """Everything that anybody is told goes through here, and none of it is a refusal."""

    def __init__(self, world, store, fake_world) -> None:
        self.world, self.store, self.fake_world = world, store, fake_world
        self.asked = 0

    def do(self, step, *requests):
        outcomes = step(self.world, self.store, list(requests))
        self.asked += len(outcomes)
        for outcome in outcomes:
            assert not isinstance(outcome, Refusal | Rejected), (self.fake_world.time, step.__name__, outcome)
        return outcomes

    def in_twenties(self, step, requests):
        for start in range(0, len(requests), 20):
            self.do(step, *requests[start : start + 20])

    def entered(self, first, many):
        """Orders with their labels."""
        orders = [
            order_from_json(ORDER | carrier_numbers(n) | {"reference": f"day-{n}"}) for n in range(first, first + many)
        ]
        waybills = self.do(checkout, *[Checkout(merchant=SHOP, order=order) for order in orders])
        return self.do(label, *[Label(actor=SHOP, id=each.id, job="day", station="shop") for each in waybills])

    def given(self, labels, courier=COURIER):
        self.in_twenties(assign, [Assign(actor=DISPATCHER, what=each.code, courier=courier.id) for each in labels])

    def opens(self, labels, purpose=Purpose.DELIVER, actor=COURIER):
        self.do(resolve, *[Resolve(actor=actor, code=each.code, purpose=purpose) for each in labels])

    def delivers(self, labels, actor=COURIER):
        self.do(deliver, *[Deliver(actor=actor, code=each.code) for each in labels])

    def scans(self, labels, kind, actor=COURIER):
        self.in_twenties(scan, [Scan(actor=actor, what=each.code, kind=kind) for each in labels])

    def stops(self, labels, purpose=Purpose.DELIVER, actor=COURIER, minutes=4):
        """Door after door, three looked up ahead; every fifth recipient is rung; one in ten is not at home."""
        absent = []
        for start in range(0, len(labels), 3):
            some = labels[start : start + 3]
            self.opens(some, purpose, actor)
            for n, each in enumerate(some, start):
                self.fake_world.advance(minutes=minutes)
                if n % 5 == 0:
                    self.do(call, Call(actor=actor, code=each.code))
                if n % 10 == 9:
                    self.opens([each], purpose, actor)  # looked at again, at the door
                    self.scans([each], "attempted", actor)
                    absent.append(each)
                else:
                    self.delivers([each], actor)
        return absent


@pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)
@pytest.mark.parametrize(
    ("level", "ahead"),
    [(KeyProtection.HARDWARE, FULL.open_parcels - 4), (KeyProtection.SOFTWARE, HALF.open_parcels - 2)],
)
def test_honest_couriers_day_has_no_refusal(world, store, fake_world, level, ahead):
    store.settings = replace(store.settings, demo=False)
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, BOSS, world.now())
        people.bind(tx, COURIER.id, bytes(32), level)
    day = Day(world, store, fake_world)
    fake_world.advance(minutes=-90)  # seven o'clock: the truck
    deliveries, returns, collections = (
        day.entered(first, many) for first, many in ((0, DELIVERIES), (200, RETURNS), (300, COLLECTIONS))
    )
    day.scans(deliveries + returns, "arrived", RECEIVER)
    day.scans(returns, "returned", RECEIVER)
    day.given(deliveries + returns + collections)
    fake_world.advance(hours=1)  # eight o'clock: the van is loaded
    day.scans(deliveries + returns, "collected")

    absent = day.stops(deliveries[:40], minutes=5)
    dead_zone = deliveries[40 : 40 + ahead]  # looked up before the cellar, reported after it, and reported twice
    for start in range(0, ahead, 10):
        day.opens(dead_zone[start : start + 10])
    fake_world.advance(minutes=50)
    day.delivers(dead_zone)
    day.delivers(dead_zone)

    rest = deliveries[40 + ahead :]  # the phone dies at noon, with three doors open that are lost with it
    day.opens(rest[:3])
    day.do(enrol, Enrol(actor=BOSS, id=COURIER.id, role=Role.COURIER, unit=COURIER.unit))
    with store.transaction() as tx:
        assert people.bind(tx, COURIER.id, b"\1" * 32, level)
    fake_world.advance(minutes=40)
    day.opens(rest[:3])
    handed, rest = rest[:20], rest[20:]  # a colleague takes over twenty, three of them already looked at
    day.given(handed, OTHER_COURIER)
    day.opens(handed, actor=OTHER_COURIER)
    day.delivers(handed, OTHER_COURIER)

    absent += day.stops(rest)
    for each in collections:
        day.opens([each], Purpose.COLLECT)
        fake_world.advance(minutes=3)
        day.do(call, Call(actor=COURIER, code=each.code))
        day.scans([each], "collected")
    absent_returns = day.stops(returns, Purpose.RETURN)
    assert not absent_returns
    local = fake_world.time + timedelta(hours=8)
    assert (17, 0) < (local.hour, local.minute) < (19, 0)
    day.scans(absent + collections, "arrived", RECEIVER)  # back on the shelf
    found = watch.watch(world, store)

    fake_world.advance(hours=14)  # the next morning: what was not delivered is given out again
    day.given(absent)
    day.scans(absent, "collected")
    day.opens(absent)
    day.delivers(absent)
    with store.reading() as tx:
        assert budgets.alarms(tx) == []
    assert found == watch.watch(world, store) == []
    print(f"\nan honest day at level {level}: {day.asked} requests, 0 refusals, 0 alarms")
