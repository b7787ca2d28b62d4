"""One row of counts an actor, locked, read and written in the transaction of the act that spends them.

A row is never more than one an actor, and a window that is over begins anew when somebody next looks: nothing to sweep.
Who takes how many places stands with the assignments themselves, so that whatever ends a duty frees its place.
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
from masking.database.engine import in_list, insert_new
from masking.database.schema import alarm, assignment, budget, person
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.words.alarms import AlarmKind

# Built once: to build such a statement takes longer than to run it.
_LOCK = sa.select(budget).where(budget.c.actor.in_(in_list("names"))).order_by(budget.c.actor).with_for_update()
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
_IN_LOCK = sa.select(budget).where(budget.c.actor.in_(in_list("names")), budget.c.locked_until.is_not(None))
_ON_SHIFT = sa.select(person.c.id).where(person.c.id.in_(in_list("names")), person.c.shift_until > sa.bindparam("now"))


def create(tx: Connection, actor: str) -> None:
    """Give somebody who is being enrolled their row."""
    insert_new(tx, budget, [Counts(actor)._asdict()], "actor")


def lock(tx: Connection, actors: Collection[str]) -> dict[str, Counts]:
    """The rows of these actors, locked until the transaction ends, in sorted order, so that nobody deadlocks."""
    return hot_sql.by_key(tx, lambda row: (row[0], Counts(*row)), _LOCK, names=sorted(set(actors)))


def locked(tx: Connection, actors: Collection[str], now: datetime) -> set[str]:
    """Who of these actors is locked, by a look that locks no row: asked before any parcel is looked for.

    What is known of a parcel then has no part in the answer to a locked caller, nor in the time that it takes.
    """
    rows = hot_sql.rows(tx, _IN_LOCK, names=sorted(set(actors)))
    return {row[0] for row in rows if Tally(before=Counts(*row), now=now).locked()}


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
    """The counts of these actors, locked until the transaction ends; `locked` where `lock` has been asked already.

    `spending` says how many parcels each of them may be about to open, `staff` how well their devices guard their keys,
    `hours` when parcels are opened by those whose outlet has not begun a shift for them.
    Places are only counted of those who could come to the end of them: nobody takes more than they have looked at today.
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
    """Write back the counts that changed, what was looked at, and the alarms that rang."""
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
    """Whether a person has been refused too often."""
    counts = lock(tx, [actor]).get(actor)
    return counts is not None and Tally(before=counts, now=now).locked_until is not None


def unlock(tx: Connection, actor: str) -> None:
    """End the lock of somebody with too many refusals, who begins to count anew."""
    tx.execute(budget.update().where(budget.c.actor == actor).values(refusals=0, locked_until=None))


def alarms(tx: Connection) -> list[tuple[int, str, str]]:
    """All alarms as (time, kind, actor), oldest first."""
    return [tuple(row) for row in tx.execute(sa.select(alarm.c.at, alarm.c.kind, alarm.c.actor).order_by(alarm.c.id))]
