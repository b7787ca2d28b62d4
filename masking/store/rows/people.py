"""Rows of enrolled people and programs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Sequence
from datetime import datetime
from functools import partial
from operator import itemgetter
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor, KeyProtection, Role
from masking.crypto.index import person_index
from masking.crypto.seal import open_fields, seal_fields
from masking.database import hot_sql
from masking.database.engine import in_list, insert_new
from masking.database.schema import person
from masking.errors import InputError
from masking.keys import ended_access
from masking.keys.keystore import KeyStore
from masking.ledger.log import is_name
from masking.redact.phones import canonical
from masking.runtime import World, milliseconds, moment
from masking.store import row_macs
from masking.store.rows import budgets
from masking.values.plaintext import Plain

_ACTOR = itemgetter(*(person.columns.keys().index(name) for name in ("id", "tenant", "role", "unit", "level")))

_UNBOUND = {"device": None, "level": KeyProtection.NONE.value, "phone": None, "phone_index": None}
"""The columns of a person without a device. The phone goes with the device, so that only a person who can act is called."""

_ACTIVE = sa.select(person).where(person.c.id.in_(in_list("ids")), person.c.active.is_(True))
_REACHABLE = _ACTIVE.where(person.c.phone.is_not(None))


class Phone(NamedTuple):
    """A verified phone as it is stored: sealed, and as the index by which its owner is recognised as a caller."""

    sealed: bytes
    known_by: bytes


def enrol(
    world: World, keys: KeyStore, tx: Connection, actor: Actor, now: datetime, *, phone: Plain | None = None
) -> bool:
    """Enrol an actor, with a verified phone if the actor makes calls. Returns False if the id is taken."""
    row: dict[str, Any] = {
        "id": actor.id,
        "tenant": actor.tenant,
        "role": actor.role.value,
        "unit": actor.unit,
        "phone": None,
        "phone_index": None,
        "active": True,
        "enrolled": milliseconds(now),
        "device": None,
        "level": KeyProtection.NONE.value,
        "shift_until": None,
    }
    if phone:
        row["phone"], row["phone_index"] = seal_phone(world, keys, actor, phone, now)
    budgets.create(tx, actor.id)
    return bool(insert_new(tx, person, [row_macs.with_mac(tx, person, row)], "id"))


def seal_phone(world: World, keys: KeyStore, actor: Actor, phone: Plain, now: datetime) -> Phone:
    """Seal and index a phone of this person.

    Raises:
        InputError: the string is not a phone number.
    """
    index = caller_index(world, keys, phone, now)
    if index is None:
        raise InputError("phone", "not-a-phone")
    key = _staff_key(world, keys, now)
    return Phone(seal_fields(key, actor.tenant, _record(actor.id), {"phone": phone}, world.entropy)["phone"], index)


def set_phone(tx: Connection, id_: str, phone: Phone) -> None:
    """Store a verified phone, in the transaction that binds the device."""
    row_macs.change(tx, person, person.c.id == id_, phone=phone.sealed, phone_index=phone.known_by)


def lock(tx: Connection, ids: Collection[str]) -> None:
    """Lock the rows of these people until the transaction ends."""
    query = sa.select(person.c.id).where(person.c.id.in_(ids)).order_by(person.c.id)
    tx.execute(query.with_for_update())


def revoke(tx: Connection, ids: Collection[str]) -> None:
    """Revoke these people: every worker refuses their next request. `forget_revoked` deletes device and phone later."""
    gone = row_macs.change(tx, person, person.c.id.in_(ids), active=False)
    ended_access.add(row_macs.of(tx).keys, [ended_access.person(row.id) for row in gone])


def reinstate(tx: Connection, id_: str) -> Actor:
    """Enrol a revoked person again, with the former device and phone."""
    ended_access.remove(row_macs.of(tx).keys, ended_access.person(id_))
    [row] = row_macs.change(tx, person, person.c.id == id_, active=True)
    return actor_of(row)


def forget_revoked(tx: Connection, but: sa.Select[Any]) -> list[str]:
    """Delete device and phone of revoked people, except those whom `but` selects. Returns their ids."""
    kept = person.c.device.is_not(None) | person.c.phone.is_not(None)
    gone = sa.select(person.c.id).where(person.c.active.is_(False), kept, person.c.id.not_in(but))
    ids = list(tx.execute(gone.order_by(person.c.id).with_for_update(skip_locked=True)).scalars())
    unbind(tx, ids)
    return ids


def revoked(tx: Connection, id_: str, tenant: str) -> Role | None:
    """The role of a revoked person with this id, or None."""
    rows = row_macs.found(tx, person, person.c.id == id_, person.c.tenant == tenant, person.c.active.is_(False))
    return Role(rows[0].role) if rows else None


def active(tx: Connection, ids: Collection[str]) -> dict[str, Actor]:
    """The actors among these ids who are enrolled and not revoked, by id."""
    names = [id_ for id_ in ids if is_name(id_)]
    return hot_sql.by_key(tx, lambda row: (row[0], actor_of(row)), _ACTIVE, keep=_is_ours(tx), ids=names)


def _is_ours(tx: Connection) -> Callable[[tuple[Any, ...]], bool]:
    return partial(row_macs.of(tx).holds, person)


def actor_of(row: Sequence[Any]) -> Actor:
    """The actor of a whole row of the table `person`."""
    id_, tenant, role, unit, level = _ACTOR(row)
    return Actor(id=id_, tenant=tenant, role=Role(role), unit=unit, level=KeyProtection(level))


def with_device(tx: Connection, device: bytes) -> Actor | None:
    """The active person whose device this is, or None. The row is locked in share mode until the transaction ends."""
    if ended_access.includes(row_macs.of(tx).keys, [ended_access.credential(device)]):
        return None
    rows = row_macs.found(tx, person, person.c.device == device, person.c.active.is_(True), lock="share")
    return actor_of(rows[0]) if rows else None


def bind(tx: Connection, id_: str, device: bytes, level: KeyProtection) -> bool:
    """Make this the person's one device. Returns False if another active person has it, or the person is not active.

    The device of a revoked person is free to bind, and that person loses it.
    """
    row_macs.change(tx, person, person.c.device == device, person.c.active.is_(False), **_UNBOUND)
    other = person.alias()
    taken = sa.select(other.c.id).where(other.c.device == device, other.c.id != id_).exists()
    free = (person.c.id == id_, person.c.active.is_(True), ~taken)
    before = row_macs.change(tx, person, *free, device=device, level=level.value)
    if before:
        keys = row_macs.of(tx).keys
        ended_access.remove(keys, ended_access.credential(device))
        ended_access.add(keys, _devices(before) - {ended_access.credential(device)})
    return bool(before)


def unbind(tx: Connection, ids: Collection[str]) -> None:
    """Delete the devices of these people, and the phones that were verified with them. Both can be enrolled again."""
    ended_access.add(row_macs.of(tx).keys, _devices(row_macs.change(tx, person, person.c.id.in_(ids), **_UNBOUND)))


def _devices(rows: Sequence[sa.Row[Any]]) -> set[bytes]:
    return {ended_access.credential(row.device) for row in rows if row.device}


def set_shift(tx: Connection, id_: str, until: datetime) -> None:
    """Store until when a person's shift lasts."""
    row_macs.change(tx, person, person.c.id == id_, shift_until=milliseconds(until))


