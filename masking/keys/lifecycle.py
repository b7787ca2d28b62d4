"""Rotates, revokes and destroys keys, for the nightly run and `waybill keys`.

An online key ends in three steps. `revoke` stops it from wrapping new keys. `refresh` moves its wraps to today's key, in batches
of one transaction each, so that an interrupted run can continue. `destroy` deletes it, and refuses while a wrap still needs it.
The waybill keys themselves do not change, and no field is opened.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.crypto import archive
from masking.crypto.keys import DayWrapper, KeySource
from masking.database.engine import reading, transaction, truncate_log
from masking.database.key_schema import stored_key, wrap
from masking.errors import IntegrityError, RefusedError
from masking.keys import root_record
from masking.keys.keystore import DAY_KEYS, Generation, KeyStore
from masking.runtime import World, day_of, milliseconds, week_of
from masking.words.reasons import Reason

ONLINE_LIVES = timedelta(days=30)
"""An online key and the person index of its day are deleted at most this long after their day."""
BATCH = 1000
"""How many wraps `refresh` moves in one transaction."""


class KeyLine(NamedTuple):
    """One line of the list of keys. It never holds the key itself."""

    purpose: str
    name: str
    state: str
    created: int
    wraps: int


def listing(keys: KeyStore) -> list[KeyLine]:
    """The name and state of every key, and how many wraps need it.

    The states are `live`, `revoked` (opens old wraps, makes no new ones), `archived` (only the offline key opens it) and
    `dead`.
    """
    table = stored_key
    with reading(keys.engine) as tx:
        rows = tx.execute(sa.select(table).order_by(table.c.purpose, table.c.created, table.c.name)).all()
        online = _counts(tx, wrap.c.online_key, wrap.c.online.is_not(None))
        archived = _counts(tx, wrap.c.archive_key)
    lines = []
    for row in rows:
        state = "dead" if row.archived is None else "archived"
        if row.wrapped is not None:
            state = "live" if row.revoked is None else "revoked"
        wraps = {"online": online, "archive": archived}.get(row.purpose, {}).get(row.name, 0)
        lines.append(KeyLine(row.purpose, row.name, state, row.created, wraps))
    return lines


def rotate(keys: KeyStore, purpose: str, world: World, now: datetime) -> str:
    """Make a new `online`, `archive` or `label` key, used from now on. Returns its name. Earlier keys still open what they made."""
    name = keys.next_name(purpose, day_of(now) if purpose in DAY_KEYS else "")
    keys.key(purpose, name, world, now, size=64 if purpose == "label" else 32)
    return name


def new_offline(keys: KeyStore) -> tuple[str, bytes]:
    """Make a new offline key. Returns its name and its private half, which is not stored. It is not yet in use."""
    return keys.next_name("offline"), archive.generate()[0]


def use_offline(keys: KeyStore, name: str, private: bytes, world: World, now: datetime) -> None:
    """Use an offline key from now on: the archive keys of new days are sealed to it."""
    keys.put("offline", name, archive.public_half(private), world, now)


def rewrap_root(keys: KeyStore, source: KeySource, world: World) -> int:
    """Wrap every key with another root, in one transaction. From then on only that root opens the store.

    Returns:
        The number of keys.

    Raises:
        IntegrityError: a key does not open with the old root, or then with the new one. Nothing was changed.
    """
    table = stored_key
    with transaction(keys.engine) as tx:
        keys.lock_root(tx, world, alone=True)
        rows = tx.execute(sa.select(table).where(table.c.wrapped.is_not(None)).with_for_update()).all()
        for row in rows:
            name = f"{row.purpose}/{row.name}"
            key = keys.source.unwrap(name, row.wrapped)
            wrapped = source.wrap(name, key, world.entropy)
            if source.unwrap(name, wrapped) != key:
                raise IntegrityError(
                    f"the new root does not open the key {name} that it wrapped. Nothing was changed: the old root is still in use"
                )
            _set(tx, row.purpose, [row.name], wrapped=wrapped)
        root_record.record(tx, root_record.named(source, world))
    keys.source = source
    keys.forget()
    truncate_log(keys.engine)
    return len(rows)


def unopened(keys: KeyStore) -> list[str]:
    """The keys that the current root does not open, as purpose/name."""
    query = sa.select(stored_key.c.purpose, stored_key.c.name).where(stored_key.c.wrapped.is_not(None))
    with reading(keys.engine) as tx:
        live = tx.execute(query.order_by(stored_key.c.purpose, stored_key.c.name)).all()
    keys.forget()
    return [f"{purpose}/{name}" for purpose, name in live if not _opens(keys, purpose, name)]


def _opens(keys: KeyStore, purpose: str, name: str) -> bool:
    try:
        keys.existing(purpose, name)
    except IntegrityError:
        return False
    return True


def revoke(keys: KeyStore, purpose: str, name: str, now: datetime) -> None:
    """Revoke a key. An online key wraps no new keys, and the codes of a label key are refused at once.

    Other keys, older ones included, stay valid. This process drops the key from memory at once, other workers do within
    `keystore.MEMORY`.

    Raises:
        RefusedError: there is no such key, or its purpose can't be revoked.
    """
    if purpose not in {"online", "label"} or keys.existing(purpose, name) is None:
        raise RefusedError(Reason.NO_SUCH_KEY)
    values = {"revoked": milliseconds(now)}
    with transaction(keys.engine) as tx:
        _set(tx, purpose, [name], **values)
        if purpose == "label":
            _set(tx, purpose, [name], wrapped=None, died=milliseconds(now))
    keys.forget()
    truncate_log(keys.engine)


def count_wraps(keys: KeyStore, names: Collection[str]) -> int:
    """How many online wraps need these keys."""
    query = sa.select(sa.func.count()).where(wrap.c.online_key.in_(names), wrap.c.online.is_not(None))
    with reading(keys.engine) as tx:
        return int(tx.execute(query).scalar_one())


def refresh(
    keys: KeyStore, names: Collection[str], world: World, now: datetime, *, batch: int = BATCH
) -> Iterator[int]:
    """Move the online wraps of these keys to today's key. Yields the number of wraps moved by each committed batch.

    Each wrap stays bound to its tenant, record and generation, and is at any time wrapped by one of the two keys. A wrap that
    does not open is left, and its old key can't be destroyed then.

    Raises:
        IntegrityError: one of these keys is missing or does not open.
        RefusedError: today's key is one of these. Revoke it first.
    """
    for name in sorted(names):
        last = Generation(b"", 0)
        while page := _move(keys, name, world, now, last, batch):
            last = page.last
            yield page.moved
    truncate_log(keys.engine)


def remaining_wraps(keys: KeyStore, names: Collection[str]) -> list[tuple[str, bytes]]:
    """(online key, waybill) of every wrap that needs one of these keys. After `refresh`, only damaged wraps are left."""
    query = sa.select(wrap.c.online_key, wrap.c.waybill).where(wrap.c.online_key.in_(names), wrap.c.online.is_not(None))
    with reading(keys.engine) as tx:
        return [(row[0], row[1]) for row in tx.execute(query.order_by(wrap.c.waybill))]


class _Page(NamedTuple):
    """The result of one batch: how many wraps were moved, and which one was the last."""

    moved: int
    last: Generation


def _move(keys: KeyStore, name: str, world: World, now: datetime, after: Generation, batch: int) -> _Page | None:
    target, key = keys.day_name("online", world, now), keys.existing("online", name)
    if target == name:
        raise RefusedError(Reason.KEY_IN_USE)
    new = DayWrapper("online", target, keys.key("online", target, world, now))
    query = (
        sa.select(wrap.c.waybill, wrap.c.generation, wrap.c.tenant, wrap.c.online)
        .where(wrap.c.online_key == name, wrap.c.online.is_not(None))
        .where(sa.tuple_(wrap.c.waybill, wrap.c.generation) > sa.tuple_(*after))
        .order_by(wrap.c.waybill, wrap.c.generation)
        .limit(batch)
        .with_for_update()
    )
    with transaction(keys.engine) as tx:
        rows = tx.execute(query).all()
        if not rows:
            return None
        if key is None:
            raise IntegrityError("the online key of some wraps is missing. Restore a copy of the key store that has it")
        old = DayWrapper("online", name, key)
        moved = []
        for waybill, number, tenant, blob in rows:
            try:
                opened = old.unwrap(tenant, waybill, number, blob)
            except IntegrityError:
                continue
            moved.append(
                {"of": waybill, "nr": number, "blob": new.wrap(tenant, waybill, number, opened, world.entropy)}
            )
        statement = (
            wrap.update()
            .where(wrap.c.waybill == sa.bindparam("of"), wrap.c.generation == sa.bindparam("nr"))
            .values(online=sa.bindparam("blob"), online_key=target)
        )
        if moved:
            tx.execute(statement, moved)
        return _Page(len(moved), Generation(rows[-1].waybill, rows[-1].generation))


def close_days(keys: KeyStore, days: Collection[str], now: datetime) -> None:
    """Delete the usable copies of these days' archive keys, so that only the offline key opens them."""
    with transaction(keys.engine) as tx:
        _set(tx, "archive", days, wrapped=None, died=milliseconds(now))
    keys.forget()
    truncate_log(keys.engine)


