"""Beside step 6: what became of calls. The switch reports, the courier asks who tried to call back.

Reports come at least once, late, twice, in any order: each event of a call is recorded once, and answered the same every
time, after it is on disk. A report names its call; the caller in it is compared with who announced the call, and no phone
is kept. A connection that no report follows rings the alarm (`masking.vault.upkeep`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.order import Plain
from masking.vault import budgets, calls, journal, people
from masking.vault.calls import Event, Intent
from masking.vault.store import Store, Transaction
from masking.waybill import CallBacks, Refusal, Reported
from masking.world import World, milliseconds, moment

EVENTS = frozenset({"ringing", "answered", "missed", "ended"})
"""What may be reported of a call; `seconds` of an `ended` one say how long they spoke."""

LONGEST = 86_400
"""Seconds; no call lasts longer."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The switch says what happened to the call that an answer of ours named, at its own time `at`."""

    actor: Actor
    call: str
    event: str
    at: datetime
    seconds: int = 0
    caller: Plain | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A courier asks which of the parcels on hand somebody has tried to call back about."""

    actor: Actor


def report(world: World, store: Store, requests: Sequence[Report | Missed]) -> list[Reported | CallBacks | Refusal]:
    """That each event is recorded, the call-backs asked for, or the refusal; same order as asked.

    A call that was never connected, not by this switch, or whose parcel's data is destroyed, is "unknown-call": nothing of
    it is kept, and it need not be sent again.

    Raises:
        UnavailableError: nothing of this batch is known to be recorded; send it again.
    """
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        ids = {_call_id(request.call) for request in requests if isinstance(request, Report)}
        connected = calls.by_id(tx, ids - {b""})
        outcomes: list[Reported | CallBacks | Refusal] = []
        for request in requests:
            if isinstance(request, Missed):
                outcomes.append(_call_backs(tx, request, staff))
            else:
                outcomes.append(_record(world, store, tx, request, connected, staff, now))
    return outcomes


def _record(
    world: World,
    store: Store,
    tx: Transaction,
    request: Report,
    connected: dict[bytes, Intent],
    staff: dict[str, Actor],
    now: datetime,
) -> Reported | Refusal:
    actor = request.actor
    if staff.get(actor.id) != actor or actor.role is not Role.SWITCH:
        return UNKNOWN
    call = connected.get(_call_id(request.call))
    if call is None or call.switch != actor.id:
        return Refusal(reason="unknown-call")
    if request.event not in EVENTS or not 0 <= request.seconds <= LONGEST:
        return Refusal(reason="not-an-event")
    event = Event(call.id, request.event, call.waybill, milliseconds(request.at), request.seconds)
    if calls.report(tx, [event]):
        journal.append(tx, [store.leaf(world, now, "call-report", actor.id, call.waybill, event=request.event)])
        if request.caller and people.caller_index(world, store.keys, request.caller, now) != call.caller:
            budgets.raise_alarm(tx, "report-of-another-caller", actor.id, now, world)
    return Reported(call=request.call, event=request.event)


def _call_backs(tx: Transaction, request: Missed, staff: dict[str, Actor]) -> CallBacks | Refusal:
    actor = request.actor
    if staff.get(actor.id) != actor or actor.role is not Role.COURIER:
        return UNKNOWN
    return CallBacks(calls=tuple((number, moment(at)) for number, at in calls.call_backs(tx, actor.id)))


def _call_id(text: str) -> bytes:
    """The id that an answer gave a call; empty for any text that is none."""
    try:
        found = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        return b""
    return found if len(found) == 16 else b""
