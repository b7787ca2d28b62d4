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
"""A phone goes with its device, so that only a person who can act is rung."""

_ACTIVE = sa.select(person).where(person.c.id.in_(in_list("ids")), person.c.active.is_(True))
_REACHABLE = _ACTIVE.where(person.c.phone.is_not(None))


class Phone(NamedTuple):
    """A verified phone as a row keeps it: sealed, and as the index under which its owner is recognised."""

    sealed: bytes
    known_by: bytes


def enrol(
    world: World, keys: KeyStore, tx: Connection, actor: Actor, now: datetime, *, phone: Plain | None = None
) -> bool:
    """Enrol somebody, with their verified phone, sealed, if calls are theirs to make; False if the id is taken."""
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
    """A phone of this person, as a row keeps it.

    Raises:
        InputError: it is not a phone.
    """
    index = caller_index(world, keys, phone, now)
    if index is None:
        raise InputError("phone", "not-a-phone")
    key = _staff_key(world, keys, now)
    return Phone(seal_fields(key, actor.tenant, _record(actor.id), {"phone": phone}, world.entropy)["phone"], index)


def set_phone(tx: Connection, id_: str, phone: Phone) -> None:
    """Put a verified phone into force, in the transaction that binds the device it was confirmed with."""
    row_macs.change(tx, person, person.c.id == id_, phone=phone.sealed, phone_index=phone.known_by)


def lock(tx: Connection, ids: Collection[str]) -> None:
    """Keep the rows of these people as they are until the transaction ends; others that ask for them wait."""
    query = sa.select(person.c.id).where(person.c.id.in_(ids)).order_by(person.c.id)
    tx.execute(query.with_for_update())


def revoke(tx: Connection, ids: Collection[str]) -> None:
    """End enrolments; the next request of these people is refused, in every worker. `forget_revoked` does the rest."""
    gone = row_macs.change(tx, person, person.c.id.in_(ids), active=False)
    ended_access.add(row_macs.of(tx).keys, [ended_access.person(row.id) for row in gone])


def reinstate(tx: Connection, id_: str) -> Actor:
    """Enrol a revoked person again, with the former device and phone."""
    ended_access.remove(row_macs.of(tx).keys, ended_access.person(id_))
    [row] = row_macs.change(tx, person, person.c.id == id_, active=True)
    return actor_of(row)


def forget_revoked(tx: Connection, but: sa.Select[Any]) -> list[str]:
    """Take device and phone from those who are revoked for good, `but` for these ids; who they were."""
    kept = person.c.device.is_not(None) | person.c.phone.is_not(None)
    gone = sa.select(person.c.id).where(person.c.active.is_(False), kept, person.c.id.not_in(but))
    ids = list(tx.execute(gone.order_by(person.c.id).with_for_update(skip_locked=True)).scalars())
    unbind(tx, ids)
    return ids


def revoked(tx: Connection, id_: str, tenant: str) -> Role | None:
    """The role of a revoked person of this name, or None."""
    rows = row_macs.found(tx, person, person.c.id == id_, person.c.tenant == tenant, person.c.active.is_(False))
    return Role(rows[0].role) if rows else None


def active(tx: Connection, ids: Collection[str]) -> dict[str, Actor]:
    """Those of these people who are enrolled now."""
    names = [id_ for id_ in ids if is_name(id_)]
    return hot_sql.by_key(tx, lambda row: (row[0], actor_of(row)), _ACTIVE, keep=_is_ours(tx), ids=names)


def _is_ours(tx: Connection) -> Callable[[tuple[Any, ...]], bool]:
    return partial(row_macs.of(tx).holds, person)


def actor_of(row: Sequence[Any]) -> Actor:
    """The actor in a whole row, in the columns' order of the table."""
    id_, tenant, role, unit, level = _ACTOR(row)
    return Actor(id=id_, tenant=tenant, role=Role(role), unit=unit, level=KeyProtection(level))


