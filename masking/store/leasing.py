"""Leases virtual numbers: derives the city and the merchant of each parcel for `rows.slots.lease`."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from masking.redact.destination import city_of
from masking.runtime import World
from masking.store.reading import view_of
from masking.store.rows import slots
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.printable import VirtualNumber


def lease(
    world: World, store: Store, tx: Transaction, records: Iterable[Record], now: datetime
) -> dict[bytes, VirtualNumber]:
    """Lease each waybill a number near its destination. Some may get none: see `rows.slots.lease`."""
    wanting = list(records)
    # the city is read from the masked view, so that no address has to be opened; "" if there is no readable view
    cities = {record.id: city_of(view) if (view := view_of(record)) else "" for record in wanting}
    merchants = {record.id: record.merchant for record in wanting}
    return slots.lease(tx, cities, now, world, merchants=merchants, share=store.settings.number_share)
