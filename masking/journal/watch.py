"""Searches the ledger for findings, and marks canaries: parcels of invented persons that no one should open.

A canary is checked out, labelled and scanned like any other parcel, and then marked here. No leaf and no answer shows the mark,
so that a person who handles the parcel can't recognise it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import groupby, pairwise
from operator import attrgetter
from typing import Any

import sqlalchemy as sa

from masking.access.arrivals import without_arrival
from masking.access.detectors import Finding, detect, looked_at_canaries
from masking.access.duty import DUTY_LASTS
from masking.database.engine import insert_new, streaming
from masking.database.schema import budget, canary, leaf
from masking.journal import journal
from masking.journal.batch import count_leaf
from masking.journal.missing_leaves import missing_access_leaves
from masking.ledger.log import Leaf, Unreadable, read
from masking.runtime import World, milliseconds
from masking.store.alarms import raise_alarm
from masking.store.rows import people
from masking.store.store import Store, Transaction
from masking.words.alarms import AlarmKind

A_DAY = timedelta(days=1)

SORTING = 500_000
"""How many leaves are sorted in memory at a time."""

LOOKED_UP = 200
"""How many parcels' histories are read at a time."""


def mark(tx: Transaction, waybill: bytes, now: datetime) -> bool:
    """Make a parcel a canary. Returns False if it is one already."""
    return bool(insert_new(tx, canary, [{"waybill": waybill, "at": milliseconds(now)}]))


def watch(world: World, store: Store, *, back: timedelta = A_DAY) -> list[Finding]:
    """The findings of the last day, and leaves that can't be read. Each raises an alarm, at most once a day.

    Raises:
        UnavailableError: a database can't be used now.
    """
    now = world.now()
    damaged: list[Unreadable] = []
    since = now - back
    with store.reading() as tx:
        units = people.units(tx)
    suspects: set[bytes] = set()
    leaves = _without_arrival(_readable(parcel_by_parcel(store, since - DUTY_LASTS), damaged), units, since, suspects)
    found = detect(leaves, _canaries(world, store, now), store.settings.watch, since=since)
    found += _never_arrived(store, suspects, units, since) + _unreadable(damaged) + _not_on_the_ledger(store, now)
    _raise_alarms(world, store, found, now)
    return found


def _without_arrival(
    leaves: Iterable[Leaf], units: Mapping[str, str], since: datetime, suspects: set[bytes]
) -> Iterator[Leaf]:
    """Pass leaves on, and add parcels that were assigned without an arrival among these leaves to `suspects`."""
    for subject, about in groupby(leaves, key=attrgetter("subject")):
        parcel = list(about)
        if subject and without_arrival(parcel, units, since):
            suspects.add(subject)
        yield from parcel


def _never_arrived(
    store: Store, suspects: Collection[bytes], units: Mapping[str, str], since: datetime
) -> list[Finding]:
    """A finding for each clerk who assigned one of these parcels, if its whole history shows no arrival."""
    counts = Counter[str]()
    named = sorted(suspects)
    for start in range(0, len(named), LOOKED_UP):
        some = named[start : start + LOOKED_UP]
        query = journal.KEPT.where(leaf.c.subject.in_(some)).order_by(leaf.c.subject, leaf.c.id)
        with store.reading() as tx:
            history = list(_readable((read(*row) for row in tx.execute(query)), []))
        for _, parcel in groupby(history, key=attrgetter("subject")):
            counts += without_arrival(list(parcel), units, since)
    return [Finding(kind=AlarmKind.NEVER_ARRIVED, who=who, times=n, among=n) for who, n in sorted(counts.items())]


