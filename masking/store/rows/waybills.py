"""Rows of waybills and of their sealed fields."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.chain import Leg, Where
from masking.database import hot_sql
from masking.database.engine import columns_of, in_list, insert_new
from masking.database.schema import hold, sealed, sealed_column, waybill
from masking.keys.keystore import Generation
from masking.runtime import milliseconds
from masking.values.plaintext import number_problems
from masking.values.states import Retention, State


class Record(NamedTuple):
    """One row of the table `waybill`. A field's default is its value in a new waybill."""

    id: bytes
    tenant: str
    merchant: str
    reference: str | None
    created: int
    waybill_number: str | None
    routing_code: str | None
    masked: str | None
    merge_reference: str | None
    recipient_index: bytes | None
    sender_index: bytes | None
    content_mac: bytes | None
    generation: int
    state: str = State.ACTIVE.value
    leg: str = Leg.COLLECTION.value
    custody: str | None = None
    custodian_unit: str | None = None
    holder: str | None = None
    received_by: str | None = None
    bound_for: str | None = None
    diverted_to: str | None = None
    prints: int = 0
    live_print: int = 0
    misses: int = 0
    delivered: int | None = None
    sealed_away: int | None = None
    destroyed: int | None = None
    destroy_reason: str | None = None

    @property
    def key(self) -> Generation:
        """The generation of the waybill key that seals the fields."""
        return Generation(self.id, self.generation)

    @property
    def where(self) -> Where:
        """Where the parcel is."""
        return Where(
            leg=Leg(self.leg),
            custody=self.custody,
            custodian_unit=self.custodian_unit,
            holder=self.holder,
            received_by=self.received_by,
            bound_for=self.bound_for,
            diverted_to=self.diverted_to,
        )

    def moved(self, where: Where) -> Record:
        """The record of this waybill after its parcel moved."""
        return self._replace(**{name: getattr(where, name) for name in _WHERE})


_WHERE = tuple(field.name for field in dataclasses.fields(Where))  # "leg" is the first
_MOVE = (
    waybill.update()
    .where(waybill.c.id == sa.bindparam("of"))
    .values({name: sa.bindparam(f"new_{name}") for name in _WHERE})
)
_COLUMNS = columns_of(waybill, Record._fields)
_BY_ID = sa.select(*_COLUMNS).where(waybill.c.id.in_(in_list("ids")))
_LOCKED = _BY_ID.order_by(waybill.c.id).with_for_update(key_share=True)


def insert(tx: Connection, records: Sequence[Record]) -> set[bytes]:
    """Insert new records and return the ids of those inserted. One whose reference or number is taken is left out.

    They are inserted in order of their references, so that two workers with the same references can't deadlock.
    """
    ordered = sorted(records, key=lambda each: (each.tenant, each.merchant, each.reference or ""))
    return {row[0] for row in insert_new(tx, waybill, [record._asdict() for record in ordered])}


def insert_sealed(tx: Connection, sealed_fields: Mapping[bytes, Mapping[str, bytes]]) -> None:
    """Store the sealed fields of new waybills."""
    rows = [
        {"waybill": record} | {sealed_column(name): blob for name, blob in fields.items()}
        for record, fields in sealed_fields.items()
    ]
    if rows:
        tx.execute(sealed.insert(), rows)


def replace_sealed(tx: Connection, record: bytes, fields: Mapping[str, bytes]) -> None:
    """Replace the sealed fields of a waybill by those of the corrected order."""
    values = {sealed_column(name): blob for name, blob in fields.items()}
    tx.execute(sealed.update().where(sealed.c.waybill == record).values(values))


def sealed_fields(tx: Connection, records: Collection[bytes], names: Collection[str]) -> dict[bytes, dict[str, bytes]]:
    """The sealed form of the named fields, by waybill."""
    if not names:
        return {}
    return hot_sql.by_key(
        tx, lambda row: (row[0], dict(zip(names, row[1:], strict=True))), _sealed(tuple(names)), records=list(records)
    )


@cache
def _sealed(names: tuple[str, ...]) -> sa.Select[Any]:
    columns = [sealed.c[sealed_column(name)] for name in names]
    return sa.select(sealed.c.waybill, *columns).where(sealed.c.waybill.in_(in_list("records")))


def by_id(tx: Connection, ids: Collection[bytes], *, lock: bool = False) -> dict[bytes, Record]:
    """Records by id. With `lock`, they are locked in order of id until the transaction ends.

    The lock does not conflict with transactions that only insert rows with a foreign key to these records.
    """
    return hot_sql.by_key(tx, lambda row: (row[0], Record._make(row)), _LOCKED if lock else _BY_ID, ids=list(ids))


def by_reference(tx: Connection, wanted: Iterable[tuple[str, str, str]]) -> dict[tuple[str, str, str], Record]:
    """Records by (tenant, merchant, reference)."""
    found = {}
    shops: dict[tuple[str, str], list[str]] = {}
    for tenant, merchant, reference in wanted:
        shops.setdefault((tenant, merchant), []).append(reference)
    for (tenant, merchant), references in shops.items():
        query = sa.select(*_COLUMNS).where(
            waybill.c.tenant == tenant, waybill.c.merchant == merchant, waybill.c.reference.in_(references)
        )
        for row in tx.execute(query):
            record = Record._make(row)
            found[tenant, merchant, str(record.reference)] = record
    return found


def by_number(tx: Connection, tenant: str, numbers: Collection[str]) -> dict[str, bytes]:
    """Waybill ids by the carrier's waybill number. Strings that are not valid waybill numbers are skipped."""
    numbers = [number for number in numbers if not number_problems(number, None)]
    if not numbers:
        return {}
    query = sa.select(waybill.c.waybill_number, waybill.c.id).where(
        waybill.c.tenant == tenant, waybill.c.waybill_number.in_(numbers)
    )
    return {row[0]: row[1] for row in tx.execute(query)}


