"""Who is connected and who is not, what each of them hears, and what the reports of calls leave behind."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.call import MISSED, Call, Route, call
from masking.change import Amend, change
from masking.crypto.index import token_record
from masking.deliver import Deliver, deliver
from masking.numbers.pool import DEMO, Act
from masking.order import Connect, Plain
from masking.report import Missed, Report, report
from masking.retire import Destroy, retire
from masking.scan import Scan, scan
from masking.vault import budgets, journal, people, schema, slots
from masking.vault.calls import REPORT_DUE
from masking.vault.upkeep import LOW_WATER, keep_numbers
from masking.waybill import CallBacks, Dial, Refusal, Reported
from tests.cast import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, SHOP, SWITCH, TENANT
from tests.test_story import arrived, assigned, checked_out, labelled

pytestmark = pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)  # the file adds only time

RECIPIENT, SENDER, STRANGER = "13800000001", "13700000002", "13900009999"
OTHER_SWITCH = Actor(id="switch-2", tenant=TENANT, role=Role.SWITCH, unit="switch-2")


@pytest.fixture
def parcel(world, store, order):
    waybill = checked_out(world, store, order())
    data = labelled(world, store, waybill)
    arrived(world, store, data)
    assigned(world, store, data)
    return waybill, data


def announced(world, store, data, actor=COURIER):
    [dial] = call(world, store, [Call(actor=actor, code=data.code)])
    assert isinstance(dial, Dial)
    return dial


def dialled(world, store, number, caller, switch=SWITCH):
    main, extension = (number.main, number.extension) if number else (DEMO.main, "1999")
    return call(world, store, [Route(actor=switch, caller=Plain(caller), main=main, extension=extension)])[0]


def heard(world, store, number, caller, switch=SWITCH):
    refusal = dialled(world, store, number, caller, switch)
    assert isinstance(refusal, Refusal)
    return refusal.reason


def recorded(world, store, waybill):
    """The true reasons of the refusals that the ledger has of a waybill's number."""
    leaves = journal.who_saw(world, store, token_record(waybill.id))
    return sorted(leaf.detail["reason"] for leaf in leaves if leaf.kind == "no-connection")


def leaves(store):
    from masking.ledger.log import decode
    from masking.vault.schema import leaf

    with store.transaction() as tx:
        return [decode(row.body) for row in tx.execute(leaf.select().order_by(leaf.c.id))]


def free_number(store):
    with store.transaction() as tx:
        from masking.vault.schema import slot

        row = tx.execute(slot.select().where(slot.c.stage == "free")).first()
        return DEMO.slots(int(row.extension), int(row.extension))[0]


def test_what_a_stranger_hears_is_the_same_of_a_live_a_stale_and_a_free_number(world, store, parcel, order):
    waybill, data = parcel
    stale = checked_out(world, store, order("A-2"))
    labelled(world, store, stale)
    retire(world, store, [Destroy(actor=OPERATOR, id=stale.id, reason="test")])
    announced(world, store, data)
    for caller, hears in (
        (STRANGER, "not-connected"),
        (PHONES[OTHER_COURIER.id], "announce-first"),
        ("", "not-connected"),
    ):
        numbers = (waybill.number, stale.number, free_number(store))
        assert {heard(world, store, number, caller) for number in numbers} == {hears}
    assert recorded(world, store, waybill) == ["no-intent", "stranger", "stranger"]
    reasons = [leaf.detail["reason"] for leaf in leaves(store) if leaf.kind == "no-connection"]
    assert reasons.count("stale-label") == 6  # of a stale and of a free one, three times


def test_the_recipient_hears_no_more_than_a_stranger_while_no_courier_has_the_parcel(world, store, order):
    waybill = checked_out(world, store, order())
    labelled(world, store, waybill)
    assert heard(world, store, waybill.number, RECIPIENT) == heard(world, store, waybill.number, STRANGER)
    assert recorded(world, store, waybill) == ["no-courier-yet", "stranger"]


def test_the_numbering_plan_answers_before_any_parcel_does(world, store, parcel):
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
            assert call(world, store, [Route(actor=SWITCH, caller=Plain(caller), **asked)]) == [Refusal(reason=reason)]


