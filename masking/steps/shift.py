"""An outlet begins and ends a courier's shift. A courier gets tokens within a shift only.

A login that is lent in the evening therefore opens nothing. Ending a shift ends the courier's tokens at once. Both are on
the ledger.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from masking.access import credentials as words
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.runtime import World
from masking.store.rows import budgets, credentials, people
from masking.store.store import Store
from masking.values.outcomes import ShiftSet
from masking.values.printable import Refusal
from masking.words.ledger_kinds import LedgerKind

LONGEST = timedelta(hours=14)
_A_MINUTE = timedelta(minutes=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Shift:
    """A courier's shift: it lasts `hours` from now, at most 14. 0 ends it."""

    actor: Actor
    courier: str
    hours: int


def shift(world: World, store: Store, requests: Sequence[Shift]) -> list[ShiftSet | Refusal]:
    """Begin or end each shift.

    Returns:
        The end of each shift, or the refusal, in order.

    Raises:
        UnavailableError: nothing of this batch is known to be recorded.
    """
    now = world.now()
    outcomes: list[ShiftSet | Refusal] = []
    with store.transaction() as tx:
        staff = people.active(tx, {r.actor.id for r in requests} | {r.courier for r in requests})
        tallies = budgets.open_tallies(tx, {r.actor.id for r in requests} & staff.keys(), now)
        for request in requests:
            actor, courier = request.actor, staff.get(request.courier)
            if courier is None or staff.get(actor.id) != actor or not _may(actor, courier, request.hours):
                outcomes.append(UNKNOWN)
                continue
            until = now + min(timedelta(hours=max(request.hours, 0)), LONGEST)
            before = people.shift_of(tx, courier.id)
            if before and _same(before, until, now):
                outcomes.append(ShiftSet(courier=courier.id, until=max(before, now)))
                continue
            refusal = tallies[actor.id].try_repeat() if until > now else None
            if refusal:
                outcomes.append(refusal)
                continue
            people.set_shift(tx, courier.id, until)
            if until == now:
                credentials.end(tx, [courier.id], kind=words.TOKEN)
            kind = LedgerKind.SHIFT_END if until == now else LedgerKind.SHIFT
            journal.append(tx, [store.leaf(world, now, kind, actor.id, person=courier.id, hours=str(request.hours))])
            outcomes.append(ShiftSet(courier=courier.id, until=until))
        budgets.save_tallies(tx, tallies, now, world)
    return outcomes


def _same(before: datetime, until: datetime, now: datetime) -> bool:
    """Whether the shift already ends at the requested time, give or take a minute. That needs no further leaf."""
    if until == now:
        return before <= now
    return before > now and abs(until - before) < _A_MINUTE


def _may(actor: Actor, courier: Actor, hours: int) -> bool:
    """Whether the actor may set this courier's shift: an outlet for its couriers, and a courier to end their own."""
    if courier.role is not Role.COURIER or courier.tenant != actor.tenant:
        return False
    return (actor.role is Role.OUTLET and actor.unit == courier.unit) or (actor.id == courier.id and hours == 0)
