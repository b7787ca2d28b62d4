"""The access decision: which fields of a parcel an actor may see now, if any.

A pure function over facts, with a table of named rules. A duty is assigned by another person; a courier's own scan never
creates one. Without a duty every answer is the same refusal, so that asking reveals nothing (never issued, destroyed, not
yours). Only an actor with a duty gets a specific reason. The table covers every role and every purpose.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import final

from masking.access.chain import Leg
from masking.access.people import Actor, Role
from masking.values.printable import Refusal
from masking.values.states import State
from masking.words.reasons import Reason

UNKNOWN = Refusal(reason=Reason.UNKNOWN)
"""The refusal without a specific reason."""

DUTY_LASTS = timedelta(hours=24)
"""How long a duty lasts after its assignment. A parcel that is not delivered today is assigned again tomorrow."""


class Purpose(StrEnum):
    """The next step of the parcel, which decides which fields are opened."""

    COLLECT = "collect"
    DELIVER = "deliver"
    CALL = "call"
    RETURN = "return"
    CHANGE_ADDRESS = "change-address"
    AFTER_SALE = "after-sale"


FIELDS_FOR: dict[Purpose, tuple[str, ...]] = {
    Purpose.COLLECT: ("sender.address",),
    Purpose.DELIVER: ("recipient.address", "recipient.surname", "recipient.door_code"),
    Purpose.CALL: (),
    Purpose.RETURN: ("sender.address",),
    Purpose.CHANGE_ADDRESS: ("recipient.address",),
    Purpose.AFTER_SALE: (),
}
"""The fields that each purpose opens. None opens a phone: a call is connected without showing the number."""

ANY_LEG = frozenset(Leg)
TO_A_DOOR = frozenset({Leg.DELIVERY, Leg.RETURN})
"""The legs that end with a signature."""

LEGS_FOR: dict[Purpose, frozenset[Leg]] = {
    Purpose.COLLECT: frozenset({Leg.COLLECTION}),
    Purpose.DELIVER: frozenset({Leg.DELIVERY}),
    Purpose.CALL: ANY_LEG,
    Purpose.RETURN: frozenset({Leg.RETURN}),
    Purpose.CHANGE_ADDRESS: frozenset({Leg.DELIVERY}),
    Purpose.AFTER_SALE: ANY_LEG,
}
"""The legs that a purpose belongs to, so that a duty towards one party never opens the other party's door."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """An open assignment of a parcel, for one leg, to a courier of `unit`, by another person."""

    courier: str
    given_by: str
    unit: str
    leg: Leg
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The state of one parcel at the time of the request.

    `custody` and `custodian_unit` are those of its `chain.Where`. `duty` is the open assignment, None without one. `print_number`
    is that of the scanned label.
    """

    tenant: str
    state: State
    openable: bool
    leg: Leg
    custody: str | None
    custodian_unit: str | None
    print_number: int
    live_print: int
    duty: Duty | None


Rule = Callable[[Actor, Facts, Collection[Leg], datetime], bool]


def _has_duty(actor: Actor, facts: Facts) -> bool:
    duty = facts.duty
    return (
        duty is not None
        and facts.state is State.ACTIVE
        and facts.openable
        and actor.role is Role.COURIER
        and actor.tenant == facts.tenant
        and duty.courier == actor.id
        and duty.given_by != actor.id
        and duty.unit == actor.unit
    )


def _in_custody(facts: Facts) -> bool:
    duty = facts.duty
    if duty is None or duty.leg is not facts.leg:
        return False
    if facts.leg is Leg.COLLECTION:
        return facts.custody is None
    return facts.custody in {"arrived", "collected"} and facts.custodian_unit == duty.unit


def _in_time(facts: Facts, now: datetime) -> bool:
    return facts.duty is not None and now - facts.duty.at < DUTY_LASTS


RULES: tuple[tuple[Reason, Rule], ...] = (
    (Reason.UNKNOWN, lambda actor, facts, _legs, _now: _has_duty(actor, facts)),
    (Reason.NOT_IN_CUSTODY, lambda _actor, facts, _legs, _now: _in_custody(facts)),
    (Reason.DUTY_IS_OVER, lambda _actor, facts, _legs, now: _in_time(facts, now)),
    (Reason.PRINT_SUPERSEDED, lambda _actor, facts, _legs, _now: facts.print_number == facts.live_print),
    (Reason.WRONG_LEG, lambda _actor, facts, legs, _now: facts.leg in legs),
)
"""The rules in order. The first that does not hold names the refusal."""


def refusal(actor: Actor, facts: Facts | None, legs: Collection[Leg], now: datetime) -> Refusal | None:
    """Why this actor has no duty now towards a parcel on one of these legs, None if they have one.

    `facts` is None for a parcel that does not exist.
    """
    if facts is None:
        return UNKNOWN
    for reason, holds in RULES:
        if not holds(actor, facts, legs, now):
            return Refusal(reason=reason)
    return None


def is_duty_valid(facts: Facts, now: datetime) -> bool:
    """Whether the open duty is still valid: the parcel is in custody there, and the duty has not expired."""
    return _in_custody(facts) and _in_time(facts, now)


def fields_or_refusal(actor: Actor, facts: Facts | None, purpose: Purpose, now: datetime) -> tuple[str, ...] | Refusal:
    """The names of the fields that may be opened, or the refusal."""
    return refusal(actor, facts, LEGS_FOR[purpose], now) or FIELDS_FOR[purpose]
