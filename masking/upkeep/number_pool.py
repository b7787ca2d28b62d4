"""What the number pool needs now and then: leases that end, rests that are over, alarms. Run it every minute or so."""

from __future__ import annotations

from datetime import timedelta

from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.store.rows import calls, slots
from masking.store.store import Store
from masking.words.alarms import AlarmKind

LOW_SHARE = 10
"""The pool runs low when less than one in so many of its slots is free."""


def keep_numbers(world: World, store: Store) -> int:
    """Move on what is due, ring for a pool that runs low and for calls without a report; how many slots moved.

    Any number of workers may run it at once.

    Raises:
        UnavailableError: the store could not take it now; the next run does it.
    """
    now = world.now()
    with store.reading() as tx:
        low_water = slots.size(tx) // LOW_SHARE
    with store.transaction() as tx:
        moved = slots.tidy(tx, now)
        if slots.free(tx, low_water) < low_water:
            raise_alarm(tx, AlarmKind.NUMBERS_LOW, "pool", now, world, at_most_every=timedelta(days=1))
        calls.alarm_unreported(tx, now, world)
    return moved
