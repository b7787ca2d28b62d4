"""What every store must hold, on SQLite files, in memory, and on PostgreSQL: nothing twice, with any number of workers."""

from __future__ import annotations

from collections import Counter
from itertools import count

import sqlalchemy as sa

from masking.access.budget import FULL
from masking.access.duty import UNKNOWN
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.journal import journal
from masking.steps.assign import Assign, Assigned, assign
from masking.steps.call import Call, call
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver, Delivered, deliver
from masking.steps.label import Label, label
from masking.steps.route import Route, route
from masking.steps.scan import Scan, Scanned, scan
from masking.store.rows import budgets
from masking.values.plaintext import Connect, Grant, Plain
from masking.values.printable import LabelData
from tests.support.concurrent_calls import at_once, flat
from tests.support.ledger import leaf_kinds, read_rows
from tests.support.parcels import limit_remaining, resolving
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, PHONES, RECEIVER, SHOP, SWITCH


def test_no_number_is_leased_twice(world, workers, order):
    def shopping(worker, name):
        orders = [order(f"{name}-{n}") for n in range(10)]
        return lambda: checkout(world, worker, [Checkout(merchant=SHOP, order=each) for each in orders])

    waybills = flat(at_once([shopping(worker, name) for name, worker in enumerate(workers)]))
    assert len({(each.number.main, each.number.extension) for each in waybills}) == 40


def test_last_numbers_are_leased_once_without_waiting_for_more(world, store, workers, order):
    with store.transaction() as tx:
        tx.execute(schema.slot.delete().where(schema.slot.c.extension >= "1011"))
    [(pool,)] = read_rows(store, sa.select(sa.func.count()).select_from(schema.slot))
    assert pool == 11

    def shopping(worker, name):
        orders = [order(f"{name}-{n}") for n in range(5)]
        return lambda: checkout(world, worker, [Checkout(merchant=SHOP, order=each) for each in orders])

    waybills = flat(at_once([shopping(worker, name) for name, worker in enumerate(workers)]))
    leased = [(each.number.main, each.number.extension) for each in waybills if each.number]
    assert len(leased) == len(set(leased)) == pool


def test_concurrent_workers_enter_no_reference_twice_and_do_not_deadlock(world, store, workers, order):
    def shopping(worker, step):
        orders = [order(f"A-{n * step % 11}") for n in range(11)]
        return lambda: checkout(world, worker, [Checkout(merchant=SHOP, order=each) for each in orders])

    answers = flat(at_once([shopping(worker, step) for worker, step in zip(workers, (1, 10, 3, 7), strict=True)]))
    assert len({each.id for each in answers}) == 11
    assert Counter(each.reference for each in answers if each.created) == {f"A-{n}": 1 for n in range(11)}
    assert len({(each.reference, each.id, str(each.number)) for each in answers}) == 11
    [(entered,)] = read_rows(store, sa.select(sa.func.count()).select_from(schema.waybill))
    assert entered == 11


def test_last_units_of_a_budget_are_given_once(world, store, workers, parcels):
    limit_remaining(world, store, 5)
    codes = [data.code for _, data in parcels]
    answers = flat(at_once([resolving(world, each, codes[n * 2 : n * 2 + 2]) for n, each in enumerate(workers)]))
    assert Counter(type(each) is Grant for each in answers) == {True: 5, False: 3}
    assert sum(leaf_kinds(world, store, record)["grant"] for record, _ in parcels) == 5


def test_concurrent_first_views_of_a_day_are_all_counted(world, store, workers, parcels):
    codes = [data.code for _, data in parcels]
    at_once([resolving(world, each, codes[n * 2 : n * 2 + 2]) for n, each in enumerate(workers)])
    with store.transaction() as tx:
        assert budgets.open_tallies(tx, [COURIER.id], world.now())[COURIER.id].opened_today == 8


def test_refusals_lock_after_the_same_number_on_any_number_of_workers(world, workers, parcels):
    codes = [parcels[0][1].code] * 10
    answers = flat(at_once([resolving(world, each, codes, OTHER_COURIER) for each in workers]))
    assert Counter(each.reason for each in answers) == {"unknown": FULL.refusals, "locked": 40 - FULL.refusals}
    with workers[0].transaction() as tx:
        assert len(budgets.alarms(tx)) == 1


def test_parcel_has_one_open_assignment(world, store, workers, parcels):
    def giving(worker, courier, step):
        asked = [parcels[n * step % 8][1].code for n in range(8)]
        return lambda: assign(world, worker, [Assign(actor=DISPATCHER, what=code, courier=courier) for code in asked])

    names = [OTHER_COURIER.id, COURIER.id, OTHER_COURIER.id, COURIER.id]
    answers = at_once([giving(*each) for each in zip(workers, names, (1, 3, 5, 7), strict=True)])
    assert all(isinstance(each, Assigned) for each in flat(answers))
    table = schema.assignment
    still_open = read_rows(store, sa.select(table.c.waybill).where(table.c.closed.is_(None)))
    assert sorted(record for (record,) in still_open) == sorted(record for record, _ in parcels)


