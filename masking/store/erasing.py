"""Clears the rows of destroyed waybills: the data's half of a destruction, after the key store's half."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from masking.database.engine import truncate_log
from masking.keys.keystore import Destruction
from masking.store.rows import calls, custody, slots, waybills
from masking.store.store import Store, Transaction


def clear_rows(tx: Transaction, ids: Sequence[bytes], reason: str, now: datetime) -> None:
    """Erase what `erasure_policy.ERASED_COLUMNS` lists from the rows of these waybills.

    Call `store.keys.destroy` as the last act before `tx` commits, and `finish_erasing` after the commit. A crash between the
    two leaves waybills that can't be opened and are on the key store's list of destructions;
    `masking.upkeep.unfinished.finish_destructions` clears their rows at the next start.
    """
    slots.release(tx, ids, now)
    calls.forget(tx, ids, now)
    custody.close_assignments(tx, ids, now)
    custody.forget_prints(tx, ids)
    waybills.clear(tx, ids, reason, now)


def finish_erasing(store: Store, gone: Sequence[Destruction], now: datetime) -> None:
    """Record, after the commit, that these rows are erased. Empties SQLite's write-ahead log, which still held them."""
    if gone:
        store.keys.finish([entry.waybill for entry in gone], now)
        truncate_log(store.data)
