"""Completes destructions that a crash cut off between the key store and the data."""

from __future__ import annotations

from masking.journal import journal
from masking.runtime import World
from masking.store.erasing import clear_rows, finish_erasing
from masking.store.rows import waybills
from masking.store.store import PAGE, Store
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind


def finish_destructions(world: World, store: Store) -> int:
    """Clear the rows of waybills whose keys were destroyed just before a crash.

    Returns:
        How many waybills were on the destruction list.
    """
    now = world.now()
    unfinished = store.keys.unfinished()
    for start in range(0, len(unfinished), PAGE):
        waiting = {entry.waybill: entry for entry in unfinished[start : start + PAGE]}
        with store.transaction() as tx:
            records = waybills.by_id(tx, waiting, lock=True).values()
            for each in [record.id for record in records if record.state != State.DESTROYED]:
                entry = waiting[each]
                clear_rows(tx, [each], entry.reason, now)
                journal.append(tx, [store.leaf(world, now, LedgerKind.DESTROY, entry.actor, each, reason=entry.reason)])
        finish_erasing(store, list(waiting.values()), now)
    return len(unfinished)
