"""Rows of calls: announced, connected, reported. One row is one announced call from its intent to its reports.

A recipient who calls back needs no intent: the row is then written when the call is connected. Reports are rows of another
table, one for each event, in any order. No phone is stored: the caller of a report is compared and then dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database import hot_sql
from masking.database.engine import columns_of, in_list, insert_new
from masking.database.schema import assignment, call_report, intent, waybill
from masking.numbers.provider import PROVIDER
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.store.rows import bindings
from masking.words.alarms import AlarmKind

RECENT = timedelta(minutes=10)
"""How long a used or expired intent still decides what a caller hears."""

REPORT_DUE = timedelta(hours=6)
"""How long after a connection a missing report raises an alarm. Providers repeat a push for up to five hours."""

SILENCE = timedelta(days=1)
"""How long a provider may connect calls and report none before that raises an alarm."""

_BATCH = 1000
_USE = (
    intent.update().where(intent.c.id == sa.bindparam("of")).values(used=sa.bindparam("at"), switch=sa.bindparam("by"))
)


class Intent(NamedTuple):
    """A call: a row of the table `intent`. It allows one connection, within a short time, for one caller's number.

    Attributes:
        caller: the index of the caller's phone.
        switch: the switch or provider that connected the call.
        reported: when the first report came, 0 if the lack of one has raised an alarm.
        called_back: when another phone than the recipient's tried to call back.
    """

    id: bytes
    waybill: bytes
    actor: str
    caller: bytes
    expires: int
    used: int | None = None
    switch: str | None = None
    reported: int | None = None
    called_back: int | None = None


_COLUMNS = columns_of(intent, Intent._fields)
_RECENT = (
    sa.select(*_COLUMNS)
    .where(intent.c.waybill.in_(in_list("waybills")), intent.c.expires >= sa.bindparam("since"))
    .order_by(intent.c.id)
    .with_for_update()
)


class Event(NamedTuple):
    """One event that a switch reports about a call: a row of the table `call_report`."""

    call: bytes
    event: str
    waybill: bytes
    at: int
    seconds: int


def announce(tx: Connection, new: Intent) -> None:
    """Record an announced call. It replaces an unused one of the same actor and parcel."""
    before = (intent.c.waybill == new.waybill) & (intent.c.actor == new.actor)
    tx.execute(intent.delete().where(before, intent.c.used.is_(None)))
    tx.execute(intent.update().where(before, intent.c.called_back.is_not(None)).values(called_back=None))
    add(tx, [new])


def add(tx: Connection, new: Sequence[Intent]) -> None:
    """Record calls that needed no announcement, such as a recipient's call back."""
    if new:
        tx.execute(intent.insert(), [each._asdict() for each in new])


def recent(tx: Connection, waybills: Collection[bytes], now: datetime) -> dict[tuple[bytes, bytes], Intent]:
    """The unused intent, or else the latest used one, by (waybill, caller). They are locked until the transaction ends."""
    if not waybills:
        return {}
    since = milliseconds(now - RECENT)
    rows = [Intent._make(row) for row in hot_sql.rows(tx, _RECENT, waybills=list(waybills), since=since)]
    return {(row.waybill, row.caller): row for row in sorted(rows, key=lambda row: row.used is None)}


def record_uses(tx: Connection, used: Sequence[Intent]) -> None:
    """Store when each of these intents was used, and by which switch."""
    hot_sql.write(tx, _USE, [{"of": each.id, "at": each.used, "by": each.switch} for each in used])


def by_id(tx: Connection, ids: Collection[bytes]) -> dict[bytes, Intent]:
    """The connected calls with these ids, locked in order of id."""
    if not ids:
        return {}
    query = sa.select(*_COLUMNS).where(intent.c.id.in_(ids), intent.c.used.is_not(None))
    return {row.id: Intent._make(row) for row in tx.execute(query.order_by(intent.c.id).with_for_update())}


