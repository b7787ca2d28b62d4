"""Who is connected and who is not, and what each of them hears."""

from __future__ import annotations

import threading

import pytest

from masking.crypto.index import record_of_waybill_id
from masking.database.schema import slot
from masking.journal import journal
from masking.numbers.pool import DEMO, REST, SlotAct
from masking.steps.call import Call, call
from masking.steps.change import Amend, change
from masking.steps.deliver import Deliver, deliver
from masking.steps.retire import Destroy, retire
from masking.steps.route import Route, route
from masking.steps.scan import Scan, scan
from masking.store.rows import people, slots
from masking.values.plaintext import Connect, Plain
from masking.values.printable import Refusal
from tests.support.calls import OTHER_SWITCH, RECIPIENT, SENDER, STRANGER, announce_call, dial, reason_heard
from tests.support.ledger import leaves_of
from tests.support.parcels import assign_courier, check_out, load_on_van, print_label, scan_arrival
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, SHOP, SWITCH

pytestmark = pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)  # the file adds only time


def recorded(world, store, waybill):
    """The true reasons of the refusals that the ledger has of a waybill's number."""
    leaves = journal.who_saw(world, store, record_of_waybill_id(waybill.id))
    return sorted(leaf.detail["reason"] for leaf in leaves if leaf.kind == "no-connection")


def free_number(store):
    with store.transaction() as tx:
        row = tx.execute(slot.select().where(slot.c.stage == "free")).first()
        return DEMO.slots(int(row.extension), int(row.extension))[0]


def test_stranger_gets_one_answer_for_live_stale_and_free_numbers(world, store, parcel, order):
    waybill, data = parcel
    stale = check_out(world, store, order("A-2"))
    print_label(world, store, stale)
    retire(world, store, [Destroy(actor=OPERATOR, id=stale.id, reason="test")])
    announce_call(world, store, data)
    for caller, hears in (
        (STRANGER, "not-connected"),
        (PHONES[OTHER_COURIER.id], "announce-first"),
        ("", "not-connected"),
    ):
        numbers = (waybill.number, stale.number, free_number(store))
        assert {reason_heard(world, store, number, caller) for number in numbers} == {hears}
    assert recorded(world, store, waybill) == ["no-intent", "stranger", "stranger"]
    about_nothing = [leaf.detail["count"] for leaf in leaves_of(store) if leaf.kind == "refusal-count"]
    assert about_nothing == ["1"]  # the other five are told in a later minute


def test_recipient_is_treated_as_a_stranger_while_no_courier_has_the_parcel(world, store, order):
    waybill = check_out(world, store, order())
    print_label(world, store, waybill)
    assert reason_heard(world, store, waybill.number, RECIPIENT) == reason_heard(world, store, waybill.number, STRANGER)
    assert recorded(world, store, waybill) == ["no-courier-yet", "stranger"]


def test_numbering_plan_is_checked_before_any_parcel(world, store, parcel):
    waybill, _ = parcel
    number = waybill.number
    for changed, reason in (
        ({"extension": ""}, "dial-the-extension"),
        ({"extension": number.extension[:-1]}, "no-such-extension"),
        ({"extension": number.extension + "0"}, "no-such-extension"),
        ({"main": "17009999999"}, "not-your-number"),
    ):
        asked = {"main": number.main, "extension": number.extension} | changed
        for caller in (RECIPIENT, STRANGER):
            assert route(world, store, [Route(actor=SWITCH, caller=Plain(caller), **asked)]) == [Refusal(reason=reason)]


def test_switch_is_bound_to_its_own_main_numbers(world, store, parcel):
    waybill, data = parcel
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, OTHER_SWITCH, world.now())
    announce_call(world, store, data)
    assert reason_heard(world, store, waybill.number, PHONES[COURIER.id], OTHER_SWITCH) == "not-your-number"
    assert isinstance(dial(world, store, waybill.number, PHONES[COURIER.id]), Connect)  # and has used up nothing


def test_second_announcement_replaces_the_first(world, store, parcel, fake_world):
    waybill, data = parcel
    announce_call(world, store, data)
    fake_world.advance(seconds=100)
    announce_call(world, store, data)
    fake_world.advance(seconds=100)
    assert isinstance(dial(world, store, waybill.number, PHONES[COURIER.id]), Connect)
    assert reason_heard(world, store, waybill.number, PHONES[COURIER.id]) == "intent-used"
    fake_world.advance(minutes=11)
    assert reason_heard(world, store, waybill.number, PHONES[COURIER.id]) == "announce-first"


def test_intent_ends_with_the_duty_and_with_the_enrolment(world, store, parcel):
    waybill, data = parcel
    announce_call(world, store, data)
    assign_courier(world, store, data, OTHER_COURIER)
    assert reason_heard(world, store, waybill.number, PHONES[COURIER.id]) == "announce-first"
    announce_call(world, store, data, OTHER_COURIER)
    with store.transaction() as tx:
        people.revoke(tx, [OTHER_COURIER.id])
    assert reason_heard(world, store, waybill.number, PHONES[OTHER_COURIER.id]) == "not-connected"
    assert reason_heard(world, store, waybill.number, RECIPIENT) == "not-connected"  # no courier is left to call


def test_nothing_connects_after_delivery(world, store, parcel):
    waybill, data = parcel
    announce_call(world, store, data)
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    for caller in (PHONES[COURIER.id], RECIPIENT, STRANGER):
        assert reason_heard(world, store, waybill.number, caller) in {"announce-first", "not-connected"}


