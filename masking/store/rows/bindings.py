"""Rows of bindings: calls that a provider was asked to connect. A row is written before the provider is asked.

A row outlives its parcel's data, without naming the parcel, until the provider has ended the binding or it has expired.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.database.engine import columns_of
from masking.database.schema import binding, intent
from masking.runtime import milliseconds


class Binding(NamedTuple):
    """One binding: a row of the table `binding`.

    Attributes:
        waybill: None once the parcel's data is destroyed.
        subscription: the provider's id of the binding, None until it has answered.
    """

    call: bytes
    waybill: bytes | None
    main: str
    subscription: str | None
    until: int


_COLUMNS = columns_of(binding, Binding._fields)


def record_request(tx: Connection, new: Binding) -> bool:
    """Record a binding that the provider is about to be asked for. Returns False if the parcel was destroyed meanwhile."""
    if tx.execute(sa.select(intent.c.id).where(intent.c.id == new.call).with_for_update()).first() is None:
        return False
    tx.execute(binding.delete().where(binding.c.call == new.call))
    tx.execute(binding.insert().values(new._asdict()))
    return True


def record_answer(tx: Connection, call: bytes, subscription: str) -> bool:
    """Record the provider's answer. Returns False if the parcel was destroyed meanwhile: then end the binding."""
    answered = binding.update().where(binding.c.call == call).values(subscription=subscription)
    row = tx.execute(answered.returning(binding.c.waybill)).first()
    return row is not None and row.waybill is not None


def detach_from_waybills(tx: Connection, waybills: Collection[bytes], now: datetime) -> None:
    """Delete the expired bindings of waybills that are being destroyed, and detach the others from them."""
    of = binding.c.waybill.in_(waybills)
    tx.execute(binding.delete().where(of, binding.c.until < milliseconds(now)))
    tx.execute(binding.update().where(of).values(waybill=None))


def without_waybill(tx: Connection) -> list[Binding]:
    """The bindings at the provider whose parcels' data is destroyed."""
    named = binding.c.waybill.is_(None) & binding.c.subscription.is_not(None)
    return [Binding._make(row) for row in tx.execute(sa.select(*_COLUMNS).where(named).order_by(binding.c.call))]


def delete_bindings(tx: Connection, calls: Collection[bytes]) -> None:
    """Delete bindings that the provider is known not to have."""
    tx.execute(binding.delete().where(binding.c.call.in_(calls)))


def on_main_number(tx: Connection, main: str) -> list[Binding]:
    """All bindings that are recorded for one main number."""
    return [Binding._make(row) for row in tx.execute(sa.select(*_COLUMNS).where(binding.c.main == main))]


def asked_at(row: Binding) -> int:
    """The earliest time at which the provider can have been asked. A call's id begins with its time."""
    return int.from_bytes(row.call[:6], "big")


def is_over(row: Binding, now: datetime) -> bool:
    """Whether a binding has expired, so that the provider has ended it by itself."""
    return row.until < milliseconds(now)
