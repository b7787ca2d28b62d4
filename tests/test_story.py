"""One order's whole way, in nine verbs; then every order of things that must not work."""

from __future__ import annotations

from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor, Role
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.call import Call, call
from masking.steps.deliver import Deliver, deliver
from masking.steps.label import Label, label
from masking.steps.resolve import Resolve, resolve
from masking.steps.retire import Destroy, Retired, SealAway, retire
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.store.rows import budgets, people
from masking.values.outcomes import Delivered, Dial, Scanned
from masking.values.plaintext import Connect, Grant, Plain
from masking.values.printable import Refusal
from masking.values.states import State
from tests.support.parcels import assign_courier, check_out, limit_remaining, print_label, resolve_one, scan_arrival
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, RECEIVER, SHOP, SWITCH


def test_order_goes_from_checkout_to_destroyed_data(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    assert waybill.state == State.ACTIVE
    assert waybill.number is not None

    data = print_label(world, store, waybill)
    scan_arrival(world, store, data)
    assign_courier(world, store, data)

    grant = resolve_one(world, store, data.code)
    assert isinstance(grant, Grant)
    assert {name: plain.reveal() for name, plain in grant.fields.items()} == {
        "recipient.address": "上海市浦东新区世纪大道100号3栋2单元501室",
        "recipient.surname": "欧阳",
    }

    [dial] = call(world, store, [Call(actor=COURIER, code=data.code)])
    assert isinstance(dial, Dial)
    asked = Route(
        actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=dial.number.main, extension=dial.number.extension
    )
    [connected] = route(world, store, [asked])
    assert isinstance(connected, Connect)
    assert connected.to == Plain("13800000001") or connected.to.reveal().endswith("13800000001")
    assert route(world, store, [asked]) == [Refusal(reason="intent-used")]  # an intent is good for one call

    assert deliver(world, store, [Deliver(actor=COURIER, code=data.code)]) == [Delivered(at=world.now())]
    assert resolve_one(world, store, data.code) == UNKNOWN

    fake_world.advance(days=8)
    [away] = retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)])
    assert isinstance(away, Retired)
    assert away.state is State.SEALED_AWAY
    [gone] = retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="retention")])
    assert isinstance(gone, Retired)
    assert gone.state is State.DESTROYED
    assert resolve_one(world, store, data.code) == UNKNOWN


def test_courier_without_the_duty_gets_the_answer_of_a_forger(world, store, parcel):
    _, data = parcel
    forged = data.code[:-1] + ("0" if data.code[-1] != "0" else "1")
    assert (
        resolve_one(world, store, data.code, OTHER_COURIER)
        == resolve_one(world, store, forged, OTHER_COURIER)
        == UNKNOWN
    )


def test_scan_by_an_unrelated_person_creates_nothing(world, store, parcel):
    _, data = parcel
    refused = scan(world, store, [Scan(actor=OTHER_COURIER, what=data.code, kind="collected")])
    assert refused == [UNKNOWN]
    assert resolve_one(world, store, data.code, OTHER_COURIER) == UNKNOWN
    assert isinstance(resolve_one(world, store, data.code), Grant)


def test_waybill_number_opens_nothing(world, store, parcel):
    _, data = parcel
    assert resolve_one(world, store, data.waybill_number) == UNKNOWN


def test_outlet_clerk_resolves_nothing(world, store, parcel):
    _, data = parcel
    assert resolve_one(world, store, data.code, DISPATCHER) == UNKNOWN


def test_receiver_of_a_parcel_does_not_assign_it(world, store, order):
    data = print_label(world, store, check_out(world, store, order()))
    scan_arrival(world, store, data)
    [refused] = assign(world, store, [Assign(actor=RECEIVER, what=data.code, courier=COURIER.id)])
    assert refused == Refusal(reason="arrival-scanned-by-the-same-person")


def test_parcel_that_is_elsewhere_is_not_assigned(world, store, order):
    data = print_label(world, store, check_out(world, store, order()))
    scan_arrival(world, store, data)
    scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="departed")])
    assert assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)]) == [UNKNOWN]


def test_collecting_courier_sees_only_the_senders_door(world, store, order):
    data = print_label(world, store, check_out(world, store, order()))
    assign_courier(world, store, data)
    assert resolve_one(world, store, data.code) == Refusal(reason="wrong-leg")
    assert set(resolve_one(world, store, data.code, purpose=Purpose.COLLECT).fields) == {"sender.address"}


def test_handover_ends_the_first_couriers_duty(world, store, parcel):
    _, data = parcel
    assign_courier(world, store, data, OTHER_COURIER)
    assert resolve_one(world, store, data.code, COURIER) == UNKNOWN
    assert isinstance(resolve_one(world, store, data.code, OTHER_COURIER), Grant)


def test_unknown_callers_call_is_not_connected(world, store, parcel):
    waybill, data = parcel
    call(world, store, [Call(actor=COURIER, code=data.code)])
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain("13900009999"), main=number.main, extension=number.extension)
    assert route(world, store, [asked]) == [Refusal(reason="not-connected")]


def test_intent_expires_after_two_minutes(world, store, parcel, fake_world):
    waybill, data = parcel
    call(world, store, [Call(actor=COURIER, code=data.code)])
    fake_world.advance(seconds=121)
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    assert route(world, store, [asked]) == [Refusal(reason="intent-expired")]


def test_recipient_can_call_the_courier_back(world, store, parcel):
    waybill, _ = parcel
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain("+86 138-0000-0001"), main=number.main, extension=number.extension)
    [connected] = route(world, store, [asked])
    assert connected.to.reveal() == "+86" + PHONES[COURIER.id]


