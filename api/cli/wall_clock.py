"""Checks this machine's clock before an irreversible act depends on it, such as closing days or destroying keys.

It is compared with the database server's clock. SQLite has no server, so there the ledger's last signature is used.
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
"""How long a deployment may go without signing its ledger: a long weekend."""


def known_time(world: World, store: Store, *, is_right: bool = False) -> datetime:
    """The present, or the time of the ledger's last checkpoint where no database server can confirm the clock.

    `is_right` says that the operator has checked the clock, so that the ledger's last signature is not compared.

    Raises:
        SettingsError: the clock is ahead of a database server's, or days ahead of the ledger.
    """
    now, has_clock = world.now(), False
    for database, engine in (("data", store.data), ("keys", store.keys.engine)):
        with reading(engine) as tx:
            theirs = server_time(tx)
        has_clock |= theirs is not None
        if theirs and now - theirs > AHEAD:
            raise SettingsError(
                f"this machine's clock is {_span(now - theirs)} ahead of the {database} database server's clock. Nothing "
                "was done, because days would close and data would be destroyed too early. Set the clock and run this again"
            )
    if has_clock or is_right:
        return now
    note = journal.latest(store)
    signed = checkpoint.read(note, journal.log_key(world, store)).at if note else now
    if now - signed > UNUSED:
        raise SettingsError(
            f"the ledger was last signed {_span(now - signed)} before this machine's time. Nothing was done. If the clock "
            "is ahead, set it. If the deployment was not in use for so long, run this with --clock-is-right"
        )
    return min(now, signed)


def _span(length: timedelta) -> str:
    hours = length.total_seconds() / 3600
    return f"{hours / 24:.1f} days" if hours > 48 else f"{hours:.1f} hours"
