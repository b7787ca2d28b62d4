"""Rows of calls that a provider was asked to connect: written before it is asked, so that none can be forgotten.

A row outlives its parcel's data, without naming the parcel, until the provider has ended the binding or its time is over.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database.schema import binding, intent
from masking.runtime import milliseconds


class Binding(NamedTuple):
    """One binding, in the columns' order of the table `binding`.

    `subscription` is None until the provider has answered, `waybill` once the parcel's data is destroyed.
    """

    call: bytes
    waybill: bytes | None
    main: str
    subscription: str | None
    until: int


def ask(tx: Connection, new: Binding) -> bool:
    """Record what is about to be asked; False if the call is no more, because its parcel was destroyed meanwhile."""
    if tx.execute(sa.select(intent.c.id).where(intent.c.id == new.call).with_for_update()).first() is None:
        return False
    tx.execute(binding.delete().where(binding.c.call == new.call))
    tx.execute(binding.insert().values(new._asdict()))
    return True


def made(tx: Connection, call: bytes, subscription: str) -> bool:
    """Record the provider's answer; False if the call is no more, and the binding is to be ended."""
    answered = binding.update().where(binding.c.call == call).values(subscription=subscription)
    row = tx.execute(answered.returning(binding.c.waybill)).first()
    return row is not None and row.waybill is not None


def orphan(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """These waybills' data is being destroyed: forget what is over, and whose the others are."""
    of = binding.c.waybill.in_(waybills)
    tx.execute(binding.delete().where(of, binding.c.until < milliseconds(now)))
    tx.execute(binding.update().where(of).values(waybill=None))


def orphans(tx: Connection) -> list[Binding]:
    """What the provider has bound for parcels whose data is destroyed."""
    named = binding.c.waybill.is_(None) & binding.c.subscription.is_not(None)
    return [Binding(*row) for row in tx.execute(sa.select(binding).where(named).order_by(binding.c.call))]


def drop(tx: Connection, calls: Collection[bytes]) -> None:
    """These bindings are known not to be."""
    tx.execute(binding.delete().where(binding.c.call.in_(calls)))


def over(tx: Connection, main: str) -> list[Binding]:
    """All that we know of over one main number."""
    return [Binding(*row) for row in tx.execute(sa.select(binding).where(binding.c.main == main))]


def asked_at(row: Binding) -> int:
    """When the provider was asked at the earliest: ids begin with their time."""
    return int.from_bytes(row.call[:6], "big")


def is_over(row: Binding, now: datetime) -> bool:
    """Whether the provider ends it by itself."""
    return row.until < milliseconds(now)