def parcel_by_parcel(store: Store, since: datetime, *, sorting: int = SORTING) -> Iterator[Leaf | Unreadable]:
    """The leaves since then, grouped by parcel and oldest first. Leaves about no parcel come first.

    They are read on demand, in slices by the first byte of the subject, since SQLite sorts in memory. A slice has about `sorting`
    leaves of about 100 bytes. There are at most 256 slices, and each reads all leaves of the time.
    """
    recent = leaf.c.id >= milliseconds(since).to_bytes(6, "big") + bytes(10)
    with store.reading() as tx:
        many = tx.execute(sa.select(sa.func.count()).where(recent)).scalar_one()
    for query in slices(recent, max(256 * sorting // max(many, 1), 1)):
        yield from (read(row.id, row.position, row.body) for row in streaming(store.data, query))


def slices(recent: sa.ColumnElement[bool], width: int) -> list[sa.Select[Any]]:
    """The queries of the slices: one for leaves about no parcel, then one for each `width` values of the first byte."""
    # an expression, so that no database uses the index by subject, which would read the leaves of all years
    about = sa.func.substr(leaf.c.subject, 1, type_=sa.LargeBinary)
    edges = [bytes((at,)) for at in range(0, 256, width)]
    parts = [about.is_(None), *(sa.and_(about >= a, about < b) for a, b in pairwise(edges)), about >= edges[-1]]
    return [journal.KEPT.where(recent, part).order_by(about, leaf.c.id) for part in parts]


def keep_watch(world: World, store: Store) -> list[Finding]:
    """What can't wait for tonight, run every minute or so: looks at canaries, missing leaves, and refusals that were counted.

    Raises:
        UnavailableError: a database can't be used now. The next run does the rest.
    """
    now = world.now()
    canaries = _canaries(world, store, now)
    since = milliseconds(now - A_DAY).to_bytes(6, "big") + bytes(10)
    with store.reading() as tx:
        query = journal.KEPT.where(leaf.c.subject.in_(canaries), leaf.c.id >= since)
        rows = tx.execute(query).all() if canaries else []
        counted = tx.execute(sa.select(budget.c.actor).where(budget.c.unreported_refusals > 0).limit(1)).first()
    damaged: list[Unreadable] = []
    found = looked_at_canaries(_readable((read(*row) for row in rows), damaged), canaries) + _unreadable(damaged)
    found += _not_on_the_ledger(store, now)
    _raise_alarms(world, store, found, now)
    if counted:
        with store.transaction() as tx:
            _write_counts(world, store, tx, now)
    return found


def _write_counts(world: World, store: Store, tx: Transaction, now: datetime) -> None:
    """Write counted refusals to the ledger whose actor sent no request in a later minute."""
    due = budget.c.unreported_refusals > 0, budget.c.last_summary_minute < milliseconds(now) // 60_000
    query = (
        sa.select(budget.c.actor, budget.c.unreported_refusals).where(*due).order_by(budget.c.actor).with_for_update()
    )
    counted = tx.execute(query).all()
    journal.append(tx, [count_leaf(store, world, now, who, count) for who, count in counted])
    tx.execute(budget.update().where(budget.c.actor.in_([who for who, _ in counted])).values(unreported_refusals=0))


def _readable(leaves: Iterable[Leaf | Unreadable], damaged: list[Unreadable]) -> Iterator[Leaf]:
    """The leaves that can be read. The others are added to `damaged`."""
    for each in leaves:
        if isinstance(each, Unreadable):
            damaged.append(each)
        else:
            yield each


def _unreadable(damaged: list[Unreadable]) -> list[Finding]:
    return [Finding(kind=AlarmKind.UNREADABLE_LEAF, who=each.name, times=1, among=1) for each in damaged]


def _not_on_the_ledger(store: Store, now: datetime) -> list[Finding]:
    """A finding for each person who was let in by a leaf that the ledger lacks."""
    counts = Counter(each.person for each in missing_access_leaves(store, now))
    return [Finding(kind=AlarmKind.ACCESS_LEAF_MISSING, who=who, times=n, among=n) for who, n in sorted(counts.items())]


def _canaries(world: World, store: Store, now: datetime) -> set[bytes]:
    with store.reading() as tx:
        marked = tx.execute(sa.select(canary.c.waybill)).scalars().all()
    return {store.subject(each, world, now) for each in marked}


def _raise_alarms(world: World, store: Store, found: list[Finding], now: datetime) -> None:
    """Raise an alarm for each finding, at most once a day for each kind and actor."""
    if found:
        with store.transaction() as tx:
            for each in found:
                raise_alarm(tx, each.kind, each.who, now, world, partner=each.partner, at_most_every=A_DAY)