def test_a_switch_is_bound_to_its_own_main_numbers(world, store, parcel):
    waybill, data = parcel
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, OTHER_SWITCH, world.now())
    announced(world, store, data)
    assert heard(world, store, waybill.number, PHONES[COURIER.id], OTHER_SWITCH) == "not-your-number"
    assert isinstance(dialled(world, store, waybill.number, PHONES[COURIER.id]), Connect)  # and has used up nothing


def test_a_second_announcement_takes_the_place_of_the_first(world, store, parcel, hands):
    waybill, data = parcel
    announced(world, store, data)
    hands.move(seconds=100)
    announced(world, store, data)
    hands.move(seconds=100)
    assert isinstance(dialled(world, store, waybill.number, PHONES[COURIER.id]), Connect)
    assert heard(world, store, waybill.number, PHONES[COURIER.id]) == "intent-used"
    hands.move(minutes=11)
    assert heard(world, store, waybill.number, PHONES[COURIER.id]) == "announce-first"


def test_an_intent_dies_with_the_duty_and_with_the_enrolment(world, store, parcel):
    waybill, data = parcel
    announced(world, store, data)
    assigned(world, store, data, OTHER_COURIER)
    assert heard(world, store, waybill.number, PHONES[COURIER.id]) == "announce-first"
    announced(world, store, data, OTHER_COURIER)
    with store.transaction() as tx:
        people.revoke(tx, [OTHER_COURIER.id])
    assert heard(world, store, waybill.number, PHONES[OTHER_COURIER.id]) == "not-connected"
    assert heard(world, store, waybill.number, RECIPIENT) == "not-connected"  # nobody left to ring


def test_nothing_rings_after_delivery(world, store, parcel):
    waybill, data = parcel
    announced(world, store, data)
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    for caller in (PHONES[COURIER.id], RECIPIENT, STRANGER):
        assert heard(world, store, waybill.number, caller) in {"announce-first", "not-connected"}


def test_on_its_way_back_a_parcel_connects_its_sender_and_not_its_recipient(world, store, parcel):
    waybill, data = parcel
    scan(world, store, [Scan(actor=DISPATCHER, what=data.code, kind="returned")])
    assigned(world, store, data)
    announced(world, store, data)
    connected = dialled(world, store, waybill.number, PHONES[COURIER.id])
    assert connected.to.reveal() == "+86" + SENDER
    assert dialled(world, store, waybill.number, SENDER).to.reveal() == "+86" + PHONES[COURIER.id]
    assert heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_before_it_is_fetched_a_parcel_connects_its_sender_and_not_its_recipient(world, store, order):
    waybill = checked_out(world, store, order())
    data = labelled(world, store, waybill)
    assigned(world, store, data)
    announced(world, store, data)
    assert dialled(world, store, waybill.number, PHONES[COURIER.id]).to.reveal() == "+86" + SENDER
    assert dialled(world, store, waybill.number, SENDER).to.reveal() == "+86" + PHONES[COURIER.id]
    assert heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_a_duty_of_yesterday_is_rung_back_no_more(world, store, parcel, hands):
    waybill, _ = parcel
    hands.move(hours=23)
    assert dialled(world, store, waybill.number, RECIPIENT).to.reveal() == "+86" + PHONES[COURIER.id]
    hands.move(hours=1)
    assert heard(world, store, waybill.number, RECIPIENT) == "not-connected"


def test_an_intent_from_a_clock_ahead_of_ours_connects_nobody(world, store, parcel, hands):
    waybill, data = parcel
    hands.move(hours=1)
    announced(world, store, data)
    hands.move(hours=-1)
    assert heard(world, store, waybill.number, PHONES[COURIER.id]) == "intent-expired"


def test_an_answer_is_on_the_ledger_with_who_was_connected(world, store, parcel):
    waybill, data = parcel
    announced(world, store, data)
    dialled(world, store, waybill.number, PHONES[COURIER.id])
    dialled(world, store, waybill.number, RECIPIENT)
    about = journal.who_saw(world, store, token_record(waybill.id))
    connects = sorted((leaf.detail for leaf in about if leaf.kind == "connect"), key=lambda c: c["by"], reverse=True)
    assert [(c["courier"], c["by"]) for c in connects] == [(COURIER.id, "connect"), (COURIER.id, "call-back")]


