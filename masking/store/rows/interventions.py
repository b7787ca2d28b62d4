"""Rows of what supervisors did to the access of others: revoked it, ended a device, unlocked a person.

A row with `done` false is a request beyond a supervisor's daily limit, which waits for a second supervisor.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import midnight
from masking.database.schema import intervention
from masking.runtime import World, milliseconds
from masking.store.rows import credentials, people

REVERSIBLE = timedelta(hours=1)
"""How long a revocation can be undone. The person then has the former device and phone again."""

WAITS = timedelta(days=1)
"""How long a request waits for a second supervisor."""

KEPT = timedelta(days=2)
"""How long a row is kept: longer than the day in which it counts towards a limit."""


def add(
    world: World, tx: Connection, kind: str, person: str, supervisor: str, now: datetime, *, done: bool = True
) -> None:
    """Record that a supervisor did this to a person, or asked for it."""
    row = {"id": world.record_id(now), "kind": kind, "person": person, "supervisor": supervisor}
    tx.execute(intervention.insert().values(row | {"at": milliseconds(now), "done": done}))


def done_today(
    tx: Connection, kinds: Collection[str], now: datetime, *, supervisor: str | None = None, person: str | None = None
) -> int:
    """How many interventions of these kinds were done today, by a supervisor or to a person."""
    whose = intervention.c.supervisor == supervisor if supervisor else intervention.c.person == person
    today = (intervention.c.kind.in_(kinds), intervention.c.at >= midnight(now), intervention.c.done.is_(True))
    return tx.execute(sa.select(sa.func.count()).where(whose, *today)).scalar_one()


def askers(tx: Connection, kind: str, person: str, now: datetime) -> set[str]:
    """The supervisors who asked for this intervention, and whose request waits for a second supervisor."""
    waiting = (
        intervention.c.kind == kind,
        intervention.c.person == person,
        intervention.c.done.is_(False),
        intervention.c.at > milliseconds(now - WAITS),
    )
    return set(tx.execute(sa.select(intervention.c.supervisor).where(*waiting)).scalars())


def is_reversible(tx: Connection, person: str, now: datetime) -> bool:
    """Whether a person was revoked so recently that it can be undone."""
    return tx.execute(_reversible(now).where(intervention.c.person == person)).first() is not None


def sweep(tx: Connection, now: datetime) -> None:
    """Delete the devices and credentials of finally revoked people, and rows older than `KEPT`."""
    gone = people.forget_revoked(tx, _reversible(now))
    credentials.end(tx, gone)
    tx.execute(intervention.delete().where(intervention.c.at < milliseconds(now - KEPT)))


def _reversible(now: datetime) -> sa.Select[tuple[str]]:
    return sa.select(intervention.c.person).where(
        intervention.c.kind == "revoke",
        intervention.c.done.is_(True),
        intervention.c.at > milliseconds(now - REVERSIBLE),
    )
