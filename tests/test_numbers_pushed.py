"""Reports that a provider pushes: believed for their signature alone, read as its documentation says, recorded once."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.errors import InputError, SettingsError
from masking.journal import journal
from masking.numbers.aliyun.client import Account, Aliyun
from masking.numbers.provider import PROVIDER
from masking.numbers.pushes import WINDOW, BadSignature, ReportRecord, check_signature, sign
from masking.runtime import CHINA
from masking.steps.call import Call, announce
from masking.steps.report import CallReport, report
from masking.steps.retire import Destroy, retire
from masking.store.rows.calls import REPORT_DUE
from masking.upkeep.number_pool import keep_numbers
from masking.values.outcomes import Reported
from masking.values.plaintext import Announced, Plain
from masking.values.printable import Refusal
from tests.support.aliyun_server import KEY_ID, MAINS, POOL, REPORT_KEY, SECRET, record, signature
from tests.support.calls import call_alarms
from tests.support.ledger import leaves_of
from tests.support.parcels import load_on_van
from tests.support.people import COURIER, OPERATOR, SWITCH

BOTH = pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)
NOW = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
AT = int(NOW.timestamp())
KEY = Plain(REPORT_KEY)


def provider(world, report_key=KEY):
    account = Account(
        endpoint="https://dyplsapi.example",
        key_id=KEY_ID,
        key_secret=Plain(SECRET),
        pool_key=POOL,
        mains=MAINS,
        report_key=report_key,
    )
    return Aliyun(account, world)


def pushed(world, *records, at=None):
    """What the port makes of these records, signed."""
    body = json.dumps(records).encode()
    return provider(world).parse_push(signature(body, int((at or world.now()).timestamp())), body)


def test_signature_equals_the_documented_one():
    body = '[{"out_id":"欧阳"}]'.encode()
    assert sign(KEY, "aliyun", body, NOW) == signature(body, AT)
    assert check_signature(KEY, "aliyun", signature(body, AT), body, NOW) is None


@given(st.binary(max_size=200), st.data())
def test_any_changed_character_of_a_header_or_body_is_refused(body, data):
    header = sign(KEY, "aliyun", body, NOW)
    place = data.draw(st.integers(0, len(header) - 1))
    other = data.draw(st.sampled_from("0123456789abcdefABCDEF=,tv \n").filter(lambda c: c != header[place]))
    assert check_signature(KEY, "aliyun", header[:place] + other + header[place + 1 :], body, NOW) is not None
    flipped = bytearray(body or b"x")
    flipped[data.draw(st.integers(0, len(flipped) - 1))] ^= data.draw(st.integers(1, 255))
    assert check_signature(KEY, "aliyun", header, bytes(flipped), NOW) == BadSignature("wrong")


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        (None, "missing"),
        ("", "missing"),
        (f"t={AT}", "missing"),
        (f"t={AT},v1=", "missing"),
        (f"t={AT},v2={'0' * 64}", "missing"),
        (f"t=-1,v1={'0' * 64}", "missing"),
        (f"t={'9' * 40},v1={'0' * 64}", "missing"),
        (signature(b"[]", AT) + "\n", "missing"),
        (signature(b"[]", AT).upper(), "missing"),
        (f"t={AT},v1={'0' * 64}", "wrong"),
        (signature(b"[]", AT, key="another-key-that-has-32-letters!"), "wrong"),
        (signature(b"[]", AT, provider="another"), "wrong"),
        (signature(b"[]", AT - 301), "stale"),
        (signature(b"[]", AT + 302), "future"),
        (signature(b"[]", 99999999999), "future"),
    ],
)
def test_stale_foreign_or_missing_signature_is_refused_by_name(header, reason):
    assert check_signature(KEY, "aliyun", header, b"[]", NOW) == BadSignature(reason)


@pytest.mark.parametrize("seconds", [-300, 0, 300])
def test_signature_is_valid_within_the_window(seconds):
    assert timedelta(seconds=300) == WINDOW
    assert check_signature(KEY, "aliyun", signature(b"[]", AT + seconds), b"[]", NOW) is None


@pytest.mark.parametrize("key", [None, Plain(""), Plain("x" * 31)])
def test_nothing_is_signed_without_a_key(world, key):
    header = signature(b"[]", AT, key=key.reveal() if key else "")
    assert check_signature(key, "aliyun", header, b"[]", NOW) == BadSignature("no-key")
    if key is None:
        assert provider(world, None).parse_push(header, b"[]") == BadSignature("no-key")
    elif key.reveal():
        with pytest.raises(SettingsError, match="at least 32"):
            provider(world, key)


@pytest.mark.parametrize("body", [b"", b"{}", b"x", b"[" * 100_000, b"\xff", b"null", b'"[]"'])
def test_signed_body_that_is_not_a_list_is_named(world, body):
    with pytest.raises(InputError, match="not-a-list-of-records"):
        provider(world).parse_push(signature(body, AT), body)


@pytest.mark.parametrize(
    ("changes", "happened", "caller"),
    [
        ({}, [("answered", "08:31:38", 0), ("ended", "08:31:41", 3)], "13900000007"),
        ({"call_type": "0"}, [("answered", "08:31:38", 0), ("ended", "08:31:41", 3)], "13900000007"),
        ({"start_time": "2026-11-24 08:31:41"}, [("missed", "08:31:41", 0)], "13900000007"),
        ({"start_time": None}, [("missed", "08:31:41", 0)], "13900000007"),
        ({"release_time": None}, [("answered", "08:31:38", 0)], "13900000007"),  # SecretPickUpReport
        ({"release_time": None, "start_time": None}, [("ringing", "08:31:35", 0)], "13900000007"),  # SecretRingReport
        (dict.fromkeys(("release_time", "start_time", "ring_time")), [], "13900000007"),  # SecretStartReport
        ({"call_type": 1}, [("answered", "08:31:38", 0), ("ended", "08:31:41", 3)], "13800000001"),  # B has got through
        ({"call_type": 1, "start_time": "2026-11-24 08:31:41"}, [], "13800000001"),  # B was not let through
        ({"call_type": 4, "start_time": None}, [], None),
        ({"release_time": "soon", "start_time": 5, "ring_time": {}}, [], "13900000007"),
        ({"start_time": "2026-11-24 08:31:40"}, [("answered", "08:31:40", 0), ("ended", "08:31:41", 1)], "13900000007"),
        ({"start_time": "2026-11-24 08:31:42"}, [("missed", "08:31:41", 0)], "13900000007"),  # ended before it began
        ({"phone_no": ""}, [("answered", "08:31:38", 0), ("ended", "08:31:41", 3)], None),
        ({"phone_no": 5}, [("answered", "08:31:38", 0), ("ended", "08:31:41", 3)], None),
    ],
)
def test_record_means_what_aliyuns_documentation_says(world, changes, happened, caller):
    [told] = pushed(world, record("c" * 32, **changes))
    assert told.call == "c" * 32
    assert [(e.event, e.at.astimezone(CHINA).strftime("%H:%M:%S"), e.seconds) for e in told.happened] == happened
    assert (told.caller and told.caller.reveal()) == caller


def test_invalid_record_means_nothing(world):
    strange = pushed(world, {}, [], None, "x", 7, record(5))
    assert all(told.call == "" for told in strange)


@pytest.fixture
def bound(world, store, order):
    """A parcel on its van, and the name of a call to it that a provider was told to connect."""
    waybill, data = load_on_van(world, store, order())
    [announced] = announce(world, store, [Call(actor=COURIER, code=data.code)], bind=True)
    assert isinstance(announced, Announced)
    return waybill, announced.call.hex()


def reported_events(world, store, waybill):
    about = journal.who_saw(world, store, record_of_waybill_id(waybill.id))
    return sorted((leaf.actor, leaf.detail["event"]) for leaf in about if leaf.kind == "call-report")


@BOTH
def test_pushed_reports_are_recorded_once_in_any_order(world, store, bound, fake_world):
    waybill, call = bound
    ringing = record(call, release_time=None, start_time=None)
    first = report(world, store, pushed(world, record(call), ringing, record(call)))
    assert first == [Reported(call=call, event=event) for event in ("ended", "ringing", "ended")]
    fake_world.advance(minutes=4)
    assert report(world, store, pushed(world, ringing, record(call))) == [first[1], first[0]]
    assert reported_events(world, store, waybill) == [
        (PROVIDER, "answered"),
        (PROVIDER, "ended"),
        (PROVIDER, "ringing"),
    ]
    with store.data.connect() as connection:
        assert len(connection.execute(schema.call_report.select()).all()) == 3
    assert call_alarms(store) == []


@BOTH
def test_invalid_record_in_a_push_fails_alone_by_name(world, store, bound):
    waybill, call = bound
    told = pushed(
        world,
        record("f" * 32),
        record(None),
        record(call, **dict.fromkeys(("release_time", "start_time", "ring_time"))),
        record(call, release_time="2026-11-26 08:31:41"),  # spoken for two days
        record(call),
    )
    assert report(world, store, told) == [
        Refusal(reason="unknown-call"),
        Refusal(reason="unknown-call"),
        Refusal(reason="not-an-event"),
        Refusal(reason="not-an-event"),
        Reported(call=call, event="ended"),
    ]
    assert len(reported_events(world, store, waybill)) == 2


@BOTH
def test_provider_reports_only_its_own_calls_of_existing_parcels(world, store, bound):
    waybill, call = bound
    own = CallReport(actor=SWITCH, call=call, event="ended", at=world.now())
    assert report(world, store, [own]) == [Refusal(reason="unknown-call")]
    retire(world, store, [Destroy(actor=OPERATOR, id=waybill.id, reason="test")])
    assert report(world, store, pushed(world, record(call))) == [Refusal(reason="unknown-call")]


STARTED = dict.fromkeys(("release_time", "start_time", "ring_time", "out_id", "sub_id"))
"""What a SecretStartReport does not have where nothing is bound for the phone that has dialled."""


@pytest.mark.parametrize(
    ("changes", "probed"),
    [
        ({"unconnected_cause": 2, "call_type": None}, MAINS[0]),
        ({"unconnected_cause": "2"}, MAINS[0]),
        ({"control_msg": "NO_SUBS_EXIST"}, MAINS[0]),
        ({"call_type": 4}, MAINS[0]),
        ({"call_type": "4", "out_id": ""}, MAINS[0]),
        ({"call_type": 4, "out_id": "c" * 32}, ""),  # the recipient calls back, which this binding does not connect
        ({"call_type": 4, "secret_no": "17000000999"}, ""),
        ({"call_type": 4, "secret_no": None}, ""),
        ({"unconnected_cause": 0}, ""),
    ],
)
def test_call_to_an_unbound_number_is_a_probe(world, changes, probed):
    [told] = pushed(world, record(**STARTED | changes))
    assert (told.probed, told.happened) == (probed, ())


@BOTH
def test_twenty_probes_an_hour_raise_an_alarm_and_are_on_the_ledger(world, store, fake_world):
    probe = record(**STARTED | {"unconnected_cause": 2, "phone_no": "13900000099"})
    assert report(world, store, pushed(world, *[probe] * 19)) == [Refusal(reason="unknown-call")] * 19
    assert call_alarms(store) == []
    fake_world.advance(minutes=2)
    report(world, store, pushed(world, *[probe] * 30))
    assert call_alarms(store) == [("numbers-probed", PROVIDER)]
    counts = [leaf.detail["count"] for leaf in leaves_of(store, "refusal-count")]
    assert counts == ["19", "30"]
    assert "13900000099" not in str(leaves_of(store))
    fake_world.advance(hours=2)
    report(world, store, pushed(world, *[probe] * 20))
    assert call_alarms(store) == [("numbers-probed", PROVIDER)] * 2


@BOTH
def test_no_pushed_phone_is_kept_and_an_unexpected_one_raises_an_alarm(world, store, bound):
    _, call = bound
    report(world, store, pushed(world, record(call, phone_no="13900000099")))
    assert call_alarms(store) == [("report-of-another-caller", PROVIDER)]
    with store.data.connect() as connection:
        for table in ("call_report", "intent", "alarm", "leaf"):
            for row in connection.execute(schema.data.tables[table].select()):
                assert not any(phone in str(row) for phone in ("13900000099", "13800000001"))


@BOTH
def test_silent_provider_raises_one_alarm_a_day_unless_undialled(world, store, bound, fake_world):
    _, call = bound
    report(world, store, pushed(world, record(call)))
    with store.data.begin() as connection:  # announced, and never dialled
        [row] = connection.execute(schema.intent.select()).mappings()
        again = dict(row) | {"id": world.record_id(world.now()), "reported": None}
        connection.execute(schema.intent.insert().values(again))
    fake_world.advance(seconds=REPORT_DUE.total_seconds() + 60)
    keep_numbers(world, store)
    assert call_alarms(store) == []
    fake_world.advance(days=1)
    with store.data.begin() as connection:
        used = {"id": world.record_id(world.now()), "used": again["used"], "reported": None}
        connection.execute(schema.intent.insert().values(again | used))
    keep_numbers(world, store)
    keep_numbers(world, store)
    assert call_alarms(store) == [("calls-without-report", PROVIDER)]


def test_pushed_report_has_no_phone_in_its_repr(world):
    [told] = pushed(world, record("c" * 32))
    assert isinstance(told, ReportRecord)
    assert "13900000007" not in repr(told)
