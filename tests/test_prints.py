"""One live print a parcel: a new job's name gives no copy that is not counted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from masking.access.people import Actor, Role
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, people
from masking.values.printable import LabelData, Refusal
from tests.support.parcels import assign_courier, check_out, print_label, scan_arrival
from tests.support.people import COURIER, DISPATCHER, RECEIVER, RIVAL, SHOP


@pytest.fixture
def printed(store, world, order):
    """A parcel at an outlet, printed by its merchant under the job `job-1`."""
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    scan_arrival(world, store, data)
    return waybill


def asked(world, store, waybill, actor, job, reason=None):
    return label(world, store, [Label(actor=actor, id=waybill.id, job=job, station="st-1", reason=reason)])[0]


def test_job_belongs_to_its_creator(store, world, printed):
    assert asked(world, store, printed, DISPATCHER, "job-1") == Refusal(reason="job-of-another")
    assert asked(world, store, printed, DISPATCHER, "job-1", "damaged") == Refusal(reason="job-of-another")
    leaves = journal.who_saw(world, store, record_of_waybill_id(printed.id))
    assert [leaf.kind for leaf in leaves if leaf.actor == DISPATCHER.id] == ["refusal", "refusal"]


def test_superseded_print_is_not_repeated(store, world, printed):
    second = asked(world, store, printed, DISPATCHER, "job-2", "damaged")
    assert isinstance(second, LabelData)
    assert asked(world, store, printed, SHOP, "job-1") == Refusal(reason="print-superseded")
    assert asked(world, store, printed, DISPATCHER, "job-2", "damaged") == second


def test_two_jobs_for_one_waybill_in_one_batch_make_one_print(store, world, order):
    waybill = check_out(world, store, order())
    jobs = [Label(actor=SHOP, id=waybill.id, job=job, station="st-1") for job in ("a", "b", "a")]
    first, second, again = label(world, store, jobs)
    assert isinstance(first, LabelData)
    assert second == Refusal(reason="reprint-needs-outlet-and-reason")
    assert again == first


def test_reprint_of_a_parcel_out_for_delivery_elsewhere_is_unknown(store, world, printed):
    assign_courier(world, store, asked(world, store, printed, SHOP, "job-1"))
    elsewhere = Actor(id="hz-01-clerk", tenant=DISPATCHER.tenant, role=Role.OUTLET, unit="hz-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, elsewhere, world.now())
    assert asked(world, store, printed, elsewhere, "job-3", "damaged") == Refusal(reason="unknown")


def test_parcel_on_the_van_or_delivered_cannot_be_printed(store, world, printed):
    data = asked(world, store, printed, SHOP, "job-1")
    assign_courier(world, store, data)
    scan(world, store, [Scan(actor=COURIER, what=data.code, kind="collected")])
    assert asked(world, store, printed, DISPATCHER, "job-3", "damaged") == Refusal(reason="unknown")
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    assert asked(world, store, printed, DISPATCHER, "job-3", "damaged") == Refusal(reason="unknown")
    assert asked(world, store, printed, SHOP, "job-3") == Refusal(reason="delivered")


def test_outlet_names_a_parcel_by_its_number_and_a_rival_cannot(store, world, order):
    waybill = check_out(world, store, order())
    number = waybill.waybill_number
    asks = [Label(actor=who, id=number, job="job-1", station="st-1") for who in (DISPATCHER, RIVAL)]
    assert label(world, store, asks) == [Refusal(reason="not-arrived"), Refusal(reason="unknown")]
    scan(world, store, [Scan(actor=RECEIVER, what=number, kind="arrived")])
    data, refused = label(world, store, asks)
    assert (data.waybill_number, data.print_number) == (number, 1)
    assert refused == Refusal(reason="unknown")


def test_unknown_numbers_lock_no_clerk_but_refused_copies_do(store, world, order):
    unshipped = check_out(world, store, order("A-1", waybill_number=None, routing_code=None))
    slips = [asked(world, store, unshipped, SHOP, "job-1") for _ in range(25)]
    assert {each.reason for each in slips} == {"not-shipped"}
    printed = check_out(world, store, order("A-2"))
    scan_arrival(world, store, print_label(world, store, printed))
    slips = [asked(world, store, printed, who, "another-job") for who in (SHOP, RECEIVER) for _ in range(25)]
    assert {each.reason for each in slips} == {"reprint-needs-outlet-and-reason"}
    copies = [asked(world, store, printed, RECEIVER, f"copy-{n}", "damaged") for n in range(25)]
    assert [each.reason for each in copies] == ["reprint-needs-a-scan-by-another"] * 20 + ["locked"] * 5


@pytest.mark.parametrize("preview", [True, False])
def test_outlets_own_parcels_without_an_arrival_scan_lock_no_clerk(store, world, order, preview):
    waybill = check_out(world, store, order())
    ask = Label(actor=DISPATCHER, id=waybill.waybill_number, job="job-1", station="st-1", preview=preview)
    for _ in range(40):
        assert label(world, store, [ask]) == [Refusal(reason="not-arrived")]
    scan(world, store, [Scan(actor=RECEIVER, what=waybill.waybill_number, kind="arrived")])
    assert isinstance(label(world, store, [ask])[0], LabelData)


def test_parcel_for_another_outlet_is_unknown_before_it_arrives(store, world, order):
    waybill = check_out(world, store, order())
    elsewhere = Actor(id="hz-01-clerk", tenant=DISPATCHER.tenant, role=Role.OUTLET, unit="hz-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, elsewhere, world.now())
    assert asked(world, store, waybill, elsewhere, "job-1") == Refusal(reason="unknown")


def test_refused_previews_cost_a_tenth_and_lock_in_the_end(store, world):
    asks = [Label(actor=DISPATCHER, id=f"YT9{n:011}", job="j", station="s", preview=True) for n in range(201)]
    answers = [label(world, store, [each])[0] for each in asks]
    assert [each.reason for each in answers] == ["unknown"] * 200 + ["locked"]
    with store.reading() as tx:
        assert [kind for _, kind, _ in budgets.alarms(tx)] == ["too-many-refusals"]


def test_unknown_number_repeated_in_a_batch_counts_once(store, world):
    asks = [Label(actor=DISPATCHER, id="YT999999999999", job="j", station="s")] * 25
    assert label(world, store, asks) == [Refusal(reason="unknown")] * 25
    assert label(world, store, asks[:1]) == [Refusal(reason="unknown")]


def test_first_print_keeps_no_reason(store, world, order):
    waybill = check_out(world, store, order())
    assert isinstance(asked(world, store, waybill, SHOP, "job-1", "damaged"), LabelData)
    [leaf] = [leaf for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id)) if leaf.kind == "print"]
    assert "reason" not in leaf.detail


def test_preview_follows_the_rules_of_the_print_without_counting(store, world, order):
    waybill = check_out(world, store, order())
    first = Label(actor=SHOP, id=waybill.id, job="job-1", station="st-1")
    look = replace(first, preview=True)
    seen, data, later = label(world, store, [look, first, look])
    assert (seen.code, seen.print_number) == (later.code, later.print_number) == ("", 1)
    assert replace(data, code="", printed=seen.printed) == seen  # what was shown is what was printed
    assert label(world, store, [replace(look, job="job-2")]) == [Refusal(reason="reprint-needs-outlet-and-reason")]
    kinds = [leaf.kind for leaf in journal.who_saw(world, store, record_of_waybill_id(waybill.id))]
    assert sorted(kinds) == ["checkout", "preview", "preview", "print", "refusal"]
