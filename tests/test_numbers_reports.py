"""What the reports of calls leave behind, and what rings when there are none."""

from __future__ import annotations

from datetime import timedelta

import pytest

from masking.access.duty import UNKNOWN
from masking.database import schema
from masking.steps.deliver import Deliver, deliver
from masking.steps.report import LONGEST, CallReport, Missed, report
from masking.steps.retire import Destroy, retire
from masking.steps.route import MISSED
from masking.store.rows import people
from masking.store.rows.calls import REPORT_DUE
from masking.upkeep.number_pool import keep_numbers
from masking.values.outcomes import CallBacks, Reported
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from tests.support.calls import OTHER_SWITCH, STRANGER, announce_call, call_alarms, connect_call, reason_heard
from tests.support.ledger import leaves_of
from tests.support.people import COURIER, DISPATCHER, OPERATOR, OTHER_COURIER, PHONES, SWITCH

pytestmark = pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)  # the file adds only time


def told(world, store, answer, event, switch=SWITCH, **more):
    return report(world, store, [CallReport(actor=switch, call=answer.call, event=event, at=world.now(), **more)])[0]


def test_reports_are_recorded_once_in_any_order(world, store, parcel, fake_world):
    answer = connect_call(world, store, parcel)
    for event in ("ended", "ringing", "answered", "ended", "ringing"):
        fake_world.advance(seconds=1)
        assert told(world, store, answer, event, seconds=3) == Reported(call=answer.call, event=event)
    kept = [
        leaf.detail["event"] for leaf in leaves_of(store) if leaf.kind == "call-report"
    ]  # the clock moved in between
    assert kept == ["ended", "ringing", "answered"]


def test_batch_with_repeated_reports_is_recorded_once(world, store, parcel):
    answer = connect_call(world, store, parcel)
    one = CallReport(actor=SWITCH, call=answer.call, event="ended", at=world.now(), seconds=1)
    assert report(world, store, [one, one, one]) == [Reported(call=answer.call, event="ended")] * 3
    assert [leaf.kind for leaf in leaves_of(store)].count("call-report") == 1


def test_report_of_an_unknown_call_is_refused_and_not_kept(world, store, parcel):
    answer = connect_call(world, store, parcel)
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, OTHER_SWITCH, world.now())
    assert told(world, store, answer, "ended", OTHER_SWITCH) == Refusal(reason="unknown-call")
    for strange in ("", "x", "00" * 16, "0" * 33, "é" * 32):
        asked = CallReport(actor=SWITCH, call=strange, event="ended", at=world.now())
        assert report(world, store, [asked]) == [Refusal(reason="unknown-call")]
    assert told(world, store, answer, "exploded") == Refusal(reason="not-an-event")
    for seconds in (-1, LONGEST + 1):
        assert told(world, store, answer, "ended", seconds=seconds) == Refusal(reason="not-an-event")
    assert told(world, store, answer, "ended", COURIER) == UNKNOWN
    waybill, _ = parcel
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert told(world, store, answer, "ended") == Refusal(reason="unknown-call")
    assert [leaf.kind for leaf in leaves_of(store)].count("call-report") == 0


def test_call_may_last_a_day(world, store, parcel):
    answer = connect_call(world, store, parcel)
    assert told(world, store, answer, "ended", seconds=24 * 3600) == Reported(call=answer.call, event="ended")


def test_late_report_of_a_delivered_parcel_is_recorded(world, store, parcel, fake_world):
    answer = connect_call(world, store, parcel)
    _, data = parcel
    deliver(world, store, [Deliver(actor=COURIER, code=data.code)])
    fake_world.advance(hours=5)
    assert told(world, store, answer, "ended") == Reported(call=answer.call, event="ended")


def test_answer_without_a_report_raises_one_alarm(world, store, parcel, fake_world):
    connect_call(world, store, parcel)
    fake_world.advance(hours=5)
    keep_numbers(world, store)
    assert call_alarms(store) == []
    fake_world.advance(hours=2)
    assert timedelta(hours=7) > REPORT_DUE
    keep_numbers(world, store)
    keep_numbers(world, store)
    assert call_alarms(store) == [("calls-without-report", SWITCH.id)]


def test_reported_answer_raises_no_alarm(world, store, parcel, fake_world):
    told(world, store, connect_call(world, store, parcel), "ended", caller=Plain(PHONES[COURIER.id]))
    fake_world.advance(hours=7)
    keep_numbers(world, store)
    assert call_alarms(store) == []


def test_report_with_another_caller_than_announced_raises_an_alarm(world, store, parcel):
    told(world, store, connect_call(world, store, parcel), "ended", caller=Plain(STRANGER))
    assert call_alarms(store) == [("report-of-another-caller", SWITCH.id)]


def test_no_phone_of_a_report_is_kept(world, store, parcel):
    told(world, store, connect_call(world, store, parcel), "ended", caller=Plain(PHONES[COURIER.id]))
    with store.data.connect() as connection:
        for table in ("call_report", "intent", "alarm", "leaf"):
            for row in connection.execute(schema.data.tables[table].select()):
                assert not any(PHONES[COURIER.id].encode() in str(each).encode() for each in row)
        assert len(connection.execute(schema.call_report.select()).all()) == 1


def test_missed_call_answered_from_another_phone_is_noted_for_the_courier(world, store, parcel, fake_world):
    waybill, data = parcel
    told(world, store, connect_call(world, store, parcel), "missed")
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]
    fake_world.advance(minutes=10)
    assert reason_heard(world, store, waybill.number, STRANGER) == "not-connected"
    at = world.now()
    fake_world.advance(minutes=1)
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=((data.waybill_number, at),))]
    assert report(world, store, [Missed(actor=OTHER_COURIER)]) == [CallBacks(calls=())]
    assert report(world, store, [Missed(actor=DISPATCHER)]) == [UNKNOWN]
    announce_call(world, store, data)  # the courier rings again: settled
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]


def test_unknown_caller_after_an_answered_or_old_call_is_not_noted(world, store, parcel, fake_world):
    waybill, _ = parcel
    told(world, store, connect_call(world, store, parcel), "answered")
    reason_heard(world, store, waybill.number, STRANGER)
    told(world, store, connect_call(world, store, parcel), "missed")
    fake_world.advance(seconds=MISSED.total_seconds() + 1)
    reason_heard(world, store, waybill.number, STRANGER)
    assert report(world, store, [Missed(actor=COURIER)]) == [CallBacks(calls=())]