def test_only_the_switch_learns_whom_a_number_connects(world, store, parcel):
    waybill, data = parcel
    call(world, store, [Call(actor=COURIER, code=data.code)])
    number = waybill.number
    asked = Route(actor=COURIER, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    assert route(world, store, [asked]) == [Refusal(reason="not-your-number")]


def test_courier_delivers_no_foreign_parcel(world, store, parcel):
    _, data = parcel
    assert deliver(world, store, [Deliver(actor=OTHER_COURIER, code=data.code)]) == [UNKNOWN]


def test_reprint_ends_the_print_before_it(world, store, parcel):
    waybill, data = parcel
    scan_arrival(world, store, data)
    [again] = label(
        world, store, [Label(actor=DISPATCHER, id=waybill.id, job="job-2", station="st-2", reason="damaged")]
    )
    assert again.print_number == 2
    assert resolve_one(world, store, data.code) == Refusal(reason="print-superseded")
    assert isinstance(resolve_one(world, store, again.code), Grant)


def test_reprint_needs_a_scan_by_another_person_and_a_reason(world, store, parcel):
    waybill, _ = parcel

    def reprint(actor, reason):
        return label(world, store, [Label(actor=actor, id=waybill.id, job="job-3", station="st-1", reason=reason)])[0]

    assert reprint(SHOP, "damaged") == Refusal(reason="reprint-needs-outlet-and-reason")
    assert reprint(DISPATCHER, None) == Refusal(reason="reprint-needs-outlet-and-reason")
    assert reprint(RECEIVER, "damaged") == Refusal(reason="reprint-needs-a-scan-by-another")


def test_repeating_a_job_gives_the_same_print(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    first = print_label(world, store, waybill)
    fake_world.advance(minutes=5)
    assert print_label(world, store, waybill) == first


def test_sealed_away_data_opens_for_no_online_caller(world, store, parcel):
    waybill, data = parcel
    retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)])
    assert resolve_one(world, store, data.code) == UNKNOWN
    assert retire(world, store, [SealAway(actor=OPERATOR, id=waybill.id)]) == [Refusal(reason="already-sealed-away")]


def test_only_the_operator_retires(world, store, parcel):
    waybill, data = parcel
    for actor in (SHOP, COURIER, DISPATCHER):
        assert retire(world, store, [Destroy(actor=actor, id=waybill.id, reason="retention")]) == [UNKNOWN]
    assert isinstance(resolve_one(world, store, data.code), Grant)


def test_too_many_refusals_lock_and_raise_an_alarm(world, store, parcel):
    _, data = parcel
    answers = [resolve_one(world, store, f"YT{n:013}", OTHER_COURIER) for n in range(30)]
    assert answers[:20] == [UNKNOWN] * 20
    assert {answer.reason for answer in answers[20:]} == {"locked"}
    with store.transaction() as tx:
        assert [(kind, actor) for _, kind, actor in budgets.alarms(tx)] == [("too-many-refusals", OTHER_COURIER.id)]
    assert isinstance(resolve_one(world, store, data.code), Grant)  # no other person is locked


def test_last_unit_of_a_budget_is_given_once(world, store, parcel, order):
    _, first = parcel
    second = print_label(world, store, check_out(world, store, order("A-1002")))
    scan_arrival(world, store, second)
    assign_courier(world, store, second)
    limit_remaining(world, store, 1)
    asked = [Resolve(actor=COURIER, code=data.code, purpose=Purpose.DELIVER) for data in (first, second, first)]
    granted, refused, again = resolve(world, store, asked)
    assert isinstance(granted, Grant)
    assert refused.reason == "daily-budget-spent"
    assert isinstance(again, Grant)  # the same parcel costs nothing a second time


def test_false_departure_from_elsewhere_ends_no_duty(world, store, parcel):
    _, data = parcel
    clerk = Actor(id="hz-01-clerk", tenant=DISPATCHER.tenant, role=Role.OUTLET, unit="hz-01")
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, clerk, world.now())
    gone = [Scan(actor=clerk, what=data.waybill_number, kind="departed")]
    assert scan(world, store, gone) == [UNKNOWN]
    assert isinstance(resolve_one(world, store, data.code), Grant)
    left = [Scan(actor=DISPATCHER, what=data.waybill_number, kind="departed")] * 2
    assert all(isinstance(each, Scanned) for each in scan(world, store, left))
    assert resolve_one(world, store, data.code) == UNKNOWN


def test_repeated_answer_has_the_time_of_the_first(store, order):
    world = World()  # the real clock, which knows microseconds
    data = print_label(world, store, check_out(world, store, order()))
    scans = [Scan(actor=RECEIVER, what=data.code, kind="arrived", event="e-1")]
    assert scan(world, store, scans) == scan(world, store, scans)
    duty = [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)]
    assert assign(world, store, duty) == assign(world, store, duty)
    done = [Deliver(actor=COURIER, code=data.code)]
    assert deliver(world, store, done) == deliver(world, store, done)


def test_custody_does_not_depend_on_a_clock_set_back(world, store, order, fake_world):
    data = print_label(world, store, check_out(world, store, order()))
    scan_arrival(world, store, data)
    fake_world.advance(hours=-2)
    assert isinstance(scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="departed")])[0], Scanned)
    assert assign(world, store, [Assign(actor=DISPATCHER, what=data.code, courier=COURIER.id)]) == [UNKNOWN]
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    [done] = deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    assert deliver(world, store, [Deliver(actor=COURIER, code=data.code)]) == [done]
