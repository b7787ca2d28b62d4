"""Items of one batch: a bad one never fails its neighbours, and items about one parcel see each other."""

from __future__ import annotations

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor, Role
from masking.connection import Shop
from masking.crypto.index import record_of_waybill_id
from masking.errors import InputError
from masking.redact.compliance import find_leaks
from masking.redact.view import mask_order
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.change import Amend, Cancel, Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.enrol import Enrol, Revoke, enrol
from masking.steps.find import Find, find
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, SealAway, retire
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.store import parcels, sealing
from masking.store.rows import people
from masking.upkeep.unfinished import finish_destructions
from masking.values.outcomes import Assigned, Scanned
from masking.values.plaintext import Enrolled, Grant, Order, Party, Plain
from masking.values.printable import LabelData, Refusal, Rejected, Waybill
from tests.support.parcels import assign_courier, check_out, load_on_van, print_label, scan_arrival
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, RECEIVER, SHOP, SWITCH, TENANT

SUPERVISOR = Actor(id="supervisor", tenant=TENANT, role=Role.SUPERVISOR, unit="hq")
TEST = {"reason": "test"}
HERE = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道101号3栋2单元501室")
THERE = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道102号3栋2单元501室")


def wrapped(store, waybill):
    """Whether the waybill's key is at hand, for the generation its row names."""
    record = record_of_waybill_id(waybill.id)
    with store.transaction() as tx:
        return record in parcels.of_ids(store, tx, [record]).wraps


def test_order_amended_twice_in_one_batch_opens_as_the_last_amendment(store, world, order):
    waybill = check_out(world, store, order())
    twice = [Amend(merchant=SHOP, id=waybill.id, order=order(recipient=to)) for to in (HERE, THERE)]
    assert all(isinstance(each, Waybill) for each in change(world, store, twice))
    assert wrapped(store, waybill)
    data = print_label(world, store, waybill)
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    [grant] = resolve(world, store, [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER)])
    assert isinstance(grant, Grant)
    assert grant.fields["recipient.address"] == THERE.address


def test_rolled_back_batch_of_amendments_leaves_the_order_unchanged(store, world, order):
    waybill = check_out(world, store, order())
    twice = [Amend(merchant=SHOP, id=waybill.id, order=order(recipient=to)) for to in (HERE, THERE)]
    broken = Amend(merchant=SHOP, id=waybill.id, order=None)
    with pytest.raises(AttributeError):
        change(world, store, [*twice, broken])
    assert wrapped(store, waybill)


def test_failed_batch_has_destroyed_nothing(store, world, order):
    first, second = (check_out(world, store, order(ref)) for ref in ("A-1", "A-2"))
    cancel = Cancel(merchant=SHOP, id=first.id)
    with pytest.raises(AttributeError):
        change(world, store, [cancel, Amend(merchant=SHOP, id=second.id, order=None)])
    ends = [op(actor=OPERATOR, id=w.id, **more) for op, w, more in ((SealAway, second, {}), (Destroy, first, TEST))]
    with pytest.raises(AttributeError):
        retire(world, store, [*ends, None])
    assert wrapped(store, first)
    assert wrapped(store, second)
    assert finish_destructions(world, store) == 0


def test_changes_of_one_waybill_in_one_batch_are_decided_in_order(store, world, order):
    waybill = check_out(world, store, order())
    asked = [
        Amend(merchant=SHOP, id=waybill.id, order=order(recipient=HERE)),
        Cancel(merchant=SHOP, id=waybill.id),
        Ship(merchant=SHOP, id=waybill.id, waybill_number="YT000000000009", routing_code="301-007-00 013"),
        Amend(merchant=SHOP, id=waybill.id, order=order(recipient=THERE)),
        Cancel(merchant=SHOP, id=waybill.id),
    ]
    amended, cancelled, *late, again = change(world, store, asked)
    assert isinstance(amended, Waybill)
    assert cancelled == again
    assert cancelled.state == "destroyed"
    assert late == [Refusal(reason="unknown")] * 2
    assert not wrapped(store, waybill)


