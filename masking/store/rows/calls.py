"""Rows of calls: announced, connected, reported. One row is one announced call from its intent to its reports.

A recipient who calls back needs no intent; the row is then written with the connection. Reports are rows beside it, each
event once, whatever order they come in. No phone is kept: a report's caller is compared, and forgotten.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database import hot_sql
from masking.database.engine import in_list, insert_new
from masking.database.schema import assignment, call_report, intent, waybill
from masking.numbers.provider import PROVIDER
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.store.rows import bindings
from masking.words.alarms import AlarmKind

RECENT = timedelta(minutes=10)
"""How long a caller is still told what became of an intent."""

REPORT_DUE = timedelta(hours=6)
"""When a connection without any report rings the alarm: providers push again for up to five hours."""

SILENCE = timedelta(days=1)
"""When a provider that connects calls and reports none rings the alarm."""

_BATCH = 1000
_RECENT = (
    sa.select(intent)
    .where(intent.c.waybill.in_(in_list("waybills")), intent.c.expires >= sa.bindparam("since"))
    .order_by(intent.c.id)
    .with_for_update()
)
_USE = (
    intent.update().where(intent.c.id == sa.bindparam("of")).values(used=sa.bindparam("at"), switch=sa.bindparam("by"))
)


class Intent(NamedTuple):
    """A call, in the columns' order of the table `intent`: one use, short-lived, for one caller's number.

    `switch` is who connected it; `reported` the time of its first report, 0 where its lack has rung the alarm;
    `called_back` when somebody else tried to answer it.
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


class Event(NamedTuple):
    """One thing that a switch reports of a call, in the columns' order of the table `call_report`."""

    call: bytes
    event: str
    waybill: bytes
    at: int
    seconds: int


def announce(tx: Connection, new: Intent) -> None:
    """Record an announced call; it takes the place of what this actor announced to this parcel and has not used."""
    before = (intent.c.waybill == new.waybill) & (intent.c.actor == new.actor)
    tx.execute(intent.delete().where(before, intent.c.used.is_(None)))
    tx.execute(intent.update().where(before, intent.c.called_back.is_not(None)).values(called_back=None))
    add(tx, [new])


def add(tx: Connection, new: Sequence[Intent]) -> None:
    """Record calls that needed no announcement."""
    if new:
        tx.execute(intent.insert(), [each._asdict() for each in new])


def recent(tx: Connection, waybills: Collection[bytes], now: datetime) -> dict[tuple[bytes, bytes], Intent]:
    """By (waybill, caller) the unused intent, or else the latest used one; locked until the transaction ends."""
    if not waybills:
        return {}
    since = milliseconds(now - RECENT)
    rows = [Intent(*row) for row in hot_sql.rows(tx, _RECENT, waybills=list(waybills), since=since)]
    return {(row.waybill, row.caller): row for row in sorted(rows, key=lambda row: row.used is None)}


def use(tx: Connection, used: Sequence[Intent]) -> None:
    """Mark intents as used up, when and by whom as these say."""
    hot_sql.write(tx, _USE, [{"of": each.id, "at": each.used, "by": each.switch} for each in used])


def by_id(tx: Connection, ids: Collection[bytes]) -> dict[bytes, Intent]:
    """Calls that were connected, by id, locked in order of id."""
    if not ids:
        return {}
    query = sa.select(intent).where(intent.c.id.in_(ids), intent.c.used.is_not(None))
    return {row.id: Intent(*row) for row in tx.execute(query.order_by(intent.c.id).with_for_update())}


def report(tx: Connection, events: Sequence[Event]) -> set[tuple[bytes, str]]:
    """Record events, of two that are the same the first; the (call, event) pairs that were new."""
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
    """Somebody rings from a phone that is not the recipient's: noted with the latest call that was missed, lately."""
    answered = sa.exists().where(call_report.c.call == intent.c.id, call_report.c.event == "answered")
    lately = intent.c.used >= milliseconds(now - within)
    missed = sa.select(intent.c.id).where(intent.c.waybill == parcel, lately, ~answered)
    found = tx.execute(missed.order_by(intent.c.id.desc()).limit(1)).scalar()
    if found:
        tx.execute(intent.update().where(intent.c.id == found).values(called_back=milliseconds(now)))


def call_backs(tx: Connection, courier: str) -> list[tuple[str, int]]:
    """The waybill numbers of a courier's parcels that somebody tried to call back about, and when; oldest first."""
    query = (
        sa.select(waybill.c.waybill_number, sa.func.max(intent.c.called_back).label("at"))
        .join_from(intent, waybill, waybill.c.id == intent.c.waybill)
        .join(assignment, (assignment.c.waybill == waybill.c.id) & assignment.c.closed.is_(None))
        .where(intent.c.actor == courier, assignment.c.courier == courier, intent.c.called_back > 0)
        .group_by(waybill.c.waybill_number)
    )
    return [(row.waybill_number, row.at) for row in tx.execute(query.order_by("at"))]


def alarm_unreported(tx: Connection, now: datetime, world: World) -> int:
    """Ring for connections that no report has followed, once each; how many.

    What a provider was told to connect was perhaps never dialled: there it is none for a whole day that rings, once a day.
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
    """Whether a provider has reported any call that was announced since; ids begin with their time."""
    lately = intent.c.id >= milliseconds(since).to_bytes(6, "big") + bytes(10)
    query = sa.select(intent.c.id).where(lately, intent.c.switch == PROVIDER, intent.c.reported > 0)
    return tx.execute(query.limit(1)).first() is not None


def forget(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """Do what the destroy list says of calls, their reports, and their bindings at a provider, which are still to be ended."""
    bindings.orphan(tx, waybills, now)
    for table in (call_report, intent):
        tx.execute(table.delete().where(table.c.waybill.in_(waybills)))
