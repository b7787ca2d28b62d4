"""Wraps that should not be there.

A crash leaves those of a waybill that never reached the data, and of an amended one's other keys; a key store that was put
back brings those with which waybills could be opened online that were sealed away since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from masking.database.engine import reading, transaction
from masking.database.key_schema import wrap
from masking.keys.keystore import KeyStore
from masking.runtime import milliseconds
from masking.store.rows import waybills
from masking.store.store import PAGE, Store
from masking.values.states import State

SWEPT = 10_000
"""How many waybills of both databases are compared at once."""

YOUNG = timedelta(hours=1)
"""A wrap without a row that is no older may be of a checkout that is under way."""


def sweep(store: Store, now: datetime, *, page: int = SWEPT) -> int:
    """Delete them, comparing both databases `page` by page; of how many waybills.

    Raises:
        UnavailableError: one of the databases could not take it; what was swept before is gone.
    """
    horizon = milliseconds(now - YOUNG).to_bytes(6, "big")
    swept, last = 0, b""
    while found := wrapped(store.keys, after=last, made_before=horizon, limit=page):
        last = max(found)
        with store.reading() as tx:
            states = waybills.states(tx, min(found), last)
        orphans = sorted(found.keys() - states.keys())
        _delete(store.keys, orphans)
        back = [each for each, online in found.items() if online and states.get(each) == State.SEALED_AWAY]
        store.keys.seal_away(back)
        swept += len(orphans) + len(back)
    while crowded := with_several_keys(store.keys, limit=PAGE):
        with store.transaction() as tx:  # locked: an amendment that is under way needs both of its keys
            records = waybills.by_id(tx, crowded, lock=True).values()
            swept += store.keys.drop_other_generations(record.key for record in records)
        if not records:
            break
    return swept


def wrapped(keys: KeyStore, *, after: bytes, made_before: bytes, limit: int) -> dict[bytes, bool]:
    """The next waybills with wraps, in order of their ids, and whether the online keys open them."""
    between = (wrap.c.waybill > after, wrap.c.waybill < made_before)
    online = sa.func.count(wrap.c.online) > 0
    query = sa.select(wrap.c.waybill, online).where(*between).group_by(wrap.c.waybill).order_by(wrap.c.waybill)
    with reading(keys.engine) as connection:
        return {row[0]: bool(row[1]) for row in connection.execute(query.limit(limit))}


def with_several_keys(keys: KeyStore, *, limit: int) -> list[bytes]:
    """Waybills with wraps of more than one key: being amended now, or a crash came between."""
    query = sa.select(wrap.c.waybill).group_by(wrap.c.waybill).having(sa.func.count() > 1).limit(limit)
    with reading(keys.engine) as connection:
        return list(connection.execute(query).scalars())


def _delete(keys: KeyStore, records: Sequence[bytes]) -> None:
    if records:
        with transaction(keys.engine) as connection:
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
