"""Damaged records: only the damaged one is refused, and an alarm goes to the operator."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy.engine import Connection

from masking.journal import journal
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.store import Store
from masking.values.printable import Refusal
from masking.words.alarms import AlarmKind
from masking.words.reasons import Reason

DAMAGED = Refusal(reason=Reason.DAMAGED)
"""The refusal for a parcel whose data does not open. Other parcels of the batch are not affected."""

ALARM = AlarmKind.DAMAGED_RECORD
OFTEN = timedelta(hours=1)
"""An actor who asks again and again raises at most one alarm in this time."""


def record_findings(
    world: World, store: Store, tx: Connection, came_upon: Sequence[tuple[str, bytes]], now: datetime, *, step: str
) -> None:
    """Append a leaf for each (actor, waybill) that met a damaged record, and raise the alarms."""
    journal.append(tx, [store.refusal_leaf(world, now, *each, DAMAGED.reason, step=step) for each in came_upon])
    raise_alarms(world, tx, {actor for actor, _ in came_upon}, now)


def raise_alarms(world: World, tx: Connection, actors: Collection[str], now: datetime) -> None:
    """Raise an alarm for each actor who met a damaged record."""
    for actor in sorted(actors):
        raise_alarm(tx, ALARM, actor, now, world, at_most_every=OFTEN)
