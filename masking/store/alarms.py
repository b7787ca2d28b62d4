"""Alarms as rows: raised in the transaction of the act, claimed by one worker for delivery, acknowledged by the operator."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database import hot_sql
from masking.database.engine import columns_of
from masking.database.schema import alarm
from masking.runtime import World, milliseconds
from masking.words.alarms import AlarmKind

CLAIM = timedelta(minutes=2)
"""How long a claimed alarm belongs to one worker: longer than an attempt lasts. After a crash another worker claims it."""

LONGEST_WAIT = timedelta(hours=1)
"""The longest wait between two attempts. The first wait is a minute, and each later one is twice as long."""

BATCH = 10
"""How many alarms one worker claims at a time."""

KEPT = timedelta(days=90)
"""How long an alarm is kept after it was acknowledged. One that was not is kept for ever."""


class Alarm(NamedTuple):
    """One row of the table `alarm`.

    Attributes:
        attempts: how often delivery has failed.
        due: when the next attempt may begin; None once it was delivered.
        acknowledged: when the operator took note of it.
    """

    id: bytes
    at: int
    kind: str
    actor: str
    partner: str
    attempts: int
    due: int | None
    acknowledged: int | None


_COLUMNS = columns_of(alarm, Alarm._fields)
_INSERT = alarm.insert()
_OPEN = alarm.c.acknowledged.is_(None)


def raise_alarm(
    tx: Connection,
    kind: AlarmKind,
    actor: str,
    now: datetime,
    world: World,
    *,
    partner: str = "",
    at_most_every: timedelta | None = None,
) -> None:
    """Raise an alarm with `tx`, unless one of this kind and actor is younger than `at_most_every`.

    `actor` and `partner` are the ids of the people or units that it is about. Nothing is sent here, so that no step waits
    for a delivery.
    """
    if at_most_every:
        since = alarm.c.at > milliseconds(now - at_most_every)
        if tx.execute(
            sa.select(alarm.c.id).where(alarm.c.kind == kind, alarm.c.actor == actor, since).limit(1)
        ).first():
            return
    at = milliseconds(now)
    raised = Alarm(world.record_id(now), at, kind.value, actor, partner, attempts=0, due=at, acknowledged=None)
    hot_sql.write(tx, _INSERT, [raised._asdict()])


def has_due(tx: Connection, now: datetime) -> bool:
    """Whether `claim` would find something. Takes no lock."""
    return tx.execute(_due(now).limit(1)).first() is not None


def claim(tx: Connection, now: datetime) -> list[Alarm]:
    """The oldest alarms that are due for delivery. No other worker gets them until `CLAIM` is over."""
    due = _due(now).order_by(alarm.c.due, alarm.c.id)
    found = [Alarm._make(row) for row in tx.execute(due.limit(BATCH).with_for_update(skip_locked=True))]
    _update(tx, [each.id for each in found], due=milliseconds(now + CLAIM))
    return found


def delivered(tx: Connection, alarms: Collection[Alarm]) -> None:
    """Record that these reached their destination."""
    _update(tx, [each.id for each in alarms], due=None)


def failed(tx: Connection, alarms: Collection[Alarm], now: datetime) -> None:
    """Set the next attempt of these, each later than the one before."""
    for each in alarms:
        wait = min(timedelta(minutes=1) * 2 ** min(each.attempts, 6), LONGEST_WAIT)
        _update(tx, [each.id], due=milliseconds(now + wait), attempts=each.attempts + 1)


def open_alarms(tx: Connection, *, everything: bool = False) -> list[Alarm]:
    """Unacknowledged alarms, or all of them, oldest first."""
    which = sa.true() if everything else _OPEN
    return [Alarm._make(row) for row in tx.execute(sa.select(*_COLUMNS).where(which).order_by(alarm.c.id))]


def acknowledge(tx: Connection, ids: Collection[bytes], now: datetime) -> int:
    """Record that the operator took note of these. Returns how many were not acknowledged before."""
    return _update(tx, ids, _OPEN, acknowledged=milliseconds(now))


def prune(tx: Connection, now: datetime) -> int:
    """Delete alarms that were acknowledged longer ago than `KEPT`; how many."""
    return tx.execute(alarm.delete().where(alarm.c.acknowledged < milliseconds(now - KEPT))).rowcount


def count_open(tx: Connection) -> int:
    """How many alarms are unacknowledged."""
    return tx.execute(sa.select(sa.func.count()).where(_OPEN)).scalar_one()


def undelivered(tx: Connection) -> int:
    """How many alarms could not be delivered at least once, and still are neither delivered nor acknowledged."""
    failing = (alarm.c.due.is_not(None), alarm.c.attempts > 0, _OPEN)
    return tx.execute(sa.select(sa.func.count()).where(*failing)).scalar_one()


def _due(now: datetime) -> sa.Select[Any]:
    return sa.select(*_COLUMNS).where(alarm.c.due <= milliseconds(now), _OPEN)


def _update(tx: Connection, ids: Collection[bytes], *which: sa.ColumnElement[bool], **values: object) -> int:
    if not ids:
        return 0
    return tx.execute(alarm.update().where(alarm.c.id.in_(ids), *which).values(values)).rowcount