LONE = "\ud800"
NUL = "\0"


@pytest.fixture
def on_the_van(store, world, order):
    """A parcel with its courier, and its label."""
    waybill, data = load_on_van(world, store, order())
    return waybill, data


@pytest.mark.parametrize(
    "bad", [None, "", " ", 1001, "A" * 65, f"A-{NUL}", f"A-{LONE}", "\u202eA-1", "\U0001f4e6" * 65]
)
def test_bad_reference_is_rejected_alone(store, world, order, bad):
    broken = Order(reference=bad, recipient=HERE, sender=THERE)
    good, rejected = checkout(world, store, [Checkout(merchant=SHOP, order=each) for each in (order("A-1"), broken)])
    assert isinstance(good, Waybill)
    assert isinstance(rejected, Rejected)
    assert rejected.field == "reference"


def test_reference_of_64_supplementary_plane_characters_is_accepted(store, world, order):
    parcels_ = "\U0001f4e6" * 64
    assert check_out(world, store, order(parcels_)).reference == parcels_


@pytest.mark.parametrize("field", ["waybill_number", "routing_code"])
def test_carrier_number_that_is_not_text_is_rejected_alone(store, world, order, field):
    orders = [order("A-1"), order("A-2", **{field: 20260101})]
    good, rejected = checkout(world, store, [Checkout(merchant=SHOP, order=each) for each in orders])
    assert isinstance(good, Waybill)
    assert (rejected.reference, rejected.field) == ("A-2", field)


def test_surrounding_blanks_of_a_reference_make_no_second_waybill(store, world, order):
    waybill = check_out(world, store, order("A-1", waybill_number="YT000000000001"))
    again = check_out(world, store, order(" A-1\u3000", waybill_number="YT000000000001"))
    assert (again.id, again.created, again.reference) == (waybill.id, False, "A-1")
    assert [each.id for each in Shop(world, store, SHOP).find(reference="A-1 ")] == [waybill.id]


@pytest.mark.parametrize("bad", [LONE, f"A{NUL}", "张三", "9" * 400, ""])
def test_meaningless_label_code_is_refused_alone_at_each_step(store, world, on_the_van, bad):
    _, data = on_the_van
    found, nothing = scan(world, store, [Scan(actor=RECEIVER, what=w, kind="arrived") for w in (data.code, bad)])
    assert isinstance(found, Scanned)
    assert nothing == UNKNOWN
    nobody, moved, nothing = assign(
        world,
        store,
        [
            Assign(actor=DISPATCHER, what=data.code, courier=bad),
            Assign(actor=DISPATCHER, what=data.waybill_number, courier=COURIER.id),
            Assign(actor=DISPATCHER, what=bad, courier=COURIER.id),
        ],
    )
    assert nobody == Refusal(reason="no-such-courier-here")
    assert isinstance(moved, Assigned)
    assert nothing == UNKNOWN
    assert resolve(world, store, [Resolve(actor=OTHER_COURIER, code=bad, purpose=Purpose.DELIVER)]) == [UNKNOWN]
    assert find(world, store, [Find(merchant=SHOP, reference=bad), Find(merchant=SHOP, phone=Plain(bad))]) == [[], []]
    assert retire(world, store, [SealAway(actor=OPERATOR, id=bad)]) == [UNKNOWN]
    unrouted = Route(actor=SWITCH, caller=Plain(bad), main=bad, extension=bad)
    assert route(world, store, [unrouted]) == [Refusal(reason="not-your-number")]
    assert call(world, store, [Call(actor=OTHER_COURIER, code=bad)]) == [UNKNOWN]


