"""Rows of scans, assignments and label prints: where a parcel is, and which courier has it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import CountedDuty
from masking.database import hot_sql
from masking.database.engine import columns_of, in_list, insert_new
from masking.database.schema import assignment, label_print, scan
from masking.runtime import milliseconds
from masking.store import row_macs


class Scan(NamedTuple):
    """One scan of a parcel: a row of the table `scan`."""

    id: bytes
    waybill: bytes
    kind: str
    unit: str
    actor: str
    at: int
    event: bytes | None = None
    bound_for: str | None = None


class Assignment(NamedTuple):
    """A duty, given by another person: this courier, this parcel, this leg. A row of `assignment`, without its MAC.

    Attributes:
        masked_views: how often the courier saw the masked view.
        opened_at, counted_since: see `access.budget.CountedDuty`.
    """

    id: bytes
    waybill: bytes
    unit: str
    leg: str
    courier: str
    given_by: str
    at: int
    closed: int | None
    masked_views: int
    opened_at: int | None = None
    counted_since: int | None = None

    @property
    def counted_duty(self) -> CountedDuty:
        """The part that a budget needs."""
        return CountedDuty(self.id, self.opened_at, self.counted_since)


class Print(NamedTuple):
    """One print of a label: a row of the table `label_print`. A job prints a label once, however often it is repeated."""

    waybill: bytes
    number: int
    job: str
    station: str
    actor: str
    reason: str | None
    at: int


_LOOKS = assignment.update().where(assignment.c.id == sa.bindparam("of")).values(masked_views=sa.bindparam("viewed"))
_RECORD = itemgetter(*(assignment.columns.keys().index(name) for name in Assignment._fields))
_OPEN = sa.select(assignment).where(assignment.c.waybill.in_(in_list("waybills")), assignment.c.closed.is_(None))


_FREE = (
    assignment.update()
    .where(assignment.c.waybill.in_(in_list("waybills")), assignment.c.closed.is_(None))
    .values(counted_since=None)
)


def add_scans(tx: Connection, scans: Sequence[Scan]) -> set[bytes]:
    """Record scans and return the ids of those recorded. One whose event is recorded already is left out."""
    return {row[0] for row in insert_new(tx, scan, [row._asdict() for row in scans])}


def scans_of_events(tx: Connection, events: Collection[bytes]) -> dict[bytes, Scan]:
    """The scans that were recorded under these events."""
    if not events:
        return {}
    query = sa.select(*columns_of(scan, Scan._fields)).where(scan.c.event.in_(events))
    return {row.event: Scan._make(row) for row in tx.execute(query)}


def open_assignments(tx: Connection, waybills: Collection[bytes]) -> dict[bytes, Assignment]:
    """The open assignment of each parcel that has one, by waybill."""

    def entry(row: Sequence[Any]) -> tuple[bytes, Assignment]:
        made = Assignment._make(_RECORD(row))
        return made.waybill, made

    is_valid = partial(row_macs.of(tx).holds, assignment)
    return hot_sql.by_key(tx, entry, _OPEN, keep=is_valid, waybills=list(waybills))


def assign(tx: Connection, assignments: Sequence[Assignment]) -> set[bytes]:
    """Record assignments and return the waybills that got one. A parcel that has an open assignment keeps it."""
    rows = [row_macs.with_mac(tx, assignment, row._asdict()) for row in assignments]
    ids = {row[0] for row in insert_new(tx, assignment, rows)}
    return {row.waybill for row in assignments if row.id in ids}


def record_masked_views(tx: Connection, assignments: Collection[Assignment]) -> None:
    """Store how often the masked view was shown under each assignment."""
    hot_sql.write(tx, _LOOKS, [{"of": each.id, "viewed": each.masked_views} for each in assignments])


def close_assignments(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """End the open assignments of these parcels. They lose their MACs, so that nothing can reopen them."""
    tx.execute(
        assignment.update()
        .where(assignment.c.waybill.in_(waybills), assignment.c.closed.is_(None))
        .values(closed=milliseconds(now), mac=None)
    )


def stop_counting(tx: Connection, waybills: Collection[bytes]) -> None:
    """Take these parcels off the number that their couriers have opened and not finished: a delivery was attempted."""
    tx.execute(_FREE, {"waybills": list(waybills)})


def prints_of_jobs(
    tx: Connection, waybills: Collection[bytes], jobs: Collection[str]
) -> dict[tuple[bytes, str], Print]:
    """The prints that these jobs have already made of these waybills."""
    if not waybills:
        return {}
    query = sa.select(*columns_of(label_print, Print._fields)).where(
        label_print.c.waybill.in_(waybills), label_print.c.job.in_(jobs)
    )
    return {(row.waybill, row.job): Print._make(row) for row in tx.execute(query)}


def add_prints(tx: Connection, prints: Sequence[Print]) -> None:
    """Record prints."""
    if prints:
        tx.execute(label_print.insert(), [row._asdict() for row in prints])


def forget_prints(tx: Connection, waybills: Collection[bytes]) -> None:
    """Delete the prints of these waybills, as `erasure_policy.ERASED_COLUMNS` says."""
    tx.execute(label_print.delete().where(label_print.c.waybill.in_(waybills)))
