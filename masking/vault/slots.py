"""Rows of virtual numbers and of the intents that make one ring."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.numbers.pool import Slot
from masking.vault.engine import insert_new
from masking.vault.schema import intent, slot
from masking.waybill import VirtualNumber
from masking.world import World, milliseconds, moment


class Intent(NamedTuple):
    """A courier's announced call: one use, short-lived, for one caller's number."""

    id: bytes
    waybill: bytes
    actor: str
    caller: bytes
    expires: int
    used: int | None


_AT_ONCE = 500
"""Rested slots that one checkout frees at most."""


def _place(world: World) -> int:
    return int.from_bytes(world.entropy(7), "big")


def add(tx: Connection, slots: Sequence[Slot], world: World) -> int:
    """Take slots into the pool, each at a random place; how many were new."""
    rows = [
        {
            "main": s.main,
            "extension": s.extension,
            "state": "free",
            "place": _place(world),
            "waybill": None,
            "until": None,
        }
        for s in slots
    ]
    return len(insert_new(tx, slot, rows, "main", "extension"))


def lease(
    tx: Connection, waybills: Sequence[bytes], until: datetime, now: datetime, world: World
) -> dict[bytes, VirtualNumber]:
    """Lease one slot to each waybill, in random order, while there are any. A dry pool leaves the rest without.

    Slots whose cool-down has passed are free again; each takes a new random place when it is leased.
    """
    if not waybills:
        return {}
    rested = sa.select(slot.c.main, slot.c.extension).where(slot.c.state == "cooling", slot.c.until < milliseconds(now))
    found = [tuple(row) for row in tx.execute(rested.limit(_AT_ONCE).with_for_update(skip_locked=True))]
    if found:
        freed = slot.update().where(sa.tuple_(slot.c.main, slot.c.extension).in_(found))
        tx.execute(freed.values(state="free", until=None))
    query = (
        sa.select(slot.c.main, slot.c.extension)
        .where(slot.c.state == "free")
        .order_by(slot.c.place)
        .limit(len(waybills))
        .with_for_update(skip_locked=True)
    )
    free = tx.execute(query).all()
    leased = {}
    rows = []
    for waybill, (main, extension) in zip(waybills, free, strict=False):
        leased[waybill] = VirtualNumber(main=main, extension=extension, expires=until)
        rows.append({"m": main, "e": extension, "w": waybill, "p": _place(world)})
    if rows:
        statement = (
            slot.update()
            .where(slot.c.main == sa.bindparam("m"), slot.c.extension == sa.bindparam("e"))
            .values(state="leased", waybill=sa.bindparam("w"), place=sa.bindparam("p"), until=milliseconds(until))
        )
        tx.execute(statement, rows)
    return leased


def leases(tx: Connection, waybills: Collection[bytes]) -> dict[bytes, VirtualNumber]:
    """The numbers that these waybills hold."""
    if not waybills:
        return {}
    query = sa.select(slot).where(slot.c.waybill.in_(waybills), slot.c.state == "leased")
    return {
        row.waybill: VirtualNumber(main=row.main, extension=row.extension, expires=moment(row.until))
        for row in tx.execute(query)
    }


def holders(tx: Connection, numbers: Collection[tuple[str, str]], now: datetime) -> dict[tuple[str, str], bytes]:
    """The waybills that hold these (main number, extension) pairs now."""
    numbers = [pair for pair in numbers if all(part.isascii() and part.isdigit() for part in pair)]
    if not numbers:
        return {}
    query = sa.select(slot.c.main, slot.c.extension, slot.c.waybill).where(
        sa.tuple_(slot.c.main, slot.c.extension).in_(numbers),
        slot.c.state == "leased",
        slot.c.until >= milliseconds(now),
    )
    return {(row.main, row.extension): row.waybill for row in tx.execute(query)}


def release(tx: Connection, waybills: Collection[bytes], *, free_again: datetime) -> None:
    """End the leases: the slots cool down until `free_again`, bound to nobody."""
    tx.execute(
        slot.update()
        .where(slot.c.waybill.in_(waybills))
        .values(state="cooling", waybill=None, until=milliseconds(free_again))
    )
    tx.execute(intent.delete().where(intent.c.waybill.in_(waybills)))


def counts(tx: Connection) -> dict[str, int]:
    """How many slots are in each state."""
    return {row[0]: row[1] for row in tx.execute(sa.select(slot.c.state, sa.func.count()).group_by(slot.c.state))}


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
