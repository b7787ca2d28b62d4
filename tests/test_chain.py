"""The chain of custody: a parcel's real ways work, and no person can put a parcel where it is not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.access.budget import FULL
from masking.access.chain import KINDS, WAYS, Leg, Where, may_scan, place_after
from masking.access.duty import UNKNOWN, Purpose
from masking.access.network import Network
from masking.config import read_settings
from masking.crypto.index import record_of_waybill_id
from masking.deployment import create
from masking.errors import SettingsError
from masking.journal import journal
from masking.steps.assign import Assign
from masking.steps.call import Call, call
from masking.steps.change import Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.deliver import Deliver
from masking.steps.resolve import Resolve
from masking.steps.scan import Scan, scan
from masking.store.store import Settings
from masking.values.outcomes import Assigned, Delivered
from masking.values.printable import LabelData, Refusal, Waybill
from tests.support.carrier_network import (
    ASIDE,
    ASIDE_COURIER,
    ASIDE_TOO,
    FETCHED,
    HUB_IN,
    HUB_OUT,
    HZ_COURIER,
    HZ_DISPATCHER,
    HZ_RECEIVER,
    MORE,
    SENT,
    send_to_outlet,
)
from tests.support.people import COURIER, DISPATCHER, NETWORK, OTHER_COURIER, RECEIVER, SHOP


def test_parcel_goes_from_its_sender_through_a_hub_to_its_recipient(far_parcel):
    assert isinstance(far_parcel.given(HZ_DISPATCHER, HZ_COURIER), Assigned)
    assert far_parcel.seen(HZ_COURIER, Purpose.COLLECT) == {"sender.address"}
    assert far_parcel.seen(HZ_COURIER, Purpose.DELIVER) == Refusal(reason="wrong-leg")
    far_parcel.moves(FETCHED[0])
    assert far_parcel.seen(HZ_COURIER, Purpose.COLLECT) == UNKNOWN
    far_parcel.moves(FETCHED[0], FETCHED[1], *SENT, (RECEIVER, "arrived"))
    assert isinstance(far_parcel.given(DISPATCHER, COURIER), Assigned)
    far_parcel.moves((COURIER, "collected"))
    assert far_parcel.seen(COURIER, Purpose.DELIVER) == {"recipient.address", "recipient.surname"}
    assert far_parcel.seen(COURIER, Purpose.COLLECT) == Refusal(reason="wrong-leg")
    assert isinstance(far_parcel.signed(COURIER), Delivered)


@pytest.mark.parametrize("clerk", [RECEIVER, HUB_IN, ASIDE])
def test_parcel_starts_only_where_its_merchant_is_collected_from(far_parcel, clerk):
    assert far_parcel.scanned(clerk, "arrived") == UNKNOWN
    assert far_parcel.given(DISPATCHER, COURIER) == UNKNOWN
    far_parcel.moves((HZ_RECEIVER, "arrived"))


def test_arrival_needs_a_departure_scanned_by_another_person(far_parcel):
    send_to_outlet(far_parcel)
    assert far_parcel.scanned(HUB_OUT, "arrived") == UNKNOWN
    far_parcel.moves((HUB_IN, "arrived"))  # the lorry came back
    for clerk in (RECEIVER, ASIDE, HZ_RECEIVER):
        assert far_parcel.scanned(clerk, "arrived") == UNKNOWN
    far_parcel.moves((HUB_OUT, "departed"), (RECEIVER, "arrived"))


def test_hub_is_not_locked_for_arrivals_without_a_departure_scan(far_parcel, world, store):
    far_parcel.moves((HZ_RECEIVER, "arrived"))
    assert [far_parcel.scanned(HUB_IN, "arrived") for _ in range(FULL.refusals + 2)] == [UNKNOWN] * (FULL.refusals + 2)
    refused = [
        leaf.actor
        for leaf in journal.who_saw(world, store, record_of_waybill_id(far_parcel.id))
        if leaf.kind == "refusal"
    ]
    assert refused == [HUB_IN.id] * (FULL.refusals + 2)
    far_parcel.moves((HZ_DISPATCHER, "departed"), (HUB_IN, "arrived"))


def test_three_people_of_one_outlet_reach_no_parcel_bound_elsewhere(far_parcel):
    assert far_parcel.scanned(ASIDE, "arrived") == UNKNOWN
    assert far_parcel.given(ASIDE_TOO, ASIDE_COURIER) == UNKNOWN
    assert far_parcel.reprinted(ASIDE_TOO, "elsewhere") == UNKNOWN
    assert far_parcel.seen(ASIDE_COURIER, Purpose.DELIVER) == UNKNOWN
    send_to_outlet(far_parcel)
    far_parcel.moves((ASIDE, "arrived"))  # misrouted, or made up
    assert far_parcel.given(ASIDE_TOO, ASIDE_COURIER) == Refusal(reason="needs-a-diversion")
    copy = far_parcel.reprinted(ASIDE_TOO, "here")  # the outlet may replace a damaged label, whose view is masked
    assert isinstance(copy, LabelData)
    far_parcel.data = copy
    assert far_parcel.seen(ASIDE_COURIER, Purpose.DELIVER) == UNKNOWN


def test_misrouted_parcel_is_delivered_where_another_person_redirects_it(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((ASIDE, "arrived"))
    assert far_parcel.given(ASIDE_TOO, ASIDE_COURIER) == Refusal(reason="needs-a-diversion")
    nowhere = Refusal(reason="to-names-another-unit-of-departed-or-diverted")
    assert far_parcel.scanned(ASIDE, "diverted", "sh-02") == nowhere
    assert far_parcel.scanned(ASIDE, "diverted") == far_parcel.scanned(ASIDE, "arrived", "sh-02") == nowhere
    assert far_parcel.scanned(HZ_RECEIVER, "diverted", "sh-02") == UNKNOWN
    far_parcel.moves((RECEIVER, "diverted", "sh-02"))
    assert isinstance(far_parcel.given(ASIDE_TOO, ASIDE_COURIER), Assigned)
    assert far_parcel.seen(ASIDE_COURIER, Purpose.DELIVER) == {"recipient.address", "recipient.surname"}
    far_parcel.moves((ASIDE, "diverted", "sh-01"))
    assert far_parcel.seen(ASIDE_COURIER, Purpose.DELIVER) == UNKNOWN
    far_parcel.moves((ASIDE, "departed"), (RECEIVER, "arrived"))
    assert isinstance(far_parcel.given(DISPATCHER, COURIER), Assigned)


def test_return_goes_back_to_the_senders_door(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"))
    far_parcel.given(DISPATCHER, COURIER)
    far_parcel.moves((COURIER, "collected"), (COURIER, "attempted"), (RECEIVER, "arrived"))
    assert far_parcel.seen(COURIER, Purpose.DELIVER) == UNKNOWN  # it is back on the shelf
    far_parcel.moves((DISPATCHER, "returned"), (DISPATCHER, "returned"))
    assert far_parcel.given(DISPATCHER, COURIER) == Refusal(reason="needs-a-diversion")
    far_parcel.moves((RECEIVER, "departed"), (HUB_IN, "arrived"), (HUB_OUT, "departed"), (HZ_RECEIVER, "arrived"))
    assert isinstance(far_parcel.given(HZ_DISPATCHER, HZ_COURIER), Assigned)
    assert far_parcel.seen(HZ_COURIER, Purpose.RETURN) == {"sender.address"}
    assert far_parcel.seen(HZ_COURIER, Purpose.DELIVER) == Refusal(reason="wrong-leg")
    assert isinstance(far_parcel.signed(HZ_COURIER), Delivered)


def test_failed_delivery_can_be_tried_again_tomorrow(far_parcel, fake_world):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"))
    far_parcel.given(DISPATCHER, COURIER)
    far_parcel.moves((COURIER, "collected"), (COURIER, "attempted"))
    fake_world.advance(hours=24)
    assert far_parcel.seen(COURIER, Purpose.DELIVER) == Refusal(reason="duty-is-over")
    assert far_parcel.given(DISPATCHER, COURIER) == Assigned(courier=COURIER.id, at=far_parcel.world.now())
    assert isinstance(far_parcel.seen(COURIER, Purpose.DELIVER), set)


def test_duty_assigned_this_morning_outlives_yesterdays(far_parcel, fake_world):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"))
    far_parcel.given(DISPATCHER, COURIER)
    fake_world.advance(hours=23)
    far_parcel.given(DISPATCHER, COURIER)
    fake_world.advance(hours=6)
    assert isinstance(far_parcel.seen(COURIER, Purpose.DELIVER), set)


def test_colleague_takes_over_on_the_road(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"))
    far_parcel.given(DISPATCHER, COURIER)
    far_parcel.moves((COURIER, "collected"))
    assert far_parcel.scanned(OTHER_COURIER, "collected") == UNKNOWN
    assert isinstance(far_parcel.given(DISPATCHER, OTHER_COURIER), Assigned)
    far_parcel.moves((OTHER_COURIER, "collected"))
    assert far_parcel.seen(COURIER, Purpose.DELIVER) == UNKNOWN
    assert isinstance(far_parcel.seen(OTHER_COURIER, Purpose.DELIVER), set)


def test_person_who_received_a_parcel_neither_assigns_nor_reprints_it(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"), (RECEIVER, "arrived"))
    assert far_parcel.given(RECEIVER, COURIER) == Refusal(reason="arrival-scanned-by-the-same-person")
    assert far_parcel.reprinted(RECEIVER) == Refusal(reason="reprint-needs-a-scan-by-another")
    assert isinstance(far_parcel.reprinted(DISPATCHER), LabelData)


def test_scan_of_an_earlier_stay_does_not_justify_a_reprint(far_parcel):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"), (RECEIVER, "departed"), (HUB_IN, "arrived"), (HUB_OUT, "departed"))
    assert far_parcel.reprinted(DISPATCHER) == Refusal(reason="not-arrived")
    far_parcel.moves((DISPATCHER, "arrived"))
    assert far_parcel.reprinted(DISPATCHER) == Refusal(reason="reprint-needs-a-scan-by-another")


def test_each_view_names_its_assignment_on_the_ledger(far_parcel, world, store):
    send_to_outlet(far_parcel)
    far_parcel.moves((RECEIVER, "arrived"))
    far_parcel.given(DISPATCHER, OTHER_COURIER)
    far_parcel.given(DISPATCHER, COURIER)
    far_parcel.seen(COURIER, Purpose.DELIVER)
    call(world, store, [Call(actor=COURIER, code=far_parcel.data.code)])
    far_parcel.signed(COURIER)
    leaves = journal.who_saw(world, store, record_of_waybill_id(far_parcel.id))
    duties = {leaf.detail["duty"]: leaf.detail for leaf in leaves if leaf.kind == "assign"}
    assert {(each["courier"], each["leg"]) for each in duties.values()} == {
        (HZ_COURIER.id, "collection"),
        (OTHER_COURIER.id, "delivery"),
        (COURIER.id, "delivery"),
    }
    allowed = {
        leaf.kind: duties[leaf.detail["duty"]]["courier"]
        for leaf in leaves
        if leaf.kind != "assign" and "duty" in leaf.detail
    }
    assert allowed == dict.fromkeys(("grant", "intent", "deliver"), COURIER.id)


def test_request_does_not_print_its_label_code(far_parcel):
    code = far_parcel.data.code
    asked = (
        Scan(actor=COURIER, what=code, kind="attempted"),
        Assign(actor=DISPATCHER, what=code, courier=COURIER.id),
        Resolve(actor=COURIER, code=code, purpose=Purpose.DELIVER),
        Call(actor=COURIER, code=code),
        Deliver(actor=COURIER, code=code),
        far_parcel.data,
    )
    assert not [type(each).__name__ for each in asked if code in repr(each)]


@pytest.mark.parametrize(
    ("code", "unit"),
    [
        ("342-081-00 052", "sh-01"),
        ("342 081", "sh-01"),
        ("342-0810-00", "sh-04"),
        ("342-999", "sh-04"),
        ("999", "rest"),
        ("", None),
        (None, None),
    ],
)
def test_longest_matching_prefix_of_a_routing_code_names_the_outlet(code, unit):
    network = Network(delivers={"342-081": "sh-01", "342": "sh-04", "*": "rest"})
    assert network.destination(code) == unit
    assert Network().destination(code) is None


def test_network_file_reads_back_as_written_and_rejects_faults(tmp_path, world):
    folder = tmp_path / "deployment"
    create(folder, world, Settings(network=NETWORK, name_next_unit=True))
    toml = folder / "waybill.toml"
    assert read_settings(toml).network == NETWORK
    assert read_settings(toml).name_next_unit
    good = toml.read_text("utf-8")
    for line in ('"342 081" = "sh-01"', '"342" = 7', '"342" = "not a unit"', '"342" = "13800000001"'):
        toml.write_text(good.replace("[delivers]\n", f"[delivers]\n{line}\n"), "utf-8")
        with pytest.raises(SettingsError, match=r"\[delivers\]"):
            read_settings(toml)


def test_merchant_cannot_redirect_a_parcel_that_an_outlet_has(world, store, order):
    waybill = checkout(world, store, [Checkout(merchant=SHOP, order=order())])[0]
    scan(world, store, [Scan(actor=RECEIVER, what=waybill.waybill_number, kind="arrived")])
    same, elsewhere = (
        Ship(merchant=SHOP, id=waybill.id, waybill_number=waybill.waybill_number, routing_code=code)
        for code in ("342-081-00 052", "571-001-00 001")
    )
    assert isinstance(change(world, store, [same])[0], Waybill)
    assert change(world, store, [elsewhere]) == [Refusal(reason="already-scanned")]


PEOPLE = (*MORE[1:], RECEIVER, DISPATCHER, COURIER, OTHER_COURIER)
CHOICE = st.integers(0, 10_000)


@given(st.lists(st.tuples(CHOICE, CHOICE, st.sampled_from(["sh-01", "sh-02", "hub-1", None])), max_size=30))
def test_no_sequence_of_scans_gives_a_parcel_to_an_unaddressed_unit(walk):
    at, sent_by = Where(leg=Leg.COLLECTION), None
    for one, two, to in walk:
        outlet = at.outlet(NETWORK, "far-shop", "342-081-00 052")
        ways = {kind: [who for who in PEOPLE if may_scan(kind, at, who, outlet)] for kind in sorted(WAYS)}
        kinds = [kind for kind, people in ways.items() if people]
        kind = kinds[one % len(kinds)]  # there is always one: no parcel is stuck
        actor = ways[kind][two % len(ways[kind])]
        named = to != actor.unit and kind in {"departed", "diverted"}
        there = place_after(kind, at, actor, to=to if named else None)
        if (
            there.custodian_unit != at.custodian_unit
        ):  # the unit has changed: the previous unit scanned its departure, or it is the first
            assert (at.custody, sent_by) == ("departed", at.custodian_unit) if at.custody else actor.unit == "hz-01"
            assert there.holder != at.holder
            assert at.bound_for in {None, actor.unit}
        assert there.bound_for is None or there.custody == "departed"
        if kind == "departed":
            sent_by = actor.unit
        assert (there.leg is Leg.COLLECTION) == (there.custody is None)
        assert at.leg is not Leg.RETURN or there.leg is Leg.RETURN
        assert there.received_by is None or there.custody in {"arrived", "collected"}
        at = there


def test_every_scan_kind_has_a_rule_and_other_states_allow_none():
    assert set().union(*KINDS.values()) == set(WAYS)
    strange = Where(leg=Leg.DELIVERY, custody="delivered", custodian_unit="sh-01", holder=COURIER.id)
    assert not any(may_scan(kind, strange, actor, "sh-01") for kind in WAYS for actor in PEOPLE)