def report(tx: Connection, events: Sequence[Event]) -> set[tuple[bytes, str]]:
    """Record events and return the (call, event) pairs that were new. An event that was reported before is left as it is."""
    once = {(event.call, event.event): event._asdict() for event in reversed(events)}
    new = insert_new(tx, call_report, list(once.values()), "call", "event")
    if new:
        first = intent.update().where(intent.c.id == sa.bindparam("of"))
        unreported = intent.c.reported.is_(None) | (intent.c.reported == 0)
        at = {call: once[call, event]["at"] for call, event in new}
        tx.execute(
            first.where(unreported).values(reported=sa.bindparam("at")), [{"of": c, "at": at[c]} for c in sorted(at)]
        )
    return {(call, event) for call, event in new}


def note_call_back(tx: Connection, parcel: bytes, now: datetime, *, within: timedelta) -> None:
    """Note with the latest missed call of a parcel that another phone than the recipient's tries to call back."""
    answered = sa.exists().where(call_report.c.call == intent.c.id, call_report.c.event == "answered")
    lately = intent.c.used >= milliseconds(now - within)
    missed = sa.select(intent.c.id).where(intent.c.waybill == parcel, lately, ~answered)
    found = tx.execute(missed.order_by(intent.c.id.desc()).limit(1)).scalar()
    if found:
        tx.execute(intent.update().where(intent.c.id == found).values(called_back=milliseconds(now)))


def call_backs(tx: Connection, courier: str) -> list[tuple[str, int]]:
    """The (waybill number, time) pairs of a courier's parcels about which another phone called back, oldest first."""
    query = (
        sa.select(waybill.c.waybill_number, sa.func.max(intent.c.called_back).label("at"))
        .join_from(intent, waybill, waybill.c.id == intent.c.waybill)
        .join(assignment, (assignment.c.waybill == waybill.c.id) & assignment.c.closed.is_(None))
        .where(intent.c.actor == courier, assignment.c.courier == courier, intent.c.called_back > 0)
        .group_by(waybill.c.waybill_number)
    )
    return [(row.waybill_number, row.at) for row in tx.execute(query.order_by("at"))]


def alarm_unreported(tx: Connection, now: datetime, world: World) -> int:
    """Raise an alarm for connected calls without a report, one for each switch. Returns the number of calls.

    A binding at a provider may never be dialled. So a provider raises an alarm only if it reported no call for a whole day.
    """
    late = (intent.c.used < milliseconds(now - REPORT_DUE)) & intent.c.reported.is_(None)
    rows = tx.execute(sa.select(intent.c.id, intent.c.switch).where(late).limit(_BATCH).with_for_update()).all()
    if rows:
        tx.execute(intent.update().where(intent.c.id.in_([row.id for row in rows])).values(reported=0))
    for switch in sorted({str(row.switch) for row in rows}):
        if switch != PROVIDER:
            raise_alarm(tx, AlarmKind.CALLS_WITHOUT_REPORT, switch, now, world)
        elif not _provider_reports(tx, now - SILENCE):
            raise_alarm(tx, AlarmKind.CALLS_WITHOUT_REPORT, switch, now, world, at_most_every=SILENCE)
    return len(rows)


def _provider_reports(tx: Connection, since: datetime) -> bool:
    """Whether a provider has reported a call that was announced since then. A call's id begins with its time."""
    lately = intent.c.id >= milliseconds(since).to_bytes(6, "big") + bytes(10)
    query = sa.select(intent.c.id).where(lately, intent.c.switch == PROVIDER, intent.c.reported > 0)
    return tx.execute(query.limit(1)).first() is not None


def forget(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """Delete the calls and reports of these waybills, as `erasure_policy.ERASED_COLUMNS` says, and detach their bindings."""
    bindings.detach_from_waybills(tx, waybills, now)
    for table in (call_report, intent):
        tx.execute(table.delete().where(table.c.waybill.in_(waybills)))
