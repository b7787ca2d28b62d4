"""Acts that succeed and could be repeated for ever are paced: each leaves a leaf that is never deleted."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.access.budget import CORRECTIONS, HANDED_ON_SPARE, REPEATS
from masking.access.chain import Leg, Where, is_repeat, place_after
from masking.access.duty import Purpose
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.steps.assign import Assign, assign, outlet_of
from masking.steps.call import Call, call
from masking.steps.change import Amend, Ship, change
from masking.steps.label import MOST_PRINTS, Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.scan import Scan, scan
from masking.steps.shift import Shift, shift
from masking.store.rows import budgets, waybills
from masking.values.outcomes import Assigned
from masking.values.printable import Refusal
from tests.support.parcels import check_out, load_on_van, print_label, scan_arrival
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, RECEIVER, SHOP


class Acts:
    """Each act, done again and again by one person; `turn` numbers the times."""

    def __init__(self, world, store, order):
        self.world, self.store, self.order = world, store, order
        self.waybill, self.label = load_on_van(world, store, order("on-the-van"))
        self.new = check_out(world, store, order("new", waybill_number="YT000000000001"))
        change(world, store, [Amend(merchant=SHOP, id=self.new.id, order=order("new", goods="0"))])
        resolve(world, store, [Resolve(actor=COURIER, code=self.label.code, purpose=Purpose.DELIVER)])
        shift(world, store, [Shift(actor=DISPATCHER, courier=COURIER.id, hours=9)])

    def open_again(self, _turn):
        return resolve(self.world, self.store, [Resolve(actor=COURIER, code=self.label.code, purpose=Purpose.DELIVER)])

    def announce_again(self, _turn):
        return call(self.world, self.store, [Call(actor=COURIER, code=self.label.code)])

    def preview(self, _turn):
        return label(self.world, self.store, [Label(actor=SHOP, id=self.new.id, job="j", station="s", preview=True)])

    def reprint(self, turn):
        asked = Label(actor=DISPATCHER, id=self.waybill.id, job=f"r{turn}", station="s", reason="damaged")
        return label(self.world, self.store, [asked])

    def amend(self, turn):
        changed = self.order("new", goods=str(turn))
        return change(self.world, self.store, [Amend(merchant=SHOP, id=self.new.id, order=changed)])

    def ship(self, turn):
        made = Ship(merchant=SHOP, id=self.new.id, waybill_number=f"YT{turn:013}", routing_code="342-081-00 052")
        return change(self.world, self.store, [made])

    def scan(self, _turn):
        return scan(self.world, self.store, [Scan(actor=RECEIVER, what=self.label.code, kind="arrived")])

    def attempt(self, _turn):
        return scan(self.world, self.store, [Scan(actor=COURIER, what=self.label.code, kind="attempted")])

    def assign(self, turn):
        to = (COURIER, OTHER_COURIER)[turn % 2]
        return assign(self.world, self.store, [Assign(actor=DISPATCHER, what=self.label.code, courier=to.id)])

    def shift(self, turn):
        return shift(self.world, self.store, [Shift(actor=DISPATCHER, courier=COURIER.id, hours=1 + turn % 2)])


WHO = {
    "open_again": COURIER,
    "announce_again": COURIER,
    "preview": SHOP,
    "reprint": DISPATCHER,
    "amend": SHOP,
    "ship": SHOP,
    "scan": RECEIVER,
    "attempt": COURIER,
    "assign": DISPATCHER,
    "shift": DISPATCHER,
}


MOST = {"amend": CORRECTIONS, "ship": CORRECTIONS}


def use_up(world, store, actor, most=REPEATS):
    """Leave this person one more repetition in these ten minutes."""
    now = world.now()
    with store.transaction() as tx:
        tallies = budgets.open_tallies(tx, [actor.id], now)
        tallies[actor.id].repeats_in_window = most - 1
        budgets.save_tallies(tx, tallies, now, world)


def leaves(store):
    with store.reading() as tx:
        return tx.execute(sa.select(sa.func.count()).select_from(schema.leaf)).scalar_one()


@pytest.mark.parametrize("act", WHO)
def test_repeated_act_is_refused_beyond_its_pace_until_ten_minutes_later(store, world, fake_world, order, act):
    repeat = getattr(Acts(world, store, order), act)
    use_up(world, store, WHO[act], MOST.get(act, REPEATS))
    before = leaves(store)
    [done] = repeat(1)
    assert not isinstance(done, Refusal)
    assert leaves(store) == before + 1
    [refused] = repeat(2)
    assert (refused.reason, 0 < refused.retry_after <= 601) == ("too-fast", True)
    fake_world.advance(minutes=10)
    [later] = repeat(3)
    assert not isinstance(later, Refusal)


def test_return_of_a_returning_parcel_is_paced_and_the_first_is_not(store, world, order):
    code = Acts(world, store, order).label.code
    use_up(world, store, RECEIVER)
    done = [scan(world, store, [Scan(actor=RECEIVER, what=code, kind="returned")])[0] for _ in range(3)]
    assert [getattr(each, "reason", "done") for each in done] == ["done", "done", "too-fast"]


def test_second_diversion_of_a_parcel_is_a_repetition():
    first = Where(leg=Leg.DELIVERY, custody="arrived", custodian_unit=RECEIVER.unit)
    diverted = place_after("diverted", first, RECEIVER, to="sh-02")
    assert (is_repeat("diverted", first), is_repeat("diverted", diverted)) == (False, True)


def test_end_of_a_shift_is_never_refused(store, world, order):
    Acts(world, store, order)
    use_up(world, store, DISPATCHER)
    ends = [Shift(actor=DISPATCHER, courier=COURIER.id, hours=hours) for hours in (3, 0)]
    assert not any(isinstance(each, Refusal) for each in shift(world, store, ends))
    [begun] = shift(world, store, [Shift(actor=DISPATCHER, courier=COURIER.id, hours=3)])
    assert begun.reason == "too-fast"


def test_first_act_on_each_parcel_is_not_a_repetition(store, world, order):
    use_up(world, store, DISPATCHER)
    for n in range(3):
        data = print_label(world, store, check_out(world, store, order(f"A-{n}")), job=f"j{n}")
        scan_arrival(world, store, data)
        [done] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)])
        assert isinstance(done, Assigned)


def test_parcel_that_goes_to_and_fro_raises_no_limit_of_reassignments(store, world, order):
    """A tenth of what an outlet assigns may be handed on after a view; one parcel must not count a hundred times."""
    data = print_label(world, store, check_out(world, store, order()))
    scan_arrival(world, store, data)
    for turn in range(100):
        to = (COURIER, OTHER_COURIER)[turn % 2]
        [done] = assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=to.id)])
        assert isinstance(done, Assigned)
    name = outlet_of(Assign(actor=DISPATCHER, what="", courier=""))
    with store.transaction() as tx:
        tally = budgets.open_tallies(tx, [name], world.now())[name]
    assert tally.assigned_today == 1
    tally.opened_today = HANDED_ON_SPARE
    assert tally.try_reassign() is not None


def test_label_is_printed_a_thousand_times_at_most(store, world, order):
    """A label code has two bytes for the number of its print; beyond them it could not be made."""
    acts = Acts(world, store, order)
    with store.transaction() as tx:
        waybills.update(tx, record_of_waybill_id(acts.waybill.id), prints=MOST_PRINTS - 1)
    [last] = acts.reprint(1)
    assert last.print_number == MOST_PRINTS < 2**16
    [refused] = acts.reprint(2)
    assert refused == Refusal(reason="printed-too-often")
    [same] = acts.reprint(1)
    assert same == last
