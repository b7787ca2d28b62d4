"""Rows of budgets: one row of counts for each actor, locked, read and written in the transaction of the act it limits.

Counts of a past window are reset when the row is next loaded, so that nothing has to be swept. The number of parcels that a
courier has opened and not finished is counted from the open assignments, so that closing an assignment frees the courier.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import ALWAYS, FULL, LIMITS, Counts, Hours, Tally, day_number, midnight
from masking.access.duty import DUTY_LASTS
from masking.access.people import Actor
from masking.database import hot_sql
from masking.database.engine import columns_of, in_list, insert_new
from masking.database.schema import alarm, assignment, budget, person
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.words.alarms import AlarmKind

# statements are built once: building one takes longer than running it
_COLUMNS = columns_of(budget, Counts._fields)
_LOCK = sa.select(*_COLUMNS).where(budget.c.actor.in_(in_list("names"))).order_by(budget.c.actor).with_for_update()
_SAVE = (
    budget.update()
    .where(budget.c.actor == sa.bindparam("actor_"))
    .values({name: sa.bindparam(f"{name}_") for name in Counts._fields[1:]})
)
_SAVED = [f"{name}_" for name in Counts._fields]
_COUNT = sa.select(assignment.c.courier, sa.func.count()).where(assignment.c.courier.in_(in_list("names")))
_CARRIED = _COUNT.where(assignment.c.closed.is_(None), assignment.c.at > sa.bindparam("since")).group_by(
    assignment.c.courier
)
_TAKEN = _COUNT.where(assignment.c.closed.is_(None), assignment.c.counted_since >= sa.bindparam("since")).group_by(
    assignment.c.courier
)
_LOOKED = (
    assignment.update()
    .where(assignment.c.id == sa.bindparam("duty_"))
    .values(
        opened_at=sa.bindparam("opened_at_"),
        counted_since=sa.func.coalesce(sa.bindparam("counted_since_", type_=sa.BigInteger), assignment.c.counted_since),
    )
)
_IN_LOCK = sa.select(*_COLUMNS).where(budget.c.actor.in_(in_list("names")), budget.c.locked_until.is_not(None))
_ON_SHIFT = sa.select(person.c.id).where(person.c.id.in_(in_list("names")), person.c.shift_until > sa.bindparam("now"))


def create(tx: Connection, actor: str) -> None:
    """Insert the row of an actor who is being enrolled."""
    insert_new(tx, budget, [Counts(actor)._asdict()], "actor")


def lock(tx: Connection, actors: Collection[str]) -> dict[str, Counts]:
    """The counts of these actors, locked until the transaction ends, in sorted order so that workers can't deadlock."""
    return hot_sql.by_key(tx, lambda row: (row[0], Counts._make(row)), _LOCK, names=sorted(set(actors)))


def locked(tx: Connection, actors: Collection[str], now: datetime) -> set[str]:
    """The actors among these who are locked out. Takes no row lock, and is called before any parcel is loaded.

    So neither the answer to a locked actor nor its time depends on a parcel.
    """
    rows = hot_sql.rows(tx, _IN_LOCK, names=sorted(set(actors)))
    return {row[0] for row in rows if Tally(before=Counts._make(row), now=now).locked()}


def open_tallies(
    tx: Connection,
    actors: Collection[str],
    now: datetime,
    *,
    locked: Mapping[str, Counts] | None = None,
    spending: Mapping[str, int] | None = None,
    staff: Mapping[str, Actor] | None = None,
    hours: Hours = ALWAYS,
) -> dict[str, Tally]:
    """The tallies of these actors; their rows are locked until the transaction ends.

    Open parcels are counted only for actors who could reach their limit: none can have more than they opened today.

    Args:
        tx: a transaction on the data.
        actors: their ids.
        now: the present.
        locked: the counts, if the caller has called `lock` already.
        spending: how many parcels each actor may be about to open.
        staff: the actors, whose limits depend on how well their devices protect their keys.
        hours: when parcels may be opened by couriers who have no recorded shift.
    """
    names = sorted(set(actors))
    rows = dict(lock(tx, names) if locked is None else locked)
    missing = [name for name in names if name not in rows]
    if missing:
        insert_new(tx, budget, [Counts(name)._asdict() for name in missing], "actor")
        rows |= lock(tx, missing)
    own = {name: LIMITS[actor.level] for name, actor in (staff or {}).items()}
    asking = spending or {}
    shifts = set(tx.execute(_ON_SHIFT, {"names": names, "now": milliseconds(now)}).scalars()) if hours.wait(now) else ()
    late = [name for name in names if rows[name].day < day_number(now)]
    carried: dict[str, int] = {}
    if late:
        lasting = milliseconds(now - DUTY_LASTS)
        carried = dict(tx.execute(_CARRIED, {"names": late, "since": lasting}).all())
    tallies = {
        name: Tally(
            before=rows[name],
            now=now,
            limits=own.get(name, FULL),
            hours=ALWAYS if name in shifts else hours,
            carried_over=carried.get(name, 0),
        )
        for name in names
    }
    crowded = [name for name in asking if tallies[name].opened_today + asking[name] > tallies[name].limits.open_parcels]
    if crowded:
        for name, taken in tx.execute(_TAKEN, {"names": crowded, "since": midnight(now)}):
            tallies[name].open_parcels = taken
    return tallies


def save_tallies(tx: Connection, tallies: Mapping[str, Tally], now: datetime, world: World) -> None:
    """Write back changed counts and newly opened duties, and raise the alarms of new locks."""
    changed = [counts for tally in tallies.values() if (counts := tally.counts) != tally.before]
    hot_sql.write(tx, _SAVE, [dict(zip(_SAVED, counts, strict=True)) for counts in changed])
    at = milliseconds(now)
    looks = [
        {"duty_": duty, "opened_at_": at, "counted_since_": at if takes else None}
        for tally in tallies.values()
        for duty, takes in tally.newly_opened.items()
    ]
    hot_sql.write(tx, _LOOKED, looks)
    for actor, tally in tallies.items():
        if tally.alarm_raised:
            raise_alarm(tx, AlarmKind.TOO_MANY_REFUSALS, actor, now, world)


def is_locked(tx: Connection, actor: str, now: datetime) -> bool:
    """Whether an actor is locked after too many refusals."""
    counts = lock(tx, [actor]).get(actor)
    return counts is not None and Tally(before=counts, now=now).locked_until is not None


def unlock(tx: Connection, actor: str) -> None:
    """End an actor's lock, and count refusals from zero again."""
    tx.execute(budget.update().where(budget.c.actor == actor).values(refusals=0, locked_until=None))


def alarms(tx: Connection) -> list[tuple[int, str, str]]:
    """All alarms as (time, kind, actor), oldest first."""
    return [tuple(row) for row in tx.execute(sa.select(alarm.c.at, alarm.c.kind, alarm.c.actor).order_by(alarm.c.id))]
