"""A clock that is set back neither shortens nor extends lives, locks, budgets or duties of a running service."""

from __future__ import annotations

from datetime import timedelta

import pytest

from masking.access import credentials as words
from masking.access.duty import Purpose
from masking.access.people import Role
from masking.journal import journal
from masking.ledger.checkpoint import read
from masking.runtime import SteadyClock, World, milliseconds
from masking.steps.enrol import new_secret
from masking.steps.redeem import Issued, Redeem, redeem
from masking.steps.resolve import Resolve, resolve
from masking.store.rows import credentials
from masking.upkeep.retention_run import nightly
from masking.values.plaintext import Grant
from tests.support.fake_world import FakeWorld
from tests.support.parcels import check_out, load_on_van, print_label, resolve_one
from tests.support.people import COURIER, OPERATOR, OTHER_COURIER, SHOP

BACK = pytest.mark.parametrize("back", [timedelta(hours=1), timedelta(days=1)], ids=str)
ON_ONE_STORE = pytest.mark.parametrize("urls", ["file"], indirect=True)


class Machine:
    """A machine's clock that can be set, and its ticks, which go on."""

    def __init__(self, fake_world: FakeWorld) -> None:
        self.fake_world = fake_world
        self.ticks = 1000.0
        self.clock = SteadyClock(lambda: fake_world.time, lambda: self.ticks)

    def passes(self, **delta: float) -> None:
        self.fake_world.time += timedelta(**delta)
        self.ticks += timedelta(**delta).total_seconds()

    def set_back(self, by: timedelta) -> None:
        self.fake_world.time -= by


@pytest.fixture
def machine(fake_world):
    return Machine(fake_world)


@pytest.fixture
def world(fake_world, machine):
    return World(now=machine.clock, entropy=fake_world.world.entropy)


@BACK
def test_clock_set_back_is_ignored_and_clock_set_ahead_is_followed(machine, back):
    began = machine.clock()
    machine.set_back(back)
    assert machine.clock() == began
    machine.passes(minutes=5)
    assert machine.clock() == began + timedelta(minutes=5)
    assert machine.clock.ahead == back
    machine.fake_world.time += back + timedelta(minutes=10)
    assert machine.clock() == machine.fake_world.time
    assert not machine.clock.ahead


def test_clock_continues_from_the_last_checkpoint_unless_far_ahead(machine):
    began = machine.clock()
    machine.clock.not_before(began + timedelta(days=400))
    assert machine.clock() == began
    machine.clock.not_before(began - timedelta(days=1))
    assert machine.clock() == began
    machine.clock.not_before(began + timedelta(hours=1))
    machine.passes(minutes=1)
    assert machine.clock() == began + timedelta(hours=1, minutes=1)


@BACK
@ON_ONE_STORE
def test_token_lasts_one_hour(store, world, machine, back):
    with store.transaction() as tx:
        secret = new_secret(world, tx, SHOP.id)
    [issued] = redeem(world, store, [Redeem(shown=secret)], bearer=frozenset(Role))
    assert isinstance(issued, Issued)
    digest = words.sure_digest(words.TOKEN, issued.token)

    def is_valid():
        with store.reading() as tx:
            return bool(credentials.holders(tx, {digest}, world.now()))

    machine.passes(minutes=30)
    machine.set_back(back)
    machine.passes(minutes=29)
    assert is_valid()
    machine.passes(minutes=2)
    assert not is_valid()


@BACK
@ON_ONE_STORE
def test_clock_change_neither_ends_nor_extends_locks_and_daily_counts(store, world, machine, back, order):
    _, data = load_on_van(world, store, order())
    before = resolve_one(world, store, data.code).remaining
    for _ in range(20):
        resolve_one(world, store, data.code, OTHER_COURIER)
    machine.set_back(back)
    machine.passes(minutes=59)
    assert resolve_one(world, store, data.code, OTHER_COURIER).reason == "locked"
    assert resolve_one(world, store, data.code).remaining == before
    machine.passes(minutes=2)
    assert resolve_one(world, store, data.code, OTHER_COURIER).reason == "unknown"


@BACK
@ON_ONE_STORE
def test_duty_lasts_one_day(store, world, machine, back, order):
    _, data = load_on_van(world, store, order())
    machine.set_back(back)
    machine.passes(hours=23, minutes=59)
    assert isinstance(resolve_one(world, store, data.code), Grant)
    machine.passes(minutes=2)
    assert resolve_one(world, store, data.code).reason == "duty-is-over"


@BACK
@ON_ONE_STORE
def test_leaves_keep_their_order_and_checkpoints_show_elapsed_time(store, world, machine, back, order):
    _, data = load_on_van(world, store, order())
    journal.sequence(world, store)
    machine.passes(minutes=1)
    machine.set_back(back)
    [granted] = resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)])
    assert isinstance(granted, Grant)
    signed = read(journal.sequence(world, store), journal.log_key(world, store))
    record = store.read_codes([data.code], world, world.now())[0][0]
    leaves = journal.who_saw(world, store, record)
    assert [each.at for each in leaves] == sorted(each.at for each in leaves)
    assert leaves[-1].kind == "grant"
    assert milliseconds(leaves[-1].at) == milliseconds(signed.at)


def sealed_away(world, store):
    return {line.what: line.times for line in nightly(world, store, OPERATOR)}["waybills sealed away"]


@ON_ONE_STORE
def test_order_under_a_machines_slow_clock_is_kept_and_ends_as_much_earlier(store, fake_world, order):
    """An embedded shop goes by the machine's clock, which was ten days slow when the order came."""
    shop = fake_world.world
    journal.sequence(shop, store)
    fake_world.advance(days=-10)
    waybill = check_out(shop, store, order())
    print_label(shop, store, waybill)
    fake_world.advance(days=10)
    journal.sequence(shop, store)
    assert journal.verify(store).fault is None
    fake_world.advance(days=49)
    assert sealed_away(shop, store) == 0
    fake_world.advance(days=2)
    assert sealed_away(shop, store) == 1
