"""Rows of budgets, read and written in the transaction of the act that spends them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import Tally, spans
from masking.vault.engine import among, insert_new
from masking.vault.schema import alarm, budget, seen
from masking.world import World, day_of, milliseconds

# Built once: to build such a statement takes longer than to run it.
_LOCK = (
    sa.select(budget.c.actor, budget.c.kind, budget.c.used)
    .where(budget.c.actor.in_(among("names")), budget.c.kind.in_(among("kinds")), budget.c.span.in_(among("spans")))
    .order_by(budget.c.actor, budget.c.kind)
    .with_for_update()
)
_SAVE = (
    budget.update()
    .where(budget.c.actor == sa.bindparam("a"), budget.c.kind == sa.bindparam("k"), budget.c.span == sa.bindparam("s"))
    .values(used=sa.bindparam("u"))
)
_SEEN = sa.select(seen.c.actor, seen.c.waybill).where(
    seen.c.actor.in_(among("names")), seen.c.day == sa.bindparam("day"), seen.c.waybill.in_(among("waybills"))
)


def open_tallies(
    tx: Connection, actors: Collection[str], waybills: Collection[bytes], now: datetime
) -> dict[str, Tally]:
    """The counts of these actors, locked until the transaction ends (rows taken in sorted order, so nobody deadlocks)."""
    names = sorted(set(actors))
    rows = [
        {"actor": actor, "kind": kind, "span": span, "used": 0} for actor in names for kind, span in sorted(spans(now))
    ]
    insert_new(tx, budget, rows)
    kinds, of_now = zip(*spans(now), strict=True)  # a day is never spelt like an hour, so the pairs can't mix
    locked = tx.execute(_LOCK, {"names": names, "kinds": kinds, "spans": of_now})
    used = {(row.actor, row.kind): row.used for row in locked}
    viewed: dict[str, set[bytes]] = {actor: set() for actor in names}
    if waybills:
        for row in tx.execute(_SEEN, {"names": names, "day": day_of(now), "waybills": list(waybills)}):
            viewed[row.actor].add(row.waybill)
    return {
        actor: Tally(views=used[actor, "view"], refusals=used[actor, "refusal"], seen=viewed[actor]) for actor in names
    }


def save_tallies(tx: Connection, tallies: Mapping[str, Tally], now: datetime, world: World) -> None:
    """Write the counts back, and the alarms that they rang."""
    (view, day), (refusal, hour) = spans(now)
    rows = []
    for actor, tally in tallies.items():
        rows.append({"a": actor, "k": view, "s": day, "u": tally.views})
        rows.append({"a": actor, "k": refusal, "s": hour, "u": tally.refusals})
    if rows:
        tx.execute(_SAVE, rows)
    looked = [
        {"actor": actor, "day": day, "waybill": waybill}
        for actor, tally in tallies.items()
        for waybill in sorted(tally.newly_seen)
    ]
    insert_new(tx, seen, looked)
    for actor, tally in tallies.items():
        if tally.rang:
            raise_alarm(tx, "too-many-refusals", actor, now, world)


def raise_alarm(
    tx: Connection, kind: str, actor: str, now: datetime, world: World, *, at_most_every: timedelta | None = None
) -> None:
    """Leave an alarm for those who watch; not again while one of this kind and actor is younger than `at_most_every`."""
    if at_most_every:
        since = alarm.c.at > milliseconds(now - at_most_every)
        if tx.execute(
            sa.select(alarm.c.id).where(alarm.c.kind == kind, alarm.c.actor == actor, since).limit(1)
        ).first():
            return
    tx.execute(alarm.insert().values(id=world.record_id(now), at=milliseconds(now), kind=kind, actor=actor))


def alarms(tx: Connection) -> list[tuple[int, str, str]]:
    """All alarms as (time, kind, actor), oldest first."""
    return [tuple(row) for row in tx.execute(sa.select(alarm.c.at, alarm.c.kind, alarm.c.actor).order_by(alarm.c.id))]


def sweep(tx: Connection, now: datetime) -> None:
    """Forget which parcels were seen on past days."""
    tx.execute(seen.delete().where(seen.c.day < day_of(now)))
