"""Whether this machine's clock can be believed, before what can't be undone is done by it: closing days, destroying keys.

A database server has a clock of its own. SQLite has none; there the ledger says when it was last signed.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from masking.database.engine import reading, server_time
from masking.errors import SettingsError
from masking.journal import journal
from masking.ledger import checkpoint
from masking.runtime import World
from masking.store.store import Store

AHEAD = timedelta(minutes=5)
"""How far this machine's clock may be ahead of a database server's."""

UNUSED = timedelta(days=3)
"""How long a deployment may have been without a signature of its ledger; a weekend."""


def known_time(world: World, store: Store, *, is_right: bool = False) -> datetime:
    """A moment that is certainly over: the present, or that of the ledger's last checkpoint where no server has a clock.

    Raises:
        SettingsError: the clock is ahead of a database server's; or, unless the caller knows that it `is_right`, days ahead of
            the ledger.
    """
    now, has_clock = world.now(), False
    for database, engine in (("data", store.data), ("keys", store.keys.engine)):
        with reading(engine) as tx:
            theirs = server_time(tx)
        has_clock |= theirs is not None
        if theirs and now - theirs > AHEAD:
            raise SettingsError(
                f"this machine's clock is {_span(now - theirs)} ahead of the clock of the server of the {database}. Nothing "
                "was done: days would close and data would be destroyed too early. Set the clock, then run this again"
            )
    if has_clock or is_right:
        return now
    note = journal.latest(store)
    signed = checkpoint.read(note, journal.log_key(world, store)).at if note else now
    if now - signed > UNUSED:
        raise SettingsError(
            f"the ledger was last signed {_span(now - signed)} before the time of this machine. Nothing was done. If the clock "
            "is ahead, set it; if the deployment was not in use for so long, run this with --clock-is-right"
        )
    return min(now, signed)


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"