def test_returning_parcel_connects_its_sender_and_not_its_recipient(world, store, parcel):
    waybill, data = parcel
    scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="returned")])
    assign_courier(world, store, data)
    announce_call(world, store, data)
    connected = dial(world, store, waybill.number, PHONES[COURIER.id])
    assert connected.to.reveal() == "+86" + SENDER
    assert dial(world, store, waybill.number, SENDER).to.reveal() == "+86" + PHONES[COURIER.id]
    assert reason_heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_uncollected_parcel_connects_its_sender_and_not_its_recipient(world, store, order):
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    assign_courier(world, store, data)
    announce_call(world, store, data)
    assert dial(world, store, waybill.number, PHONES[COURIER.id]).to.reveal() == "+86" + SENDER
    assert dial(world, store, waybill.number, SENDER).to.reveal() == "+86" + PHONES[COURIER.id]
    assert reason_heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_duty_of_yesterday_gets_no_call_back(world, store, parcel, fake_world):
    waybill, _ = parcel
    fake_world.advance(hours=23)
    assert dial(world, store, waybill.number, RECIPIENT).to.reveal() == "+86" + PHONES[COURIER.id]
    fake_world.advance(hours=1)
    assert reason_heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_intent_from_a_clock_ahead_connects_no_caller(world, store, parcel, fake_world):
    waybill, data = parcel
    fake_world.advance(hours=1)
    announce_call(world, store, data)
    fake_world.advance(hours=-1)
    assert reason_heard(world, store, waybill.number, PHONES[COURIER.id]) == "intent-expired"


def test_answer_is_on_the_ledger_with_the_connected_party(world, store, parcel):
    waybill, data = parcel
    announce_call(world, store, data)
    dial(world, store, waybill.number, PHONES[COURIER.id])
    dial(world, store, waybill.number, RECIPIENT)
    about = journal.who_saw(world, store, record_of_waybill_id(waybill.id))
    connects = sorted((leaf.detail for leaf in about if leaf.kind == "connect"), key=lambda c: c["by"], reverse=True)
    assert [(c["courier"], c["by"]) for c in connects] == [(COURIER.id, "connect"), (COURIER.id, "call-back")]


def test_two_calls_in_one_batch_share_no_intent(world, store, parcel):
    waybill, data = parcel
    announce_call(world, store, data)
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    first, second = route(world, store, [asked, asked])
    assert isinstance(first, Connect)
    assert second == Refusal(reason="intent-used")


def test_two_concurrent_calls_share_no_intent(world, store, parcel):
    if str(store.data.url) == "sqlite://":
        pytest.skip("one connection is one writer")
    waybill, data = parcel
    announce_call(world, store, data)
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    answers = []
    threads = [threading.Thread(target=lambda: answers.extend(route(world, store, [asked]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 6
    assert sum(isinstance(answer, Connect) for answer in answers) == 1


def test_call_leases_a_number_where_the_label_could_not(world, store, order):
    with store.transaction() as tx:
        slots.withdraw(tx, SlotAct.QUARANTINE, DEMO.main, None, world.now())
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    assert data.number is None
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    assert call(world, store, [Call(actor=COURIER, code=data.code)]) == [Refusal(reason="no-number-leased")]
    with store.transaction() as tx:
        slots.add(tx, DEMO, DEMO.slots(5000, 5000), world)
    assert announce_call(world, store, data).number.extension == "5000"


def test_recipient_of_an_amended_order_can_call_back_on_any_day(world, store, order, fake_world):
    waybill = check_out(world, store, order())
    fake_world.advance(days=1)
    change(world, store, [Amend(merchant=SHOP, id=waybill.id, order=order(remark="轻放"))])
    data = print_label(world, store, waybill)
    scan_arrival(world, store, data)
    assign_courier(world, store, data)
    asked = Route(
        actor=SWITCH, caller=Plain("13800000001"), main=waybill.number.main, extension=waybill.number.extension
    )
    [connected] = route(world, store, [asked])
    assert isinstance(connected, Connect)


@pytest.mark.parametrize("rested", [True, False])
def test_late_call_after_the_number_is_leased_again_connects_no_party(world, store, order, fake_world, rested):
    only = DEMO._replace(main="17000000009")
    with store.transaction() as tx:
        slots.withdraw(tx, SlotAct.RETIRE, DEMO.main, None, world.now())
        slots.add(tx, only, only.slots(1234, 1234), world)
    first, data = load_on_van(world, store, order())
    announce_call(world, store, data)
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    if rested:
        fake_world.advance(days=REST.days + 1)
    with store.transaction() as tx:
        if rested:
            slots.free_rested(tx, world.now())
        else:  # even if a fault gave the number back at once, while the first courier's announcement still holds
            tx.execute(slot.update().where(slot.c.stage == "cooling").values(stage="free", until=None))
    second = check_out(world, store, order("A-2"))
    data = print_label(world, store, second)
    scan_arrival(world, store, data)
    assign_courier(world, store, data, OTHER_COURIER)
    assert (second.number.main, second.number.extension) == (first.number.main, first.number.extension)
    assert reason_heard(world, store, second.number, PHONES[COURIER.id]) == "announce-first"
    assert recorded(world, store, second) == ["no-intent"]
