"""A record that is not what was written: it is refused alone, and whoever runs the store hears of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from masking.access.people import Actor
from masking.journal import journal
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.store import Store
from masking.values.printable import Refusal
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason

DAMAGED = Refusal(reason=Reason.DAMAGED)
"""What is kept of this parcel does not open or can't be read. Its neighbours in a batch are answered."""

ALARM = AlarmKind.DAMAGED_RECORD
OFTEN = timedelta(hours=1)
"""Who asks for it again and again rings once in this time."""


def actors_affected(asking: Iterable[Actor], outcomes: Sequence[object]) -> set[str]:
    """Those who asked for such a record; outcomes are beside those who asked."""
    return {actor.id for actor, found in zip(asking, outcomes, strict=True) if found == DAMAGED}


def record_findings(
    world: World, store: Store, tx: Connection, came_upon: Sequence[tuple[str, bytes]], now: datetime, *, step: str
) -> None:
    """A leaf for each (actor, waybill) that came upon such a record, and the alarm."""
    journal.append(tx, [store.refusal_leaf(world, now, *each, DAMAGED.reason, step=step) for each in came_upon])
    raise_alarms(world, tx, {actor for actor, _ in came_upon}, now)


def raise_alarms(world: World, tx: Connection, actors: Collection[str], now: datetime) -> None:
    """An alarm for each of those who came upon such a record."""
    for actor in sorted(actors):
        raise_alarm(tx, ALARM, actor, now, world, at_most_every=OFTEN)
