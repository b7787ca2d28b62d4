"""Wraps that should not be there.

A crash leaves those of a waybill that never reached the data, and of an amended one's other keys; a key store that was put
back brings those with which waybills could be opened online that were sealed away since.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from masking.lifecycle import State
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
            states = waybills.states(tx, page)
        orphans = sorted(set(page) - states.keys())
        _delete(store.keys, orphans)
        back = _online(store.keys, [waybill for waybill, state in states.items() if state == State.SEALED_AWAY])
        store.keys.seal_away(back)
        swept, last = swept + len(orphans) + len(back), page[-1]
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


def _online(keys: KeyStore, records: Sequence[bytes]) -> list[bytes]:
    """Those of these waybills that the online keys open."""
    query = sa.select(wrap.c.waybill).where(wrap.c.waybill.in_(records), wrap.c.online.is_not(None)).distinct()
    with reading(keys.engine) as connection:
        return list(connection.execute(query).scalars())


def _delete(keys: KeyStore, records: Sequence[bytes]) -> None:
    if records:
        with transaction(keys.engine) as connection:
            connection.execute(wrap.delete().where(wrap.c.waybill.in_(records)))