def test_parcel_that_departs_has_no_open_duty(world, store, workers, parcels):
    with store.transaction() as tx:
        tx.execute(schema.assignment.delete())
    codes = [data.code for _, data in parcels]

    def giving(worker, order_of):
        asked = [Assign(actor=DISPATCHER, what=code, courier=COURIER.id) for code in order_of]
        return lambda: [assign(world, worker, [each])[0] for each in asked]

    def sending(worker, order_of):
        asked = [Scan(actor=RECEIVER, what=code, kind="departed") for code in order_of]
        return lambda: [scan(world, worker, [each])[0] for each in asked]

    done = at_once(
        [
            giving(workers[0], codes),
            sending(workers[1], codes),
            giving(workers[2], codes[::-1]),
            sending(workers[3], codes[::-1]),
        ]
    )
    assert all(isinstance(each, Scanned) for each in done[1] + done[3])
    assert {each if each == UNKNOWN else type(each) for each in done[0] + done[2]} <= {UNKNOWN, Assigned}
    assert read_rows(store, sa.select(schema.assignment).where(schema.assignment.c.closed.is_(None))) == []


def test_intent_connects_once(world, workers, parcels):
    [dial] = call(world, workers[0], [Call(actor=COURIER, code=parcels[0][1].code)])
    number, caller = dial.number, Plain(PHONES[COURIER.id])
    asked = Route(actor=SWITCH, caller=caller, main=number.main, extension=number.extension)
    answers = at_once([lambda worker=worker: route(world, worker, [asked])[0] for worker in workers])
    assert Counter(type(each) is Connect for each in answers) == {True: 1, False: 3}


def test_delivery_is_recorded_once(world, store, workers, parcels):
    def delivering(worker, step):
        asked = [Deliver(actor=COURIER, code=parcels[n * step % 8][1].code) for n in range(8)]
        return lambda: deliver(world, worker, asked)

    answers = at_once([delivering(*each) for each in zip(workers, (1, 3, 5, 7), strict=True)])
    assert flat(answers) == [Delivered(at=world.now())] * 32
    assert [leaf_kinds(world, store, record)["deliver"] for record, _ in parcels] == [1] * 8
    delivered = read_rows(store, sa.select(schema.scan.c.waybill).where(schema.scan.c.kind == "delivered"))
    assert sorted(record for (record,) in delivered) == sorted(record for record, _ in parcels)


def test_concurrent_call_and_delivery_do_not_block_each_other(world, workers, parcels):
    codes = [data.code for _, data in parcels]

    def calling(worker, order_of):
        return lambda: call(world, worker, [Call(actor=COURIER, code=code) for code in order_of])

    def delivering(worker, order_of):
        return lambda: deliver(world, worker, [Deliver(actor=COURIER, code=code) for code in order_of])

    done = at_once(
        [
            calling(workers[0], codes),
            delivering(workers[1], codes[:4]),
            calling(workers[2], codes[::-1]),
            delivering(workers[3], codes[:3:-1]),
        ]
    )
    assert done[1] + done[3] == [Delivered(at=world.now())] * 8


def test_label_has_one_first_print(world, workers, order):
    [waybill] = checkout(world, workers[0], [Checkout(merchant=SHOP, order=order())])
    jobs = [Label(actor=SHOP, id=waybill.id, job=f"job-{n % 2}", station="st-1") for n in range(4)]
    answers = at_once(
        [lambda each=each: label(world, each[0], [each[1]])[0] for each in zip(workers, jobs, strict=True)]
    )
    printed = [each for each in answers if isinstance(each, LabelData)]
    assert {(each.print_number, each.job) for each in printed} == {(1, printed[0].job)}
    assert len(printed) == 2


def test_concurrent_workers_use_the_same_keys_for_a_new_day(world, store, workers, fake_world, order):
    fake_world.advance(days=1)
    jobs = [Checkout(merchant=SHOP, order=order(f"D-{n}")) for n in range(4)]
    answers = at_once(
        [lambda each=each: checkout(world, each[0], [each[1]]) for each in zip(workers, jobs, strict=True)]
    )
    merged = {each.merge for [each] in answers}
    assert len(merged) == 1  # one buyer, one key of the week, made by any worker
    found = [
        record for record in (record_of_waybill_id(each.id) for [each] in answers) if leaf_kinds(world, store, record)
    ]
    assert len(found) == 4


def test_leaves_of_all_workers_are_sequenced_by_any_of_them(world, store, workers, parcels):
    numbers = count()

    def work(worker):
        for _ in range(5):
            resolving(world, worker, [parcels[next(numbers) % 8][1].code])()
            journal.sequence(world, worker)

    at_once([lambda worker=worker: work(worker) for worker in workers])
    journal.sequence(world, store)
    report = journal.verify(store)
    assert (report.fault, report.waiting) == (None, 0)
    assert sum(leaf_kinds(world, store, record)["grant"] for record, _ in parcels) == 20
