"""The nightly run: seals away, destroys and deletes what is due by the retention schedule.

If it is interrupted, the next run continues. Days are closed first, so that a failure later on never keeps an archive key's
usable copy alive. Waybills are sealed away and destroyed before online keys are refreshed, so that no wrap is moved for nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from datetime import datetime
from typing import NamedTuple

from masking.access.people import Actor
from masking.crypto.index import waybill_id_of
from masking.journal import journal
from masking.journal.damaged_records import record_findings
from masking.keys import lifecycle
from masking.runtime import World
from masking.steps.retire import Destroy, Retire, Retired, SealAway, retire
from masking.store import alarms, sealed_orders
from masking.store.rows import waybills
from masking.store.store import Store
from masking.upkeep import orphans
from masking.upkeep.recovery import reconcile
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind

BATCH = 500
"""How many waybills one transaction handles. Their rows are locked for less than a second."""


class RunLine(NamedTuple):
    """One line of the report: what was done, or would be done, and how often."""

    what: str
    times: int


def nightly(
    world: World, store: Store, operator: Actor, *, dry_run: bool = False, over: datetime | None = None
) -> Iterator[RunLine]:
    """Do what is due, and report each kind of work. A dry run only counts. It may run at any time, and often.

    `over` is the time until which days count as ended and are closed, by default now.

    Raises:
        UnavailableError: a database can't be used now. The work reported before is done.
    """
    now = world.now()
    if not dry_run:
        reconcile(world, store, thorough=True)
    closed = lifecycle.archive_keys_due(store.keys, min(now, over or now))
    if not dry_run:
        for day in closed:
            key_act(world, store, operator, "close", "archive", day)
        lifecycle.close_days(store.keys, closed, now)
    yield RunLine("days closed", len(closed))
    yield RunLine("orphaned wraps swept", 0 if dry_run else orphans.sweep(store, now))

    def away(waybill: bytes) -> Retire:
        return SealAway(actor=operator, id=waybill_id_of(waybill))

    def gone(waybill: bytes) -> Retire:
        return Destroy(actor=operator, id=waybill_id_of(waybill), reason="retention")

    yield RunLine("waybills destroyed", _retire(world, store, State.SEALED_AWAY, gone, dry_run=dry_run))
    yield RunLine("waybills sealed away", _retire(world, store, State.ACTIVE, away, dry_run=dry_run))
    due = lifecycle.due_online(store.keys, now)
    if dry_run:
        yield RunLine("wraps moved to a younger key", lifecycle.count_wraps(store.keys, due))
        yield RunLine("online keys destroyed", len(due))
    else:
        yield RunLine("wraps moved to a younger key", sum(lifecycle.refresh(store.keys, due, world, now)))
        stuck = record_stuck_wraps(world, store, operator, due)
        yield RunLine(
            "online keys destroyed", _destroy_keys(world, store, operator, [k for k in due if k not in stuck])
        )
        if stuck:
            yield RunLine("online keys kept, as a wrap on them does not open", len(stuck))
        yield RunLine("index keys forgotten", lifecycle.forget_indexes(store.keys, now))
        yield RunLine("sealing keys ended", len(sealed_orders.end_keys(store, now)))
        with store.transaction() as tx:
            yield RunLine("envelopes forgotten", sealed_orders.sweep(tx, now))
        with store.transaction() as tx:
            yield RunLine("acknowledged alarms pruned", alarms.prune(tx, now))
        journal.sequence(world, store)
        yield RunLine("checkpoints pruned", journal.prune(store))


def key_act(world: World, store: Store, operator: Actor, act: str, purpose: str, name: str) -> None:
    """Append the leaf of an act on a key. Call it before the act."""
    with store.transaction() as tx:
        leaf = store.leaf(world, world.now(), LedgerKind.KEY, operator.id, act=act, purpose=purpose, name=name)
        journal.append(tx, [leaf])


def _retire(world: World, store: Store, state: State, act: Callable[[bytes], Retire], *, dry_run: bool) -> int:
    done, last = 0, b""
    limit = 10**9 if dry_run else BATCH
    while True:
        with store.reading() as tx:
            due = waybills.due(tx, store.settings.retention, world.now(), state, after=last, limit=limit)
        if dry_run or not due:
            return len(due) if dry_run else done
        outcomes = retire(world, store, [act(waybill) for waybill in due])
        done += sum(isinstance(outcome, Retired) for outcome in outcomes)
        last = due[-1]


def record_stuck_wraps(world: World, store: Store, operator: Actor, refreshed: Collection[str]) -> set[str]:
    """Find keys that a damaged wrap still needs after `refresh`, and record the damage with an alarm. Returns the keys.

    Such a key is destroyed later, when the schedule or `waybill erase` has destroyed those waybills.
    """
    left = lifecycle.remaining_wraps(store.keys, refreshed)
    if left:
        with store.transaction() as tx:
            record_findings(
                world, store, tx, [(operator.id, waybill) for _, waybill in left], world.now(), step="refresh"
            )
    return {key for key, _ in left}


def _destroy_keys(world: World, store: Store, operator: Actor, names: Collection[str]) -> int:
    for name in names:
        key_act(world, store, operator, "destroy", "online", name)
        lifecycle.destroy(store.keys, "online", name, world.now())
    return len(names)