def test_two_answers_in_one_batch_share_no_intent(world, store, parcel):
    waybill, data = parcel
    announced(world, store, data)
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    first, second = call(world, store, [asked, asked])
    assert isinstance(first, Connect)
    assert second == Refusal(reason="intent-used")


def test_two_answers_at_the_same_time_share_no_intent(world, store, parcel):
    if str(store.data.url) == "sqlite://":
        pytest.skip("one connection is one writer")
    waybill, data = parcel
    announced(world, store, data)
    number = waybill.number
    asked = Route(actor=SWITCH, caller=Plain(PHONES[COURIER.id]), main=number.main, extension=number.extension)
    answers = []
    threads = [threading.Thread(target=lambda: answers.extend(call(world, store, [asked]))) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(answers) == 6
    assert sum(isinstance(answer, Connect) for answer in answers) == 1


def test_a_call_finds_a_number_where_the_label_could_not(world, store, order):
    with store.transaction() as tx:
        slots.withdraw(tx, Act.QUARANTINE, DEMO.main, None, world.now())
    waybill = checked_out(world, store, order())
    data = labelled(world, store, waybill)
    assert data.number is None
    arrived(world, store, data)
    assigned(world, store, data)
    assert call(world, store, [Call(actor=COURIER, code=data.code)]) == [Refusal(reason="no-number-leased")]
    with store.transaction() as tx:
        slots.add(tx, DEMO, DEMO.slots(5000, 5000), world)
    assert announced(world, store, data).number.extension == "5000"


def connected(world, store, parcel):
    waybill, data = parcel
    announced(world, store, data)
    return dialled(world, store, waybill.number, PHONES[COURIER.id])


def told(world, store, answer, event, switch=SWITCH, **more):
    return report(world, store, [Report(actor=switch, call=answer.call, event=event, at=world.now(), **more)])[0]


def test_reports_are_recorded_once_in_whatever_order_they_come(world, store, parcel, hands):
    answer = connected(world, store, parcel)
    for event in ("ended", "ringing", "answered", "ended", "ringing"):
        hands.move(seconds=1)
        assert told(world, store, answer, event, seconds=3) == Reported(call=answer.call, event=event)
    kept = [leaf.detail["event"] for leaf in leaves(store) if leaf.kind == "call-report"]  # the clock moved in between
    assert kept == ["ended", "ringing", "answered"]


def test_a_batch_that_repeats_itself_is_recorded_once(world, store, parcel):
    answer = connected(world, store, parcel)
    one = Report(actor=SWITCH, call=answer.call, event="ended", at=world.now(), seconds=1)
    assert report(world, store, [one, one, one]) == [Reported(call=answer.call, event="ended")] * 3
    assert [leaf.kind for leaf in leaves(store)].count("call-report") == 1


def test_a_report_of_no_call_of_ours_is_named_and_nothing_of_it_is_kept(world, store, parcel):
    answer = connected(world, store, parcel)
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, OTHER_SWITCH, world.now())
    assert told(world, store, answer, "ended", OTHER_SWITCH) == Refusal(reason="unknown-call")
    for strange in ("", "x", "00" * 16, "0" * 33, "é" * 32):
        asked = Report(actor=SWITCH, call=strange, event="ended", at=world.now())
        assert report(world, store, [asked]) == [Refusal(reason="unknown-call")]
    assert told(world, store, answer, "exploded") == Refusal(reason="not-an-event")
    assert told(world, store, answer, "ended", seconds=-1) == Refusal(reason="not-an-event")
    assert told(world, store, answer, "ended", COURIER) == UNKNOWN
    waybill, _ = parcel
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert told(world, store, answer, "ended") == Refusal(reason="unknown-call")
    assert [leaf.kind for leaf in leaves(store)].count("call-report") == 0