def destroy(keys: KeyStore, purpose: str, name: str, now: datetime) -> None:
    """Delete an `online`, `archive` or `offline` key for good, and the sealed copy of an archive key.

    The private half of an offline key is not stored here. Destroy its file, too, so that it opens no archive in an old backup.

    Raises:
        RefusedError: there is no such key, or a waybill still needs it.
    """
    wrapped_by_it = {
        "online": sa.select(wrap.c.waybill).where(wrap.c.online_key == name, wrap.c.online.is_not(None)),
        "archive": sa.select(wrap.c.waybill).where(wrap.c.archive_key == name),
        "offline": sa.select(wrap.c.waybill)
        .join(stored_key, (stored_key.c.purpose == "archive") & (stored_key.c.name == wrap.c.archive_key))
        .where(stored_key.c.sealed_to == name),
    }[purpose]
    with transaction(keys.engine) as tx:
        found = tx.execute(sa.select(stored_key.c.name).where(*_named(purpose, [name])).with_for_update()).first()
        if found is None:
            raise RefusedError(Reason.NO_SUCH_KEY)
        if tx.execute(wrapped_by_it.limit(1)).first():
            raise RefusedError(Reason.KEY_STILL_NEEDED)
        _set(tx, purpose, [name], wrapped=None, archived=None, died=milliseconds(now))
    keys.forget()
    truncate_log(keys.engine)