def with_device(tx: Connection, device: bytes) -> Actor | None:
    """Whose device this is, if they are enrolled now; it stays so, and so does their shift, until the transaction ends."""
    if ended_access.includes(row_macs.of(tx).keys, [ended_access.credential(device)]):
        return None
    rows = row_macs.found(tx, person, person.c.device == device, person.c.active.is_(True), lock="share")
    return actor_of(rows[0]) if rows else None


def bind(tx: Connection, id_: str, device: bytes, level: KeyProtection) -> bool:
    """Make this somebody's one device; False, and nothing is changed, if it is another's, or they are enrolled no more.

    A revoked person's device is free, and lost to that person.
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
    """Take these people's devices from them, and the phones that were verified with those; both may be enrolled anew."""
    ended_access.add(row_macs.of(tx).keys, _devices(row_macs.change(tx, person, person.c.id.in_(ids), **_UNBOUND)))


def _devices(rows: Sequence[sa.Row[Any]]) -> set[bytes]:
    return {ended_access.credential(row.device) for row in rows if row.device}


def set_shift(tx: Connection, id_: str, until: datetime) -> None:
    """Somebody works until then."""
    row_macs.change(tx, person, person.c.id == id_, shift_until=milliseconds(until))


def shift_of(tx: Connection, id_: str) -> datetime | None:
    """Until when somebody works; None if they have never begun."""
    until = [row.shift_until for row in row_macs.found(tx, person, person.c.id == id_)]
    return moment(until[0]) if until and until[0] is not None else None


def phone_indexes(tx: Connection, ids: Collection[str]) -> dict[str, bytes]:
    """The indexed verified phones of those who have one."""
    rows = row_macs.found(tx, person, person.c.id.in_(ids), person.c.phone_index.is_not(None))
    return {row.id: row.phone_index for row in rows}


def phone_change(tx: Connection, id_: str, index: bytes | None) -> dict[str, str]:
    """What a leaf says of a phone that comes with a code: that it is another one, and never which."""
    return {} if index in {None, phone_indexes(tx, [id_]).get(id_)} else {"phone": "changed"}


def units(tx: Connection) -> dict[str, str]:
    """The unit of everybody who was ever enrolled."""
    return {row.id: row.unit for row in tx.execute(sa.select(person.c.id, person.c.unit))}


def reachable(tx: Connection, ids: Collection[str]) -> set[str]:
    """Those of these people who are enrolled now and have a verified phone."""
    return set(hot_sql.by_key(tx, lambda row: (row[0], None), _REACHABLE, keep=_is_ours(tx), ids=list(ids)))


def couriers_at(tx: Connection, indexes: Collection[bytes]) -> dict[bytes, str]:
    """The enrolled couriers whose verified phones have these indexes."""
    are_couriers = (person.c.active.is_(True), person.c.role == Role.COURIER.value)
    rows = row_macs.found(tx, person, person.c.phone_index.in_(indexes), *are_couriers)
    return {row.phone_index: row.id for row in rows}


def open_phone(world: World, keys: KeyStore, tx: Connection, actor: str, now: datetime) -> Plain:
    """The verified phone of one who is `reachable`, for the switch to ring."""
    [row] = row_macs.found(tx, person, person.c.id == actor)
    return open_fields(_staff_key(world, keys, now), row.tenant, _record(actor), {"phone": row.phone})["phone"]


def caller_index(world: World, keys: KeyStore, phone: Plain, now: datetime) -> bytes | None:
    """The index under which a staff member's phone is recognised as a caller; None for no phone, as of a hidden caller."""
    number = canonical(phone.reveal())
    return person_index(_staff_key(world, keys, now), number) if number else None


def _staff_key(world: World, keys: KeyStore, now: datetime) -> bytes:
    return keys.key("staff", "1", world, now)


def _record(actor: str) -> bytes:
    return hashlib.sha256(b"staff\0" + actor.encode()).digest()[:16]
