"""The decision: every combination of facts, against what the rules say in other words."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime, timedelta
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.access.chain import Leg
from masking.access.duty import DUTY_LASTS, FIELDS_FOR, UNKNOWN, Duty, Facts, Purpose, fields_or_refusal, is_duty_valid
from masking.access.people import Actor, Role
from masking.values.printable import Refusal
from masking.values.states import State
from tests.support.people import COURIER, DISPATCHER, OTHER_COURIER, TENANT

NOW = datetime(2026, 11, 24, 9, tzinfo=UTC)
AGES = (timedelta(0), DUTY_LASTS - timedelta(milliseconds=1), DUTY_LASTS, timedelta(days=30))
CUSTODIES = (None, "collected", "arrived", "departed", "delivered")
ACTORS = (
    COURIER,
    dataclasses.replace(COURIER, tenant="another-carrier"),
    dataclasses.replace(COURIER, unit="sh-02"),
    dataclasses.replace(COURIER, role=Role.OUTLET),
)
DUTIES = (
    None,
    *(
        Duty(courier=courier, given_by=by, unit="sh-01", leg=leg, at=NOW - age)
        for courier in (COURIER.id, OTHER_COURIER.id)
        for by in (DISPATCHER.id, COURIER.id)
        for leg in Leg
        for age in AGES
    ),
)


def expected(actor: Actor, facts: Facts, purpose: Purpose) -> tuple[str, ...] | str:
    """The rules, told as a courier would tell them, and not as they are written."""
    mine = facts.duty is not None and facts.duty.courier == actor.id and facts.duty.given_by != actor.id
    courier_here = (actor.role, actor.tenant, actor.unit) == (Role.COURIER, "carrier", "sh-01")
    readable = facts.state is State.ACTIVE and facts.openable
    if not (mine and courier_here and readable):
        return "unknown"
    with_us = (facts.custody, facts.custodian_unit) in {("arrived", "sh-01"), ("collected", "sh-01")}
    there = {Leg.COLLECTION: facts.custody is None, Leg.DELIVERY: with_us, Leg.RETURN: with_us}[facts.leg]
    if facts.duty.leg != facts.leg or not there:
        return "not-in-custody"
    if facts.duty.at <= NOW - timedelta(hours=24):
        return "duty-is-over"
    if facts.print_number != facts.live_print:
        return "print-superseded"
    opened = {
        ("collect", "collection"): ("sender.address",),
        ("deliver", "delivery"): ("recipient.address", "recipient.surname", "recipient.door_code"),
        ("change-address", "delivery"): ("recipient.address",),
        ("return", "return"): ("sender.address",),
    }
    if purpose in {"call", "after-sale"}:
        return ()
    return opened.get((str(purpose), str(facts.leg)), "wrong-leg")


def test_rule_table_matches_the_rules_of_the_trade_for_all_facts():
    told: dict[str, int] = {}
    for state, openable, leg, custody, custodian_unit, printed, duty in product(
        State, (True, False), Leg, CUSTODIES, (None, "sh-01", "sh-02"), (1, 2), DUTIES
    ):
        facts = Facts(
            tenant=TENANT,
            state=state,
            openable=openable,
            leg=leg,
            custody=custody,
            custodian_unit=custodian_unit,
            print_number=printed,
            live_print=2,
            duty=duty,
        )
        for actor in ACTORS:
            if actor is not COURIER and (state is not State.ACTIVE or printed == 1):
                continue  # what is unknown to the right person is not asked by everybody
            for purpose in Purpose:
                found, wanted = fields_or_refusal(actor, facts, purpose, NOW), expected(actor, facts, purpose)
                name = found.reason if isinstance(found, Refusal) else found
                if name != wanted:
                    pytest.fail(f"{actor} {facts} {purpose}: {name}, not {wanted}")
                told[str(name)] = told.get(str(name), 0) + 1
    named = {name for name in told if not name.startswith("(")}
    assert named == {"unknown", "not-in-custody", "duty-is-over", "print-superseded", "wrong-leg"}
    assert {name for name in told if name.startswith("(")} == {str(fields) for fields in FIELDS_FOR.values()}


def test_call_back_reaches_the_courier_who_could_call_now():
    given = [duty for duty in DUTIES if duty is None or (duty.courier, duty.given_by) == (COURIER.id, DISPATCHER.id)]
    for leg, custody, custodian_unit, duty in product(Leg, CUSTODIES, (None, "sh-01", "sh-02"), given):
        facts = Facts(
            tenant=TENANT,
            state=State.ACTIVE,
            openable=True,
            leg=leg,
            custody=custody,
            custodian_unit=custodian_unit,
            print_number=1,
            live_print=1,
            duty=duty,
        )
        assert is_duty_valid(facts, NOW) is (expected(COURIER, facts, Purpose.CALL) == ()), facts


SOME_DUTY = st.builds(
    Duty,
    courier=st.sampled_from([COURIER.id, "boss"]),
    given_by=st.sampled_from([COURIER.id, DISPATCHER.id, "boss"]),
    unit=st.just("sh-01"),
    leg=st.sampled_from(Leg),
    at=st.just(NOW),
)
ANY_FACTS = st.builds(
    Facts,
    tenant=st.just(TENANT),
    state=st.sampled_from(State),
    openable=st.booleans(),
    leg=st.sampled_from(Leg),
    custody=st.sampled_from(CUSTODIES),
    custodian_unit=st.sampled_from([None, "sh-01"]),
    print_number=st.integers(1, 2),
    live_print=st.just(1),
    duty=st.none() | SOME_DUTY,
)


@given(ANY_FACTS, st.sampled_from([role for role in Role if role is not Role.COURIER]), st.sampled_from(Purpose))
def test_no_role_overrides_the_rule_table(facts, role, purpose):
    assert fields_or_refusal(Actor(id="boss", tenant=TENANT, role=role, unit="sh-01"), facts, purpose, NOW) == UNKNOWN


@given(ANY_FACTS, SOME_DUTY, st.sampled_from(Purpose))
def test_no_person_assigns_a_duty_to_themselves(facts, duty, purpose):
    own = dataclasses.replace(facts, duty=dataclasses.replace(duty, courier=COURIER.id, given_by=COURIER.id))
    assert fields_or_refusal(COURIER, own, purpose, NOW) == UNKNOWN


def test_nonexistent_parcel_is_unknown_for_every_purpose():
    assert {fields_or_refusal(COURIER, None, purpose, NOW) for purpose in Purpose} == {UNKNOWN}


def test_no_purpose_opens_a_phone_or_the_recipients_whole_name():
    opened = {field for fields in FIELDS_FOR.values() for field in fields}
    assert opened == {"sender.address", "recipient.address", "recipient.surname", "recipient.door_code"}
    assert FIELDS_FOR[Purpose.CALL] == FIELDS_FOR[Purpose.AFTER_SALE] == ()
