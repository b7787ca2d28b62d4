"""Wraps that a crash has left behind: of a waybill that never reached the data, and of an amended one's other keys."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from masking.vault import waybills
from masking.vault.engine import reading, transaction
from masking.vault.keyschema import wrap
from masking.vault.keystore import KeyStore
from masking.vault.store import PAGE, Store
from masking.world import milliseconds

YOUNG = timedelta(hours=1)
"""A wrap without a row that is no older may be of a checkout that is under way."""


def sweep(store: Store, now: datetime) -> int:
    """Delete them; of how many waybills.

    Raises:
        UnavailableError: one of the databases could not take it; what was swept before is gone.
    """
    horizon = milliseconds(now - YOUNG).to_bytes(6, "big")
    swept, last = 0, b""
    while page := wrapped(store.keys, after=last, made_before=horizon, limit=PAGE):
        with store.transaction() as tx:
            orphans = sorted(set(page) - waybills.existing(tx, page))
        _delete(store.keys, orphans)
        swept, last = swept + len(orphans), page[-1]
    while crowded := with_several_keys(store.keys, limit=PAGE):
        with store.transaction() as tx:  # locked: an amendment that is under way needs both of its keys
            records = waybills.by_id(tx, crowded, lock=True).values()
            swept += store.keys.drop_other_generations(record.key for record in records)
        if not records:
            break
    return swept


def wrapped(keys: KeyStore, *, after: bytes, made_before: bytes, limit: int) -> list[bytes]:
    """The next waybills with wraps, in order of their ids."""
    between = (wrap.c.waybill > after, wrap.c.waybill < made_before)
    query = sa.select(wrap.c.waybill).where(*between).distinct().order_by(wrap.c.waybill).limit(limit)
    with reading(keys.engine) as connection:
        return list(connection.execute(query).scalars())


def with_several_keys(keys: KeyStore, *, limit: int) -> list[bytes]:
    """Waybills with wraps of more than one key: being amended now, or a crash came between."""
    query = sa.select(wrap.c.waybill).group_by(wrap.c.waybill).having(sa.func.count() > 1).limit(limit)
    with reading(keys.engine) as connection:
        return list(connection.execute(query).scalars())


def _delete(keys: KeyStore, records: Sequence[bytes]) -> None:
    if records:
        with transaction(keys.engine) as connection:
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
