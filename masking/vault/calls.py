"""Rows of announced calls: the intents that make a virtual number ring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.vault.schema import intent
from masking.world import milliseconds


class Intent(NamedTuple):
    """A courier's announced call: one use, short-lived, for one caller's number."""

    id: bytes
    waybill: bytes
    actor: str
    caller: bytes
    expires: int
    used: int | None


def add_intents(tx: Connection, intents: Sequence[Intent]) -> None:
    """Record announced calls."""
    if intents:
        tx.execute(intent.insert(), [row._asdict() for row in intents])


def open_intents(tx: Connection, waybills: Collection[bytes], now: datetime) -> dict[tuple[bytes, bytes], Intent]:
    """Unused, unexpired intents by (waybill, caller), locked until the transaction ends."""
    if not waybills:
        return {}
    query = (
        sa.select(intent)
        .where(intent.c.waybill.in_(waybills), intent.c.used.is_(None), intent.c.expires >= milliseconds(now))
        .order_by(intent.c.id)
        .with_for_update()
    )
    return {(row.waybill, row.caller): Intent(*row) for row in tx.execute(query)}


def use_intents(tx: Connection, ids: Collection[bytes], now: datetime) -> None:
    """Mark intents as used up."""
    if ids:
        tx.execute(intent.update().where(intent.c.id.in_(ids)).values(used=milliseconds(now)))


def forget(tx: Connection, waybills: Collection[bytes]) -> None:
    """Do what the destroy list says of calls."""
    tx.execute(intent.delete().where(intent.c.waybill.in_(waybills)))