@pytest.mark.parametrize("bad", [LONE, f"j{NUL}", "任务", "j" * 65, ""])
def test_invalid_job_name_is_refused_alone(store, world, order, bad):
    waybill = check_out(world, store, order())
    asked = [Label(actor=SHOP, id=waybill.id, job=job, station="st-1") for job in (bad, "job-1")]
    refused, made = label(world, store, asked)
    assert refused == Refusal(reason="job-or-station-not-1-to-64-letters-digits-hyphens")
    assert isinstance(made, LabelData)


@pytest.mark.parametrize("bad", [LONE, f"e{NUL}", "", "e" * 129])
def test_invalid_event_name_is_refused_alone(store, world, on_the_van, bad):
    _, data = on_the_van
    asked = [Scan(actor=RECEIVER, what=data.code, kind="arrived", event=event) for event in (bad, "扫描枪 7 号, 1")]
    refused, made = scan(world, store, asked)
    assert refused == Refusal(reason="event-not-1-to-128-printable-characters")
    assert isinstance(made, Scanned)


@pytest.mark.parametrize("bad", [LONE, f"c{NUL}", "张三", "", "c" * 65, "courier-13800000001"])
def test_actor_with_an_unwritable_id_is_an_input_error(bad):
    with pytest.raises(InputError):
        Actor(id=bad, tenant="carrier", role=Role.COURIER, unit="sh-01")
    with pytest.raises(InputError):
        Actor(id="courier-1", tenant="carrier", role=Role.COURIER, unit=bad)


@pytest.mark.parametrize("field", ["id", "unit"])
@pytest.mark.parametrize("bad", [LONE, f"c{NUL}", "张三", "", "c" * 65, "courier-13800000001"])
def test_invalid_person_is_rejected_alone_at_enrolment(store, world, bad, field):
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, SUPERVISOR, world.now())
    good, rejected = enrol(
        world,
        store,
        [
            Enrol(actor=SUPERVISOR, id="courier-9", role=Role.COURIER, unit="sh-01"),
            Enrol(actor=SUPERVISOR, **({"id": "courier-10", "unit": "sh-01"} | {field: bad}), role=Role.COURIER),
        ],
    )
    assert isinstance(good, Enrolled)
    assert (rejected.field, type(rejected)) == (field, Rejected)
    assert enrol(world, store, [Revoke(actor=SUPERVISOR, id=bad)]) == [UNKNOWN]


@pytest.mark.parametrize("name", ["-", "·", "。。", "( )", "\U0001f4e6"])
def test_name_without_a_letter_is_rejected_alone(store, world, order, name):
    nameless = Party(name=name, phone="13800000001", address="上海市浦东新区世纪大道1号")
    orders = [order("A-1"), order("A-2", sender=nameless)]
    good, rejected = checkout(world, store, [Checkout(merchant=SHOP, order=each) for each in orders])
    assert isinstance(good, Waybill)
    assert (rejected.field, rejected.rule) == ("sender.name", "no-letter")


SIGNS = st.sampled_from(
    "张欧阳王省市区路号栋单元室弄巷0123456789-—()（）[]【】 #,，.。*·:转电话房A①二十\n\u3000Ａ１\U0001f4e6"
)
PARTIES = st.builds(
    Party,
    name=st.builds("{}张{}".format, st.text(SIGNS, max_size=3), st.text(SIGNS, max_size=3)),
    phone=st.builds("13800000001{}".format, st.text(SIGNS, max_size=5)),
    address=st.builds("{}路{}".format, st.text(SIGNS, max_size=10), st.text(SIGNS, max_size=20)),
)


@given(PARTIES, PARTIES, st.text(SIGNS, max_size=12), st.booleans())
def test_every_order_without_a_problem_can_be_masked(recipient, sender, text, show_goods):
    order = Order(
        reference="A-1", recipient=recipient, sender=sender, goods=text, remark=text[::-1], show_goods=show_goods
    )
    assume(not sealing.first_problem(order))
    assert not find_leaks(mask_order(order), order)
