"""What became of calls: the switch or a provider reports it, and a courier asks who tried to call back.

Reports arrive at least once, late, repeated and in any order. Each event of a call is recorded once and acknowledged each
time, after the commit. A report names its call. The caller in it is compared with the person who announced the call, and no
phone is kept. A connection without a report raises an alarm (`masking.upkeep.number_pool`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.journal.batch import count_leaf
from masking.ledger.log import Leaf
from masking.numbers.provider import PROVIDER
from masking.numbers.pushes import ReportedEvent, ReportRecord
from masking.runtime import World, milliseconds, moment
from masking.store import alarms
from masking.store.rows import budgets, calls, people
from masking.store.rows.calls import Event, Intent
from masking.store.store import Store, Transaction
from masking.values.outcomes import CallBacks, Reported
from masking.values.plaintext import Plain
from masking.values.printable import CallEvent, Refusal
from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

EVENTS = frozenset(CallEvent)

LONGEST = 86_400
"""The longest accepted duration of a call, in seconds."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CallReport:
    """The switch's report of an event of a call. `at` is the switch's time."""

    actor: Actor
    call: str
    event: str
    at: datetime
    seconds: int = 0
    caller: Plain | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Missed:
    """A courier's question for which of their parcels a recipient has tried to call back."""

    actor: Actor


def report(
    world: World, store: Store, requests: Sequence[CallReport | Missed | ReportRecord]
) -> list[Reported | CallBacks | Refusal]:
    """Record each reported event, and answer questions about call-backs.

    A call that was never connected, was connected by another switch, or whose parcel's data is destroyed, is "unknown-call".
    Nothing of such a report is kept, and it need not be sent again. The signature of a provider's record (`ReportRecord`) was
    checked before.

    Returns:
        The acknowledgement, the call-backs, or the refusal for each request, in order.

    Raises:
        UnavailableError: nothing of this batch is known to be recorded; send it again.
    """
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests if not isinstance(request, ReportRecord)})
        ids = {_call_id(request.call) for request in requests if not isinstance(request, Missed)}
        connected = calls.by_id(tx, ids - {b""})
        outcomes: list[Reported | CallBacks | Refusal] = []
        said: list[tuple[Intent, Plain | None, list[Event]]] = []
        for request in requests:
            if isinstance(request, Missed):
                outcomes.append(_call_backs(tx, request, staff))
                continue
            events = _events(request, connected, staff)
            if isinstance(events, list):
                said.append((connected[events[0].call], request.caller, events))
                outcomes.append(Reported(call=request.call, event=CallEvent(events[-1].event)))
            else:
                outcomes.append(events)
        _record(world, store, tx, said, now)
        _count_probes(
            world, store, tx, [each.probed for each in requests if isinstance(each, ReportRecord) and each.probed], now
        )
    return outcomes


def _events(
    request: CallReport | ReportRecord, connected: dict[bytes, Intent], staff: dict[str, Actor]
) -> list[Event] | Refusal:
    """The events of a report, at least one, or why it is refused."""
    if isinstance(request, ReportRecord):
        reporter, happened = PROVIDER, request.happened
    else:
        reporter, happened = request.actor.id, (ReportedEvent(request.event, request.at, request.seconds),)
        if staff.get(reporter) != request.actor or request.actor.role is not Role.SWITCH:
            return UNKNOWN
    call = connected.get(_call_id(request.call))
    if call is None or call.switch != reporter:
        return Refusal(reason=Reason.UNKNOWN_CALL)
    if not happened or not all(each.event in EVENTS and 0 <= each.seconds <= LONGEST for each in happened):
        return Refusal(reason=Reason.NOT_AN_EVENT)
    return [Event(call.id, each.event, call.waybill, milliseconds(each.at), each.seconds) for each in happened]


def _record(
    world: World,
    store: Store,
    tx: Transaction,
    said: Sequence[tuple[Intent, Plain | None, list[Event]]],
    now: datetime,
) -> None:
    """Record each event once, with a leaf. A caller other than the one who announced the call raises an alarm."""
    new = calls.report(tx, [event for _, _, events in said for event in events])
    leaves: list[Leaf] = []
    for call, caller, events in said:
        fresh = [event for event in events if (event.call, event.event) in new]
        new -= {(event.call, event.event) for event in fresh}
        who = str(call.switch)
        leaves += [
            store.leaf(world, now, LedgerKind.CALL_REPORT, who, call.waybill, event=event.event) for event in fresh
        ]
        if fresh and caller and people.caller_index(world, store.keys, caller, now) != call.caller:
            alarms.raise_alarm(tx, AlarmKind.REPORT_OF_ANOTHER_CALLER, who, now, world)
    journal.append(tx, leaves)


def _count_probes(world: World, store: Store, tx: Transaction, probed: Sequence[str], now: datetime) -> None:
    """Count calls to main numbers from callers without a binding. Too many within an hour raise one alarm."""
    if not probed:
        return
    tally = budgets.open_tallies(tx, {PROVIDER}, now)[PROVIDER]
    for _ in probed:
        tally.record_refusal()
    due = tally.count_without_leaf(len(probed))
    journal.append(tx, [count_leaf(store, world, now, PROVIDER, due)] if due else [])
    if tally.alarm_raised:
        tally.alarm_raised = False  # a provider is not locked
        alarms.raise_alarm(tx, AlarmKind.NUMBERS_PROBED, PROVIDER, now, world, partner=probed[-1])
    budgets.save_tallies(tx, {PROVIDER: tally}, now, world)


def _call_backs(tx: Transaction, request: Missed, staff: dict[str, Actor]) -> CallBacks | Refusal:
    actor = request.actor
    if staff.get(actor.id) != actor or actor.role is not Role.COURIER:
        return UNKNOWN
    return CallBacks(calls=tuple((number, moment(at)) for number, at in calls.call_backs(tx, actor.id)))


def _call_id(text: str) -> bytes:
    """The call's id from its text form, b"" for any other string."""
    try:
        found = bytes.fromhex(text) if text.isalnum() else b""
    except ValueError:
        return b""
    return found if len(found) == 16 else b""
