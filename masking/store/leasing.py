"""Which parcels get a virtual number, of which city, and on whose account: asked by each step that leases."""

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
    """A number for each of these waybills, near where it goes, as far as there are any and its merchant may have them."""
    wanting = list(records)
    # where a waybill goes is what its masked view says; "" where there is none to read
    cities = {record.id: city_of(view) if (view := view_of(record)) else "" for record in wanting}
    merchants = {record.id: record.merchant for record in wanting}
    return slots.lease(tx, cities, now, world, merchants=merchants, share=store.settings.number_share)