def shift_of(tx: Connection, id_: str) -> datetime | None:
    """When a person's last recorded shift ends or ended, None without one."""
    until = [row.shift_until for row in row_macs.found(tx, person, person.c.id == id_)]
    return moment(until[0]) if until and until[0] is not None else None


def phone_indexes(tx: Connection, ids: Collection[str]) -> dict[str, bytes]:
    """The index of each person's verified phone. People without one are left out."""
    rows = row_macs.found(tx, person, person.c.id.in_(ids), person.c.phone_index.is_not(None))
    return {row.id: row.phone_index for row in rows}


def phone_change(tx: Connection, id_: str, index: bytes | None) -> dict[str, str]:
    """The part of a leaf that says whether a code changes the person's phone. It never says which phone."""
    return {} if index in {None, phone_indexes(tx, [id_]).get(id_)} else {"phone": "changed"}


def units(tx: Connection) -> dict[str, str]:
    """The unit of each person who was ever enrolled."""
    return {row.id: row.unit for row in tx.execute(sa.select(person.c.id, person.c.unit))}


def reachable(tx: Connection, ids: Collection[str]) -> set[str]:
    """The people among these who are active and have a verified phone."""
    return set(hot_sql.by_key(tx, lambda row: (row[0], None), _REACHABLE, keep=_is_ours(tx), ids=list(ids)))


def couriers_at(tx: Connection, indexes: Collection[bytes]) -> dict[bytes, str]:
    """The active couriers whose verified phones have these indexes, by index."""
    are_couriers = (person.c.active.is_(True), person.c.role == Role.COURIER.value)
    rows = row_macs.found(tx, person, person.c.phone_index.in_(indexes), *are_couriers)
    return {row.phone_index: row.id for row in rows}


def open_phone(world: World, keys: KeyStore, tx: Connection, actor: str, now: datetime) -> Plain:
    """The verified phone of a person who is `reachable`, for the switch to dial."""
    [row] = row_macs.found(tx, person, person.c.id == actor)
    return open_fields(_staff_key(world, keys, now), row.tenant, _record(actor), {"phone": row.phone})["phone"]


def caller_index(world: World, keys: KeyStore, phone: Plain, now: datetime) -> bytes | None:
    """The index by which a staff member's phone is recognised as a caller. None for a caller who hides the number."""
    number = canonical(phone.reveal())
    return person_index(_staff_key(world, keys, now), number) if number else None


def _staff_key(world: World, keys: KeyStore, now: datetime) -> bytes:
    return keys.key("staff", "1", world, now)


def _record(actor: str) -> bytes:
    return hashlib.sha256(b"staff\0" + actor.encode()).digest()[:16]
