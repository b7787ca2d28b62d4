"""Rows that say where a parcel is and whose it is to deliver: scans, assignments, prints of its label."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import partial
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import CountedDuty
from masking.database import hot_sql
from masking.database.engine import in_list, insert_new
from masking.database.schema import assignment, label_print, scan
from masking.runtime import milliseconds
from masking.store import row_macs


class Scan(NamedTuple):
    """One scan of a parcel, in the columns' order of the table `scan`."""

    id: bytes
    waybill: bytes
    kind: str
    unit: str
    actor: str
    at: int
    event: bytes | None = None
    bound_for: str | None = None


class Assignment(NamedTuple):
    """A duty: this courier, this parcel, this leg of its way, given by another person.

    In the columns' order of the table `assignment`, without the MAC. The last two: `access.budget.Duty`.
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
        """What a budget asks of it."""
        return CountedDuty(self.id, self.opened_at, self.counted_since)


class Print(NamedTuple):
    """One print of a label, counted once a job."""

    waybill: bytes
    number: int
    job: str
    station: str
    actor: str
    reason: str | None
    at: int


_LOOKS = assignment.update().where(assignment.c.id == sa.bindparam("of")).values(masked_views=sa.bindparam("viewed"))
_OPEN = sa.select(assignment).where(assignment.c.waybill.in_(in_list("waybills")), assignment.c.closed.is_(None))


_FREE = (
    assignment.update()
    .where(assignment.c.waybill.in_(in_list("waybills")), assignment.c.closed.is_(None))
    .values(counted_since=None)
)


def add_scans(tx: Connection, scans: Sequence[Scan]) -> set[bytes]:
    """Record scans; the ids that went in. One whose event is taken does not, and is no error."""
    return {row[0] for row in insert_new(tx, scan, [row._asdict() for row in scans])}


def scans_of_events(tx: Connection, events: Collection[bytes]) -> dict[bytes, Scan]:
    """The scans that were recorded under these events."""
    if not events:
        return {}
    return {row.event: Scan(*row) for row in tx.execute(sa.select(scan).where(scan.c.event.in_(events)))}


def open_assignments(tx: Connection, waybills: Collection[bytes]) -> dict[bytes, Assignment]:
    """The open assignment of each parcel that has one."""
    is_ours = partial(row_macs.of(tx).holds, assignment)
    return hot_sql.by_key(tx, lambda row: (row[1], Assignment(*row[:-1])), _OPEN, keep=is_ours, waybills=list(waybills))


def assign(tx: Connection, assignments: Sequence[Assignment]) -> set[bytes]:
    """Record assignments; the parcels that got one. A parcel with an open one keeps that."""
    rows = [row_macs.with_mac(tx, assignment, row._asdict()) for row in assignments]
    ids = {row[0] for row in insert_new(tx, assignment, rows)}
    return {row.waybill for row in assignments if row.id in ids}


def count_looks(tx: Connection, assignments: Collection[Assignment]) -> None:
    """Keep how often each duty was looked under."""
    hot_sql.write(tx, _LOOKS, [{"of": each.id, "viewed": each.masked_views} for each in assignments])


def close_assignments(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """End the open assignments of these parcels; without its MAC none of them is opened again."""
    tx.execute(
        assignment.update()
        .where(assignment.c.waybill.in_(waybills), assignment.c.closed.is_(None))
        .values(closed=milliseconds(now), mac=None)
    )


def free_places(tx: Connection, waybills: Collection[bytes]) -> None:
    """These parcels were tried: they take no place among those that their couriers have yet to see to."""
    tx.execute(_FREE, {"waybills": list(waybills)})


def prints_of_jobs(
    tx: Connection, waybills: Collection[bytes], jobs: Collection[str]
) -> dict[tuple[bytes, str], Print]:
    """The prints that these jobs have already made of these waybills."""
    if not waybills:
        return {}
    query = sa.select(label_print).where(label_print.c.waybill.in_(waybills), label_print.c.job.in_(jobs))
    return {(row.waybill, row.job): Print(*row) for row in tx.execute(query)}


def add_prints(tx: Connection, prints: Sequence[Print]) -> None:
    """Record prints."""
    if prints:
        tx.execute(label_print.insert(), [row._asdict() for row in prints])


def forget_prints(tx: Connection, waybills: Collection[bytes]) -> None:
    """Do what the destroy list says of prints."""
    tx.execute(label_print.delete().where(label_print.c.waybill.in_(waybills)))