def archive_keys_due(keys: KeyStore, now: datetime) -> list[str]:
    """The past days whose archive keys still have a usable copy, for `close_days`."""
    today = day_of(now - timedelta(hours=1))  # a batch that began before midnight may not be committed yet
    keys.forget()
    return [day for day in keys.names("archive") if day < today]


def due_online(keys: KeyStore, now: datetime) -> list[str]:
    """The online keys that are too old or revoked. Refresh them, then destroy them."""
    last = day_of(now - ONLINE_LIVES)
    table = stored_key
    over = sa.or_(table.c.name < last, table.c.revoked.is_not(None))
    query = sa.select(table.c.name).where(table.c.purpose == "online", table.c.wrapped.is_not(None), over)
    with reading(keys.engine) as tx:
        return sorted(tx.execute(query).scalars())


def forget_indexes(keys: KeyStore, now: datetime) -> int:
    """Delete the rows of expired index keys: person keys older than `ONLINE_LIVES`, merge keys of past weeks.

    Returns how many.
    """
    table, last, week = stored_key, day_of(now - ONLINE_LIVES), week_of(now - timedelta(hours=1))
    with transaction(keys.engine) as tx:
        merge = [name for name in tx.execute(_names_of("merge")).scalars() if name.rsplit(":", 1)[-1] < week]
        gone = tx.execute(table.delete().where(table.c.purpose == "person", table.c.name < last)).rowcount
        gone += tx.execute(table.delete().where(*_named("merge", merge))).rowcount
    keys.forget()
    truncate_log(keys.engine)
    return gone


def _names_of(purpose: str) -> sa.Select[str]:
    return sa.select(stored_key.c.name).where(stored_key.c.purpose == purpose)


def _named(purpose: str, names: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    return stored_key.c.purpose == purpose, stored_key.c.name.in_(names)


def _set(tx: Connection, purpose: str, names: Collection[str], **values: object) -> None:
    tx.execute(stored_key.update().where(*_named(purpose, names)).values(values))


def _counts(tx: Connection, column: sa.Column[str], *which: sa.ColumnElement[bool]) -> dict[str, int]:
    rows = tx.execute(sa.select(column, sa.func.count()).where(*which).group_by(column))
    return {row[0]: row[1] for row in rows}
