"""Periodic upkeep of the number pool: expired leases, ended cool-downs, alarms. Run it about every minute."""

from __future__ import annotations

from datetime import timedelta

from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.rows import calls, slots
from masking.store.store import Store
from masking.words.alarms import AlarmKind

LOW_SHARE = 10
"""The pool is low when less than one slot in `LOW_SHARE` is free."""


def keep_numbers(world: World, store: Store) -> int:
    """Move slots that are due, and raise alarms for a low pool and for calls without a report.

    Any number of workers may run it at the same time.

    Returns:
        The number of slots that moved.

    Raises:
        UnavailableError: a database can't be used now. The next run does the rest.
    """
    now = world.now()
    with store.reading() as tx:
        low_water = slots.size(tx) // LOW_SHARE
    with store.transaction() as tx:
        moved = slots.free_rested(tx, now)
        if slots.free(tx, low_water) < low_water:
            raise_alarm(tx, AlarmKind.NUMBERS_LOW, "pool", now, world, at_most_every=timedelta(days=1))
        calls.alarm_unreported(tx, now, world)
    return moved
