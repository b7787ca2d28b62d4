"""Rows of enrolled people and programs."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor, Level, Role
from masking.crypto.index import person_index
from masking.crypto.seal import open_fields, seal_fields
from masking.errors import InputError
from masking.ledger.log import is_name
from masking.order import Plain
from masking.redact.phones import canonical
from masking.vault import budgets, direct
from masking.vault.engine import among, insert_new
from masking.vault.keystore import KeyStore
from masking.vault.schema import person
from masking.world import World, milliseconds, moment

ACTOR = (person.c.id, person.c.tenant, person.c.role, person.c.unit, person.c.level)
"""The columns that `actor_of` reads, in their order."""

_ACTIVE = sa.select(*ACTOR).where(person.c.id.in_(among("ids")), person.c.active.is_(True))
_REACHABLE = sa.select(person.c.id).where(
    person.c.id.in_(among("ids")), person.c.active.is_(True), person.c.phone.is_not(None)
)


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
    }
    if phone:
        row |= _phone_columns(world, keys, actor, phone, now)
    budgets.create(tx, actor.id)
    return bool(insert_new(tx, person, [row], "id"))


def set_phone(world: World, keys: KeyStore, tx: Connection, actor: Actor, phone: Plain, now: datetime) -> None:
    """Give somebody who is enrolled another verified phone."""
    tx.execute(person.update().where(person.c.id == actor.id).values(_phone_columns(world, keys, actor, phone, now)))


def _phone_columns(world: World, keys: KeyStore, actor: Actor, phone: Plain, now: datetime) -> dict[str, bytes]:
    key = _staff_key(world, keys, now)
    index = caller_index(world, keys, phone, now)
    if index is None:
        raise InputError("phone", "not-a-phone")
    sealed = seal_fields(key, actor.tenant, _record(actor.id), {"phone": phone}, world.entropy)["phone"]
    return {"phone": sealed, "phone_index": index}


def revoke(tx: Connection, ids: Collection[str]) -> None:
    """End enrolments and what belongs to them; the next request of these people is refused, in every worker."""
    unbind(tx, ids)
    tx.execute(person.update().where(person.c.id.in_(ids)).values(active=False))


def is_revoked(tx: Connection, id_: str, tenant: str) -> bool:
    """Whether somebody of this name was enrolled here once, and is no more."""
    query = sa.select(person.c.active).where(person.c.id == id_, person.c.tenant == tenant)
    return tx.execute(query).scalar() is False


def active(tx: Connection, ids: Collection[str]) -> dict[str, Actor]:
    """Those of these people who are enrolled now."""
    names = [id_ for id_ in ids if is_name(id_)]
    return direct.by_key(tx, lambda row: (row[0], actor_of(row)), _ACTIVE, ids=names)


def actor_of(row: Sequence[Any]) -> Actor:
    """The actor in a row that begins with the columns of `ACTOR`."""
    id_, tenant, role, unit, level, *_ = row
    return Actor(id=id_, tenant=tenant, role=Role(role), unit=unit, level=Level(level))


def with_device(tx: Connection, device: bytes) -> Actor | None:
    """Whose device this is, if they are enrolled now; it stays so, and so does their shift, until the transaction ends."""
    query = sa.select(*ACTOR).where(person.c.device == device, person.c.active.is_(True)).with_for_update(read=True)
    row = tx.execute(query).first()
    return actor_of(row) if row else None


def bind(tx: Connection, id_: str, device: bytes, level: Level) -> bool:
    """Make this somebody's one device; False, and nothing is changed, if it is another's, or they are enrolled no more."""
    taken = sa.select(person.c.id).where(person.c.device == device, person.c.id != id_)
    free = ~taken.exists() & (person.c.id == id_) & person.c.active.is_(True)
    return bool(tx.execute(person.update().where(free).values(device=device, level=level.value)).rowcount)


def unbind(tx: Connection, ids: Collection[str]) -> None:
    """Take these people's devices from them; any of those may be enrolled anew."""
    tx.execute(person.update().where(person.c.id.in_(ids)).values(device=None, level=Level.NONE.value))


def set_shift(tx: Connection, id_: str, until: datetime) -> None:
    """Somebody works until then."""
    tx.execute(person.update().where(person.c.id == id_).values(shift_until=milliseconds(until)))


def shift_of(tx: Connection, id_: str) -> datetime | None:
    """Until when somebody works; None if they have never begun."""
    until = tx.execute(sa.select(person.c.shift_until).where(person.c.id == id_)).scalar()
    return None if until is None else moment(until)


def phone_indexes(tx: Connection, ids: Collection[str]) -> dict[str, bytes]:
    """The indexed verified phones of those who have one."""
    query = sa.select(person.c.id, person.c.phone_index).where(person.c.id.in_(ids), person.c.phone_index.is_not(None))
    return {row.id: row.phone_index for row in tx.execute(query)}


def reachable(tx: Connection, ids: Collection[str]) -> set[str]:
    """Those of these people who are enrolled now and have a verified phone."""
    return {row[0] for row in direct.rows(tx, _REACHABLE, ids=list(ids))}


def couriers_at(tx: Connection, indexes: Collection[bytes]) -> dict[bytes, str]:
    """The enrolled couriers whose verified phones have these indexes."""
    query = sa.select(person.c.phone_index, person.c.id).where(
        person.c.phone_index.in_(indexes), person.c.active.is_(True), person.c.role == Role.COURIER.value
    )
    return {row.phone_index: row.id for row in tx.execute(query)}


def open_phone(world: World, keys: KeyStore, tx: Connection, actor: str, now: datetime) -> Plain:
    """The verified phone of one who is `reachable`, for the switch to ring."""
    row = tx.execute(sa.select(person.c.tenant, person.c.phone).where(person.c.id == actor)).one()
    return open_fields(_staff_key(world, keys, now), row.tenant, _record(actor), {"phone": row.phone})["phone"]


def caller_index(world: World, keys: KeyStore, phone: Plain, now: datetime) -> bytes | None:
    """The index under which a staff member's phone is recognised as a caller; None for no phone, as of a hidden caller."""
    number = canonical(phone.reveal())
    return person_index(_staff_key(world, keys, now), number) if number else None


def _staff_key(world: World, keys: KeyStore, now: datetime) -> bytes:
    return keys.key("staff", "1", world, now)


def _record(actor: str) -> bytes:
    return hashlib.sha256(b"staff\0" + actor.encode()).digest()[:16]
