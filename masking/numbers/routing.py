"""Decides about a dialled number: who is connected, what the ledger records, and what the caller hears.

Pure rules over facts. What a caller hears depends on the numbering plan, which is public, and on the caller. A stranger hears
the same whether a number is leased, cooling down or was never leased. The ledger has the true reason.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import final

from masking.numbers.pool import Line
from masking.words.reasons import Reason

CONNECT = "connect"
CALL_BACK = "call-back"

INTENT_LIFE = timedelta(minutes=2)
"""How long an announced call can be made."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class RouteFacts:
    """Facts about one dialled number and its caller.

    Attributes:
        switch: the id of the enrolled switch that asks, None for any other caller of the service.
        line, extension: the dialled number. The line is None if the main number is not ours.
        live: whether the number is leased to a parcel that is under way and can be opened.
        courier: the courier who has the duty for that parcel now.
        announced: the courier who recently announced a call to it from this caller's number.
        intent: "open", "used" or "expired": the state of that announcement.
        party: whether the caller's phone is the recipient's, or for a return the sender's.
        staff: whether the caller's phone is the verified phone of any courier.
    """

    switch: str | None
    line: Line | None
    extension: str
    live: bool
    courier: str | None
    announced: str | None
    intent: str | None
    party: bool
    staff: bool


PLAN_RULES: tuple[tuple[Reason, Callable[[RouteFacts], bool]], ...] = (
    (Reason.NOT_YOUR_NUMBER, lambda d: d.switch is not None and d.line is not None and d.line.switch == d.switch),
    (Reason.DIAL_THE_EXTENSION, lambda d: d.extension != ""),
    (Reason.NO_SUCH_EXTENSION, lambda d: d.line is not None and len(d.extension) == d.line.digits),
)
"""Rules that reveal nothing about a parcel. The first that does not hold is both recorded and heard."""

PARCEL_RULES: tuple[tuple[str, Callable[[RouteFacts], bool]], ...] = (
    (CONNECT, lambda d: d.live and d.intent == "open" and d.announced == d.courier),
    (CALL_BACK, lambda d: d.live and d.party and d.courier is not None),
    ("stale-label", lambda d: not d.live),
    ("no-courier-yet", lambda d: d.party),
    ("duty-ended", lambda d: d.intent == "open"),
    (Reason.INTENT_USED, lambda d: d.intent == "used"),
    (Reason.INTENT_EXPIRED, lambda d: d.intent == "expired"),
    ("no-intent", lambda d: d.staff),
    ("stranger", lambda _: True),
)
"""Rules about the parcel. The first that holds is recorded."""


def decide_route(dialled: RouteFacts) -> str:
    """Return `CONNECT`, `CALL_BACK`, or the reason for refusing, as the ledger records it."""
    for reason, holds in PLAN_RULES:
        if not holds(dialled):
            return reason
    return next(reason for reason, holds in PARCEL_RULES if holds(dialled))


def public_reason(reason: str, dialled: RouteFacts) -> Reason:
    """The reason that the switch gets. `docs/telephony.md` says what it plays for each.

    Only a courier who announced a call to this parcel learns what happened to the announcement. Other couriers hear the same
    about every number, and so do strangers.
    """
    if reason in {Reason.INTENT_USED, Reason.INTENT_EXPIRED, *dict(PLAN_RULES)}:
        return Reason(reason)
    return Reason.ANNOUNCE_FIRST if dialled.staff else Reason.NOT_CONNECTED
