"""Clears the rows of destroyed waybills: the data's half of a destruction, after the key store's half."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from masking.database.engine import truncate_log
from masking.keys.keystore import Destruction
from masking.store.rows import calls, custody, slots, waybills
from masking.store.store import Store, Transaction


def clear_rows(tx: Transaction, ids: Sequence[bytes], reason: str, now: datetime) -> None:
    """Erase what `erasure_policy.DESTROYED` lists from the rows of these waybills.

    As the last thing before `tx` commits, call `store.keys.destroy`. A crash in between leaves waybills that can't be
    opened, on the destruction list. `finish_erasing` takes them off it once `tx` has committed, and
    `masking.upkeep.unfinished.finish_destructions` completes them after a crash.
    """
    slots.release(tx, ids, now)
    calls.forget(tx, ids, now)
    custody.close_assignments(tx, ids, now)
    custody.forget_prints(tx, ids)
    waybills.clear(tx, ids, reason, now)


def finish_erasing(store: Store, gone: Sequence[Destruction], now: datetime) -> None:
    """Note after the commit that these rows are gone, also from SQLite's write-ahead log."""
    if gone:
        store.keys.finish([entry.waybill for entry in gone], now)
        truncate_log(store.data)
