"""The pool of virtual numbers: the life of a lease, and many writers at once."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
import sqlalchemy as sa

from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.errors import InputError
from masking.numbers.pool import DEMO, HELD, LEASE, OPEN_LINE_REST, REST, TRANSITIONS, SlotAct, Stage, diagram
from masking.numbers.routing import INTENT_LIFE, PARCEL_RULES, PLAN_RULES
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.steps.retire import Destroy, retire
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, calls, slots
from masking.upkeep.number_pool import keep_numbers
from masking.values.outcomes import Scanned
from tests.support.parcels import assign_courier, check_out, load_on_van, print_label, scan_arrival
from tests.support.people import COURIER, OPERATOR, SHOP

OPEN = DEMO._replace(main="17000000001", rest=OPEN_LINE_REST)


def stages(store):
    with store.transaction() as tx:
        return slots.counts(tx)


def lease_of(store, waybill):
    with store.transaction() as tx:
        return slots.leases(tx, [record_of_waybill_id(waybill.id)]).get(record_of_waybill_id(waybill.id))


def act(store, function, *arguments):
    with store.transaction() as tx:
        return function(tx, *arguments)


@pytest.fixture
def delivered(world, store, order):
    """A parcel that was labelled, delivered, and whose number has begun to cool down."""
    waybill, data = load_on_van(world, store, order())
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    return waybill


def test_printed_number_rests_and_an_unseen_one_does_not(world, store, order, delivered, fake_world):
    cancelled = check_out(world, store, order("A-2"))
    retire(world, store, [Destroy(actor=OPERATOR, id=cancelled.id, reason="test")])
    assert stages(store) == {"cooling": 1, "free": 999}
    fake_world.advance(milliseconds=(REST - timedelta(seconds=1)).total_seconds() * 1000)
    act(store, slots.free_rested, world.now())
    assert stages(store) == {"cooling": 1, "free": 999}
    fake_world.advance(seconds=2)
    act(store, slots.free_rested, world.now())
    assert stages(store) == {"free": 1000}


def test_line_that_connects_any_caller_rests_longer(world, store, order):
    act(store, slots.withdraw, SlotAct.RETIRE, DEMO.main, None, world.now())
    act(store, slots.add, OPEN, OPEN.slots(0, 0), world)
    waybill = check_out(world, store, order())
    print_label(world, store, waybill)
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    with store.transaction() as tx:
        [until] = tx.execute(sa.select(schema.slot.c.until).where(schema.slot.c.stage == Stage.COOLING)).scalars()
    assert until == (world.now() + OPEN_LINE_REST).timestamp() * 1000


def test_every_act_on_a_parcel_renews_its_lease(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    assert waybill.number.expires == world.now() + LEASE
    for days in (20, 20, 20):  # longer than a lease, altogether
        fake_world.advance(days=days)
        scan_arrival(world, store, data)
        act(store, slots.free_rested, world.now())
        assert lease_of(store, waybill).expires == world.now() + LEASE
    fake_world.advance(days=20)
    assign_courier(world, store, data)
    assert lease_of(store, waybill).expires == world.now() + LEASE
    fake_world.advance(days=20)
    assign_courier(world, store, data)
    failed = Scan(actor=COURIER, what=data.code, kind="attempted")
    assert scan(world, store, [failed]) == [Scanned(kind="attempted", at=world.now())]  # comes back tomorrow
    assert lease_of(store, waybill).expires == world.now() + LEASE


def test_lease_of_a_lost_parcel_ends_and_a_late_label_takes_a_new_number(world, store, order, fake_world):
    silent, late = check_out(world, store, order("A-1")), check_out(world, store, order("A-2"))
    print_label(world, store, silent)
    fake_world.advance(days=LEASE.days + 1)
    assert act(store, slots.free_rested, world.now()) == 2
    assert lease_of(store, silent) is None
    assert stages(store) == {"cooling": 1, "free": 999}
    assert print_label(world, store, late).number == lease_of(store, late)
    assert lease_of(store, late) is not None


def test_destroyed_parcel_returns_its_number(world, store, order):
    waybill = check_out(world, store, order())
    assert stages(store)["leased"] == 1
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert stages(store) == {"free": 1000}


def test_exhausted_pool_still_masks_and_the_label_gets_a_number_later(world, store, order):
    act(store, slots.withdraw, SlotAct.QUARANTINE, DEMO.main, None, world.now())
    first, second = checkout(world, store, [Checkout(merchant=SHOP, order=order(f"A-{n}")) for n in (1, 2)])
    assert first.masked is not None
    assert (first.number, second.number) == (None, None)
    with store.transaction() as tx:
        assert [kind for _, kind, _ in budgets.alarms(tx)] == ["numbers-dry"]
    act(store, slots.add, OPEN, OPEN.slots(7, 7), world)
    [one, none] = label(world, store, [Label(actor=SHOP, id=each.id, job="j", station="s") for each in (first, second)])
    assert str(one.number) == "17000000001 转 0007"
    assert none.number is None  # it still prints: "contact through the app"


def test_exhausted_pool_takes_rested_numbers_while_it_sells(world, store, order, delivered, fake_world):
    act(store, slots.withdraw, SlotAct.RETIRE, DEMO.main, [f"{n}" for n in range(1000, 2000)], world.now())
    act(store, slots.add, OPEN, OPEN.slots(0, 0), world)
    first = check_out(world, store, order("A-2"))
    print_label(world, store, first)
    retire(world, store, [Destroy(actor=OPERATOR, id=first.id, reason="test")])
    assert check_out(world, store, order("A-3")).number is None
    fake_world.advance(days=OPEN_LINE_REST.days, seconds=1)
    assert check_out(world, store, order("A-4")).number.main == OPEN.main


def test_quarantined_slot_connects_no_caller_and_rests_when_cleared(world, store, order):
    waybill = check_out(world, store, order())
    number = waybill.number
    assert act(store, slots.withdraw, SlotAct.QUARANTINE, number.main, [number.extension], world.now()) == 1
    assert act(store, slots.holders, {(number.main, number.extension)}, world.now()) == {}
    assert lease_of(store, waybill) is None
    assert act(store, slots.withdraw, SlotAct.CLEAR, number.main, None, world.now()) == 1
    assert stages(store) == {"cooling": 1, "free": 999}


def test_retired_line_serves_its_leases_and_no_new_ones(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    number = waybill.number
    assert act(store, slots.withdraw, SlotAct.RETIRE, number.main, None, world.now()) == 1000
    assert act(store, slots.holders, {(number.main, number.extension)}, world.now())
    assert check_out(world, store, order("A-2")).number is None
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert stages(store) == {"retired": 1000}
    fake_world.advance(days=365)
    assert act(store, slots.free_rested, world.now()) == 0


def test_slots_imported_twice_exist_once(world, store):
    assert act(store, slots.add, DEMO, DEMO.slots(1990, 2009), world) == 10
    assert stages(store) == {"free": 1010}


def test_every_stage_in_the_table_can_be_reached_and_left():
    reached = {Stage.FREE} | set(TRANSITIONS.values())
    assert reached == set(Stage)
    assert {before for before, _ in TRANSITIONS} == set(Stage) - {Stage.RETIRED}


def test_diagram_in_the_documents_is_generated_from_the_table():
    page = (Path(__file__).parents[1] / "docs" / "telephony.md").read_text("utf-8")
    assert f"```mermaid\n{diagram()}\n```" in page


@pytest.mark.parametrize(("digits", "first", "last"), [(0, 0, 0), (7, 0, 1), (2, 0, 100), (4, 5, 4), (4, -1, 3)])
def test_extensions_that_do_not_fit_their_digits_are_refused(digits, first, last):
    with pytest.raises(InputError, match="does-not-fit-the-digits"):
        DEMO._replace(digits=digits).slots(first, last)


def test_database_constraint_allows_one_slot_per_waybill(world, store, order):
    waybill = record_of_waybill_id(check_out(world, store, order()).id)
    slot = schema.slot
    for broken in (
        slot.update().where(slot.c.extension == "1000").values(waybill=waybill, stage="leased"),
        slot.update().where(slot.c.waybill.is_(None)).values(stage="leased"),
        slot.update().where(slot.c.waybill == waybill).values(stage="free"),
    ):
        with pytest.raises(sa.exc.IntegrityError), store.data.begin() as connection:
            # the first one may hit the slot that the waybill holds already: then there is nothing to break
            if connection.execute(broken).rowcount == 1:
                connection.execute(slot.update().values(stage="free"))


def test_parallel_writers_lease_no_slot_twice_and_lose_none(world, store, order):
    if str(store.data.url) == "sqlite://":
        pytest.skip("one connection is one writer")
    ids = [world.record_id(world.now()) for _ in range(1000)]
    got, failures = [], []

    def work(mine):
        try:
            for start in range(0, len(mine), 25):
                with store.transaction() as tx:
                    got.append(slots.lease(tx, dict.fromkeys(mine[start : start + 25], "3101"), world.now(), world))
                if start % 50 == 0:
                    with store.transaction() as tx:
                        slots.free_rested(tx, world.now())
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(ids[n::8],)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not [error.__cause__ for error in failures]
    given = [(number.main, number.extension) for batch in got for number in batch.values()]
    assert len(given) == len(set(given))
    with store.transaction() as tx:
        held = slots.leases(tx, ids)
        assert len(slots.lease(tx, dict.fromkeys(set(ids) - set(held), ""), world.now(), world)) == 1000 - len(held)
        assert slots.free(tx, 1) == 0  # a writer may have skipped what another held; nothing is lost to the pool
    assert stages(store) == {"leased": 1000}


def test_draw_starts_anywhere_in_the_pool(world, store):
    drawn = []
    for n in range(20):
        with store.transaction() as tx:
            [number] = slots.lease(tx, {n.to_bytes(16, "big"): "3101"}, world.now(), world).values()
            drawn.append(int(number.extension))
    assert len(set(drawn)) == 20
    ups = sum(a < b for a, b in pairwise(drawn))
    assert 4 < ups < 16  # neither upwards nor downwards


def test_no_lease_statement_reads_more_of_the_pool_than_it_takes(world, store):
    if store.data.dialect.name != "sqlite":
        pytest.skip("PostgreSQL's plans follow its statistics; the bench measures them")
    plans = []

    def explain(connection, _cursor, statement, parameters, _context, many):
        if "slot" in statement and not statement.startswith("EXPLAIN"):
            rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters[0] if many else parameters)
            plans.extend(row[3] for row in rows)

    sa.event.listen(store.data, "before_cursor_execute", explain)
    with store.transaction() as tx:
        slots.lease(tx, {bytes(16): "3101"}, world.now(), world)
        slots.free_rested(tx, world.now())
        slots.holders(tx, {("17000000000", "1000"), ("17000000000", "1001")}, world.now())
        slots.leases(tx, [bytes(16)])
        slots.renew(tx, [bytes(16)], world.now())
        slots.release(tx, [bytes(16)], world.now())
    assert any("ix_slot_stage_random_key (stage=? AND random_key>? AND random_key<?)" in plan for plan in plans), plans
    assert [plan for plan in plans if plan.startswith(("SCAN slot", "USE TEMP B-TREE"))] == []


def test_held_stages_are_those_after_a_lease_or_a_renewal():
    assert {after for (_, how), after in TRANSITIONS.items() if how in {SlotAct.LEASE, SlotAct.RENEW}} == set(HELD)


def test_every_reason_for_no_connection_has_an_announcement():
    private = {"intent-used", "intent-expired", "announce-first", "not-connected"}
    page = (Path(__file__).parents[1] / "docs" / "telephony.md").read_text("utf-8")
    played = re.search(r"^\| Reason \| .*? To play \|\n\|.*?\n(.*?)\n\n", page, re.MULTILINE | re.DOTALL)[1]
    reasons = [line.split("`")[1] for line in played.splitlines()]
    assert sorted(reasons) == sorted({reason for reason, _ in PLAN_RULES} | private)
    assert {"connect", "call-back"} < {reason for reason, _ in PARCEL_RULES}
    assert timedelta(seconds=120) == INTENT_LIFE
    assert calls.RECENT > INTENT_LIFE


def test_pool_with_less_than_a_tenth_free_raises_one_alarm_a_day(world, store, fake_world):
    extensions = [str(n) for n in range(1000, 2000)]
    with store.transaction() as tx:
        slots.withdraw(tx, SlotAct.QUARANTINE, DEMO.main, extensions[:900], world.now())
    keep_numbers(world, store)
    with store.transaction() as tx:
        assert budgets.alarms(tx) == []  # a hundred of a thousand are free
        slots.withdraw(tx, SlotAct.QUARANTINE, DEMO.main, extensions[900:901], world.now())
    keep_numbers(world, store)
    fake_world.advance(hours=23)
    keep_numbers(world, store)
    with store.transaction() as tx:
        assert [kind for _, kind, _ in budgets.alarms(tx)] == ["numbers-low"]
        slots.withdraw(tx, SlotAct.RETIRE, DEMO.main, extensions[:990], world.now())
    fake_world.advance(hours=2)
    keep_numbers(world, store)  # nine of ten that are left
    with store.transaction() as tx:
        assert [kind for _, kind, _ in budgets.alarms(tx)] == ["numbers-low"]
