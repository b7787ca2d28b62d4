"""The decision, rule by rule: each fact that must hold is shown to matter."""

from __future__ import annotations

import dataclasses

import pytest

from masking.access.duty import FIELDS_FOR, UNKNOWN, Facts, Purpose, decide
from masking.lifecycle import State
from masking.waybill import Refusal
from tests.cast import COURIER, DISPATCHER, OTHER_COURIER, TENANT

GOOD = Facts(
    tenant=TENANT,
    state=State.ACTIVE,
    openable=True,
    leg="outbound",
    delivered=False,
    print_number=1,
    live_print=1,
    courier=COURIER.id,
    given_by=DISPATCHER.id,
)


@pytest.mark.parametrize(
    "changed",
    [
        {"tenant": "another-carrier"},
        {"state": State.SEALED_AWAY},
        {"state": State.DESTROYED},
        {"openable": False},
        {"courier": None},
        {"courier": OTHER_COURIER.id},
        {"given_by": None},
        {"given_by": COURIER.id},
    ],
    ids=str,
)
def test_without_a_duty_that_somebody_else_gave_the_answer_is_uniform(changed):
    assert decide(COURIER, GOOD, Purpose.DELIVER) == FIELDS_FOR[Purpose.DELIVER]
    assert decide(COURIER, dataclasses.replace(GOOD, **changed), Purpose.DELIVER) == UNKNOWN


def test_whoever_gives_duties_has_none():
    own = dataclasses.replace(GOOD, courier=DISPATCHER.id, given_by=COURIER.id)
    assert decide(DISPATCHER, own, Purpose.DELIVER) == UNKNOWN


@pytest.mark.parametrize(
    ("changed", "reason"), [({"delivered": True}, "delivered"), ({"live_print": 2}, "print-superseded")]
)
def test_with_a_duty_the_reason_has_a_name(changed, reason):
    assert decide(COURIER, dataclasses.replace(GOOD, **changed), Purpose.DELIVER) == Refusal(reason=reason)


@pytest.mark.parametrize("purpose", Purpose)
def test_each_purpose_opens_its_own_fields_on_its_own_leg_and_no_phone_ever(purpose):
    legs = {leg: decide(COURIER, dataclasses.replace(GOOD, leg=leg), purpose) for leg in ("outbound", "return")}
    right = {"outbound", "return"} if purpose in {Purpose.CALL, Purpose.AFTER_SALE} else {"outbound"}
    right = {"return"} if purpose is Purpose.RETURN else right
    for leg, verdict in legs.items():
        assert verdict == (FIELDS_FOR[purpose] if leg in right else Refusal(reason="wrong-leg"))
    assert not any("phone" in field for field in FIELDS_FOR[purpose])