def by_person(
    tx: Connection, tenant: str, merchant: str, indexes: Collection[bytes], *, after: bytes, limit: int
) -> list[Record]:
    """One merchant's next records after an id whose recipient or sender has one of these person indexes, oldest first.

    Each person index gets a query of its own for its next ids, answered from a database index, so that a page takes the same
    time however many records a phone has. The merchant is part of each query: what other merchants sent to this person is not
    read, so the time of an answer says nothing about it.
    """
    # without the concat, SQLite would choose the index that begins with the tenant, and read all rows of the tenant
    ours = waybill.c.tenant.concat("") == tenant
    pages = [
        sa.select(waybill.c.id)
        .where(column == each, waybill.c.merchant == merchant, waybill.c.id > after, ours)
        .order_by(waybill.c.id)
        .limit(limit)
        for column in (waybill.c.recipient_index, waybill.c.sender_index)
        for each in sorted(indexes)
    ]
    if not pages:
        return []
    merged = sa.union(*(sa.select(page.subquery()) for page in pages)).subquery()
    ids = list(tx.execute(sa.select(merged.c.id).order_by(merged.c.id).limit(limit)).scalars())
    return sorted(by_id(tx, ids).values())


def states(tx: Connection, first: bytes, last: bytes) -> dict[bytes, str]:
    """The state of each record from one id to another, both included."""
    between = waybill.c.id.between(first, last)
    return {row.id: row.state for row in tx.execute(sa.select(waybill.c.id, waybill.c.state).where(between))}


def with_wraps(first: bytes, last: bytes) -> tuple[sa.ColumnElement[bool], sa.ColumnElement[bool]]:
    """Which records after one id, up to another, have wraps, and which of those have an online one."""
    between = (waybill.c.id > first) & (waybill.c.id <= last)
    return between & (waybill.c.state != State.DESTROYED.value), waybill.c.state == State.ACTIVE.value


def update(tx: Connection, record: bytes, **values: Any) -> bool:
    """Set columns of one record. Returns False, and changes nothing, if another waybill has the carrier's number."""
    number = values.get("waybill_number")
    if number:
        try:
            with tx.begin_nested():
                tx.execute(waybill.update().where(waybill.c.id == record).values(values))
        except sa.exc.IntegrityError:
            return False
        return True
    tx.execute(waybill.update().where(waybill.c.id == record).values(values))
    return True


def move(tx: Connection, moved: Mapping[bytes, Where]) -> None:
    """Record where these parcels are now."""
    rows = [
        {"of": record, "new_leg": where.leg.value} | {f"new_{name}": getattr(where, name) for name in _WHERE[1:]}
        for record, where in moved.items()
    ]
    if rows:
        tx.execute(_MOVE, rows)


def clear(tx: Connection, records: Collection[bytes], reason: str, now: datetime) -> None:
    """Clear and delete what `erasure_policy.ERASED_COLUMNS` lists of `waybill` and `sealed`. The row stays as a tombstone."""
    tx.execute(sealed.delete().where(sealed.c.waybill.in_(records)))
    tx.execute(
        waybill.update()
        .where(waybill.c.id.in_(records))
        .values(
            state=State.DESTROYED.value,
            destroyed=milliseconds(now),
            destroy_reason=reason,
            reference=None,
            waybill_number=None,
            routing_code=None,
            masked=None,
            merge_reference=None,
            recipient_index=None,
            sender_index=None,
            content_mac=None,
        )
    )


def seal_away(tx: Connection, records: Collection[bytes], now: datetime) -> None:
    """Record that only the offline key opens these waybills from now on."""
    values = {"state": State.SEALED_AWAY.value, "sealed_away": milliseconds(now)}
    tx.execute(waybill.update().where(waybill.c.id.in_(records)).values(values))


def due(tx: Connection, retention: Retention, now: datetime, state: State, *, after: bytes, limit: int) -> list[bytes]:
    """The next waybills that a retention run has to move on, oldest first: their time in a state is over, without a hold.

    Each call continues after the last id of the one before, so that a run reads the table once, tombstones included.
    """
    if state is State.ACTIVE:
        delivered = waybill.c.delivered < milliseconds(now - retention.seal_away_after)
        never = waybill.c.delivered.is_(None) & (waybill.c.created < milliseconds(now - retention.undelivered_after))
        over = sa.or_(delivered, never)
    else:
        over = sa.or_(waybill.c.sealed_away < milliseconds(now - retention.destroy_after))
    held = sa.exists().where(hold.c.waybill == waybill.c.id)
    next_ones = (waybill.c.id > after, waybill.c.state == state.value, over, ~held)
    query = sa.select(waybill.c.id).where(*next_ones).order_by(waybill.c.id)
    return list(tx.execute(query.limit(limit)).scalars())


def place_hold(tx: Connection, record: bytes, actor: str, reason: str, now: datetime) -> None:
    """Keep a waybill from being sealed away and destroyed. A second hold changes nothing."""
    row = {"waybill": record, "actor": actor, "reason": reason, "at": milliseconds(now)}
    insert_new(tx, hold, [row], "waybill")


def release_hold(tx: Connection, record: bytes) -> bool:
    """End a hold. Returns False if there was none."""
    return bool(tx.execute(hold.delete().where(hold.c.waybill == record)).rowcount)


def held(tx: Connection, records: Collection[bytes]) -> set[bytes]:
    """Those of these waybills that have a hold."""
    return set(tx.execute(sa.select(hold.c.waybill).where(hold.c.waybill.in_(records))).scalars()) if records else set()
