"""Deletes wraps that should not exist.

A crash can leave wraps of a waybill that was never stored, and wraps of an amended waybill's other keys. A restored key store
can hold online wraps of waybills that were sealed away since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from masking.database.engine import reading, transaction
from masking.database.key_schema import wrap
from masking.database.schema import waybill
from masking.keys.keystore import KeyStore
from masking.runtime import milliseconds
from masking.store.rows import waybills
from masking.store.store import PAGE, Store
from masking.values.states import State

SWEPT = 10_000
"""How many waybills of both databases are compared at once, row by row."""

SPAN = 100_000
"""How many waybills two servers compare at once by their sums."""

YOUNG = timedelta(hours=1)
"""A wrap without a row that is younger may belong to a checkout that has not committed yet."""


def sweep(store: Store, now: datetime, *, page: int = SWEPT, span: int = SPAN) -> int:
    """Delete such wraps. Returns the number of waybills that had any.

    PostgreSQL servers compare `span` waybills at once, by a count and a sum of hashes. Where these differ, and on SQLite, the
    two databases are compared row by row, `page` rows at a time.

    Raises:
        UnavailableError: a database can't be used now. Wraps of earlier pages are deleted.
    """
    horizon = milliseconds(now - YOUNG).to_bytes(6, "big")
    swept, last = 0, b""
    while last < horizon:
        end = _end_of_span(store.keys, after=last, made_before=horizon, span=span)
        if not _agree(store, last, end):
            swept += _compare(store, last, end, page)
        last = end
    while crowded := with_several_keys(store.keys, limit=PAGE):
        with store.transaction() as tx:  # locked: an amendment that is under way needs both of its keys
            records = waybills.by_id(tx, crowded, lock=True).values()
            swept += store.keys.drop_other_generations(record.key for record in records)
        if not records:
            break
    return swept


def _end_of_span(keys: KeyStore, *, after: bytes, made_before: bytes, span: int) -> bytes:
    """The id of the last of the next `span` wraps, or `made_before` if there are fewer."""
    query = sa.select(wrap.c.waybill).where(wrap.c.waybill > after, wrap.c.waybill < made_before)
    with reading(keys.engine) as connection:
        found = connection.execute(query.order_by(wrap.c.waybill).offset(span - 1).limit(1)).scalar()
    return made_before if found is None else bytes(found)


def _agree(store: Store, first: bytes, last: bytes) -> bool:
    """Whether both servers hold the same waybills with ids after `first` up to `last`, of which the same can be opened online.

    A forged set of ids with the same sum gains an attacker nothing: a wrap without its waybill opens nothing.
    """
    if {store.data.dialect.name, store.keys.engine.dialect.name} != {"postgresql"}:
        return False
    there, active = waybills.with_wraps(first, last)
    with store.reading() as tx:
        data = tx.execute(_sums(waybill.c.id, there, active)).one()
    held = (wrap.c.waybill > first) & (wrap.c.waybill <= last)
    with reading(store.keys.engine) as connection:
        keys = connection.execute(_sums(wrap.c.waybill, held, wrap.c.online.is_not(None))).one()
    return tuple(data) == tuple(keys)


def _sums(
    of: sa.Column[bytes], which: sa.ColumnElement[bool], online: sa.ColumnElement[bool]
) -> sa.Select[*tuple[Any, ...]]:
    """Count and sum of hashes of ids: of all waybills, and of those that can be opened online."""
    hashed = sa.func.hashtextextended(sa.func.encode(of, "hex"), 0)
    sums = (sa.func.count(), sa.func.sum(hashed), sa.func.count().filter(online), sa.func.sum(hashed).filter(online))
    return sa.select(*sums).select_from(of.table).where(which)


def _compare(store: Store, first: bytes, end: bytes, page: int) -> int:
    """Compare waybills with ids after `first` up to `end` row by row, and delete stray wraps. Returns of how many waybills."""
    swept, last = 0, first
    while found := wrapped(store.keys, after=last, made_before=end + b"\0", limit=page):
        last = max(found)
        with store.reading() as tx:
            states = waybills.states(tx, min(found), last)
        orphans = sorted(found.keys() - states.keys())
        _delete(store.keys, orphans)
        back = [each for each, online in found.items() if online and states.get(each) == State.SEALED_AWAY]
        store.keys.seal_away(back)
        swept += len(orphans) + len(back)
    return swept


def wrapped(keys: KeyStore, *, after: bytes, made_before: bytes, limit: int) -> dict[bytes, bool]:
    """The next waybills with wraps, in order of their ids, and whether each has an online wrap."""
    between = (wrap.c.waybill > after, wrap.c.waybill < made_before)
    online = sa.func.count(wrap.c.online) > 0
    query = sa.select(wrap.c.waybill, online).where(*between).group_by(wrap.c.waybill).order_by(wrap.c.waybill)
    with reading(keys.engine) as connection:
        return {row[0]: bool(row[1]) for row in connection.execute(query.limit(limit))}


def with_several_keys(keys: KeyStore, *, limit: int) -> list[bytes]:
    """Waybills with wraps of several keys, because they are being amended or a crash interrupted that."""
    query = sa.select(wrap.c.waybill).group_by(wrap.c.waybill).having(sa.func.count() > 1).limit(limit)
    with reading(keys.engine) as connection:
        return list(connection.execute(query).scalars())


def _delete(keys: KeyStore, records: Sequence[bytes]) -> None:
    if records:
        with transaction(keys.engine) as connection:
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