def test_a_late_report_of_a_delivered_parcel_is_still_recorded(world, store, parcel, hands):
    answer = connected(world, store, parcel)
    _, data = parcel
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    hands.move(hours=5)
    assert told(world, store, answer, "ended") == Reported(call=answer.call, event="ended")


def alarms(store):
    with store.transaction() as tx:
        return [(kind, actor) for _, kind, actor in budgets.alarms(tx) if kind != "numbers-low"]


def test_an_answer_without_a_report_rings_once(world, store, parcel, hands):
    connected(world, store, parcel)
    hands.move(hours=5)
    keep_numbers(world, store)
    assert alarms(store) == []
    hands.move(hours=2)
    assert timedelta(hours=7) > REPORT_DUE
    keep_numbers(world, store)
    keep_numbers(world, store)
    assert alarms(store) == [("calls-without-report", SWITCH.id)]


def test_a_report_keeps_the_alarm_quiet(world, store, parcel, hands):
    told(world, store, connected(world, store, parcel), "ended", caller=Plain(PHONES[COURIER.id]))
    hands.move(hours=7)
    keep_numbers(world, store)
    assert alarms(store) == []


def test_a_report_with_another_caller_than_announced_rings(world, store, parcel):
    told(world, store, connected(world, store, parcel), "ended", caller=Plain(STRANGER))
    assert alarms(store) == [("report-of-another-caller", SWITCH.id)]


def test_no_phone_of_a_report_is_kept(world, store, parcel):
    told(world, store, connected(world, store, parcel), "ended", caller=Plain(PHONES[COURIER.id]))
    with store.data.connect() as connection:
        for table in ("call_report", "intent", "alarm", "leaf"):
            for row in connection.execute(schema.data.tables[table].select()):
                assert not any(PHONES[COURIER.id].encode() in str(each).encode() for each in row)
        assert len(connection.execute(schema.call_report.select()).all()) == 1


def test_a_missed_call_answered_from_another_phone_is_noted_for_the_courier(world, store, parcel, hands):
    waybill, data = parcel
    told(world, store, connected(world, store, parcel), "missed")
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]
    hands.move(minutes=10)
    assert heard(world, store, waybill.number, STRANGER) == "not-connected"
    at = world.now()
    hands.move(minutes=1)
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=((data.waybill_number, at),))]
    assert report(world, store, [Missed(actor=OTHER_COURIER)]) == [CallBacks(calls=())]
    assert report(world, store, [Missed(actor=DISPATCHER)]) == [UNKNOWN]
    announced(world, store, data)  # the courier rings again: settled
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]


def test_a_stranger_after_an_answered_or_an_old_call_is_not_noted(world, store, parcel, hands):
    waybill, _ = parcel
    told(world, store, connected(world, store, parcel), "answered")
    heard(world, store, waybill.number, STRANGER)
    told(world, store, connected(world, store, parcel), "missed")
    hands.move(seconds=MISSED.total_seconds() + 1)
    heard(world, store, waybill.number, STRANGER)
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]


def test_a_pool_below_the_mark_rings_once_a_day(world, store, hands):
    keep_numbers(world, store, low_water=1000)
    with store.transaction() as tx:
        assert budgets.alarms(tx) == []  # a thousand are free
        slots.withdraw(tx, Act.QUARANTINE, DEMO.main, ["1000"], world.now())
    assert LOW_WATER < 999
    keep_numbers(world, store, low_water=1000)
    hands.move(hours=23)
    keep_numbers(world, store, low_water=1000)
    with store.transaction() as tx:
        assert [kind for _, kind, _ in budgets.alarms(tx)] == ["numbers-low"]


def test_the_recipient_of_an_amended_order_rings_back_whatever_the_day_of_the_correction(world, store, order, hands):
    waybill = checked_out(world, store, order())
    hands.move(days=1)
    change(world, store, [Amend(merchant=SHOP, id=waybill.id, order=order(remark="轻放"))])
    data = labelled(world, store, waybill)
    arrived(world, store, data)
    assigned(world, store, data)
    asked = Route(
        actor=SWITCH, caller=Plain("13800000001"), main=waybill.number.main, extension=waybill.number.extension
    )
    [connected] = call(world, store, [asked])
    assert isinstance(connected, Connect)
