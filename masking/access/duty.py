"""The decision: may this actor see something of this parcel, and what.

A pure function over facts, a table of named rules. Duty is given by others: a courier's own scan never creates it. Until
duty is shown every answer is the one uniform refusal, so that asking tells nothing (never issued, destroyed, not yours);
only then come reasons with names.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import final

from masking.access.people import Actor, Role
from masking.lifecycle import State
from masking.waybill import Refusal

UNKNOWN = Refusal(reason="unknown")
"""The uniform refusal."""


class Purpose(StrEnum):
    """The next step of the parcel, which decides the fields."""

    COLLECT = "collect"
    DELIVER = "deliver"
    CALL = "call"
    RETURN = "return"
    CHANGE_ADDRESS = "change-address"
    AFTER_SALE = "after-sale"


FIELDS_FOR: dict[Purpose, tuple[str, ...]] = {
    Purpose.COLLECT: ("sender.address",),
    Purpose.DELIVER: ("recipient.address", "recipient.surname"),
    Purpose.CALL: (),
    Purpose.RETURN: ("sender.address",),
    Purpose.CHANGE_ADDRESS: ("recipient.address",),
    Purpose.AFTER_SALE: (),
}
"""What each purpose opens. No purpose opens a phone: a call is a connection, never a number."""

LEG_FOR: dict[Purpose, str] = {
    Purpose.COLLECT: "outbound",
    Purpose.DELIVER: "outbound",
    Purpose.CHANGE_ADDRESS: "outbound",
    Purpose.RETURN: "return",
}
"""The leg that a purpose belongs to; the others belong to both."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What the store knows of one parcel at the time of asking.

    `courier` and `given_by` are of the open assignment, None without one; `print_number` is the scanned label's.
    """

    tenant: str
    state: State
    openable: bool
    leg: str
    delivered: bool
    print_number: int
    live_print: int
    courier: str | None
    given_by: str | None


def _has_duty(actor: Actor, facts: Facts) -> bool:
    return (
        actor.role is Role.COURIER
        and actor.tenant == facts.tenant
        and facts.courier == actor.id
        and facts.given_by not in {None, actor.id}
    )


RULES: tuple[tuple[str, Callable[[Actor, Facts, Purpose], bool]], ...] = (
    ("unknown", lambda actor, facts, _: facts.state is State.ACTIVE and facts.openable and _has_duty(actor, facts)),
    ("delivered", lambda _, facts, __: not facts.delivered),
    ("print-superseded", lambda _, facts, __: facts.print_number == facts.live_print),
    ("wrong-leg", lambda _, facts, purpose: LEG_FOR.get(purpose, facts.leg) == facts.leg),
)
"""Rules in the order in which they are asked; the first that does not hold names the refusal."""


def decide(actor: Actor, facts: Facts | None, purpose: Purpose) -> tuple[str, ...] | Refusal:
    """The names of the fields that may be opened, or why not. `facts` is None for a parcel that does not exist."""
    if facts is None:
        return UNKNOWN
    for reason, holds in RULES:
        if not holds(actor, facts, purpose):
            return UNKNOWN if reason == UNKNOWN.reason else Refusal(reason=reason)
    return FIELDS_FOR[purpose]
