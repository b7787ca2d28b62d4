"""Backs up and restores the two databases, so that destroyed data stays destroyed.

If old data is restored, no key opens the rows of destroyed waybills, and they are cleared again. If an old key store is
restored, the list of destructions is completed from the tombstones in the data, and the copy can't be opened before that. A copy
of the key store is valid for 24 hours, which certificates of destruction rely on. If both databases are restored to a time
before a destruction, only the expiry of the key copy protects the destroyed data.
"""

from __future__ import annotations

import hmac
import os
import sqlite3
from collections.abc import Collection, Iterator
from contextlib import closing, contextmanager
from datetime import datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Engine
from sqlalchemy.pool import StaticPool

from masking.crypto.encoding import framed
from masking.crypto.keys import KeySource
from masking.crypto.rowmac import copy_mac, framed_value
from masking.database import fork_guard, key_schema, schema
from masking.database.connections import open_engine
from masking.database.engine import insert_new, reading, transaction, truncate_log
from masking.database.key_schema import KEYS_HEAD, backup, destruction, wrap
from masking.database.migrating import migrate
from masking.database.schema import waybill
from masking.database.schema_check import check_schema
from masking.errors import RefusedError, SettingsError
from masking.journal import journal
from masking.keys.keystore import ROW_KEY, KeyStore
from masking.runtime import World, milliseconds, moment
from masking.store.store import Store
from masking.upkeep.unfinished import finish_destructions
from masking.upkeep.unopened import active_pages
from masking.values.states import KEY_BACKUPS_LIVE, State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

BATCH = 1000
"""How many waybills one transaction replays."""

OVERLAP = timedelta(seconds=10)
"""Longer than workers' clocks differ and transactions last: a copy with the last destruction has all that are this much older."""


class Reconciled(NamedTuple):
    """How many destructions were replayed on the keys, and how many rows were cleared again from the data."""

    replayed: int
    cleared: int


def back_up(engine: Engine, target: Path, now: datetime, *, keys: KeyStore | None = None) -> None:
    """Copy an SQLite database in use to a new file of mode 0600. A copy of the key store gets its time, with a MAC.

    Raises:
        SettingsError: the database is not SQLite (PostgreSQL has its own tools), the target exists, or the disk is full. An
            incomplete copy is deleted.
        OSError: the target can't be created.
    """
    if engine.dialect.name != "sqlite":
        raise SettingsError(
            "only SQLite is copied here. Use pg_dump for each database, and keep the dump of the keys apart, for 24 hours"
        )
    with fork_guard.connected(engine) as connection, _filling(target) as copy:
        connection.connection.driver_connection.backup(copy)  # type: ignore[union-attr]
        if keys:
            key, at = keys.existing(*ROW_KEY), milliseconds(now)
            if key is None:
                raise SettingsError("the key store has no key for the MAC of a copy. Restore a copy of the key store")
            with copy:
                copy.execute("INSERT INTO backup VALUES (?, ?)", (at, copy_mac(key, at, _content(copy))))
        copy.execute("PRAGMA journal_mode=DELETE").close()  # so that the copy is one file, without a log


@contextmanager
def _filling(target: Path) -> Iterator[sqlite3.Connection]:
    """A new database file of mode 0600. It is deleted if the block raises."""
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError as error:
        raise SettingsError(f"{target.name} exists, and copies are never overwritten. Name another file") from error
    try:
        with closing(sqlite3.connect(target)) as place:
            yield place
    except BaseException as error:
        target.unlink()
        if isinstance(error, sqlite3.Error):
            raise SettingsError(f"{target.name} could not be written completely: {error}") from error
        raise


def _content(copy: sqlite3.Connection) -> bytes:
    """A digest of a copy of the keys, without the time when it was made (FORMAT.md section 11)."""
    digest = sha256()
    for name, table in sorted(key_schema.keys.tables.items()):
        if table is not backup:
            digest.update(framed(name, ",".join(table.columns.keys())))
            query = sa.select(table).order_by(*table.primary_key.columns).compile(dialect=sqlite.dialect())
            for row in copy.execute(str(query)):
                digest.update(b"".join(map(framed_value, row)))
    return digest.digest()


def _made_at(copy: sqlite3.Connection, root: KeySource) -> datetime | None:
    """When a copy of the keys was made, None if its MAC is wrong.

    Raises:
        IntegrityError: the root does not open its keys.
    """
    marks = copy.execute("SELECT at, mac FROM backup").fetchall()
    wrapped = copy.execute("SELECT wrapped FROM stored_key WHERE purpose = ? AND name = ?", ROW_KEY).fetchone()
    if len(marks) != 1 or not wrapped:
        return None
    [(at, mac)] = marks
    made = copy_mac(root.unwrap("/".join(ROW_KEY), wrapped[0]), at, _content(copy))
    return moment(at) if isinstance(mac, bytes) and hmac.compare_digest(mac, made) else None


def copied_at(engine: Engine) -> datetime | None:
    """When this key store was copied. None unless it is a copy that was not restored by `restore_keys`."""
    with reading(engine) as tx:
        found = tx.execute(sa.select(sa.func.max(backup.c.at))).scalar()
    return None if found is None else moment(found)


def restore_data(copy: Path, data_url: str) -> None:
    """Restore a copy of the data. The next start clears what was destroyed since the copy was made.

    Raises:
        SettingsError: there is a database already, the file is not a copy of one, or its schema is foreign.
    """
    with _restoring(copy, data_url, "data", schema.data):
        pass


def restore_keys(copy: Path, keys_url: str, data: Engine, root: KeySource, now: datetime, *, losing: int = 0) -> int:
    """Restore a copy of the key store, and replay the destructions since it was made. Returns how many there were.

    Raises:
        SettingsError: there is a key store already, the file is not a copy of one, its schema is foreign, or it lacks the
            keys of more than `losing` active waybills.
        RefusedError: the copy is older than 24 hours, and should have been deleted.
        IntegrityError: the copy belongs to another root.
    """
    with _restoring(copy, keys_url, "keys", key_schema.keys) as source:
        made = _made_at(source, root)
        if made is None:
            raise SettingsError(
                f"{copy.name} is not as `waybill backup keys` made it: its time has no valid MAC. Use another copy"
            )
        if made < now - KEY_BACKUPS_LIVE:
            raise RefusedError(Reason.BACKUP_TOO_OLD)
        lacking = _lacking(source, data)
        if lacking > losing:
            raise SettingsError(
                f"{copy.name} lacks the keys of {lacking} active waybills, which were made or amended after it: no one could open "
                f"them. Use a newer copy, or accept the loss with --lose {lacking}"
            )
    engine = open_engine(keys_url)
    migrate(engine, "keys", KEYS_HEAD)
    replayed = _replay(engine, data, _ids(data, _tombstones(waybill.c.id)), now)
    away = _ids(data, sa.select(waybill.c.id).where(waybill.c.state == State.SEALED_AWAY.value))
    for some in _batches(away):  # they may have been sealed away since the copy was made
        with transaction(engine) as tx:
            tx.execute(wrap.update().where(wrap.c.waybill.in_(some)).values(online=None))
    truncate_log(engine)
    with transaction(engine) as tx:
        tx.execute(backup.delete())
    fork_guard.close(engine)
    return replayed


def _lacking(copy: sqlite3.Connection, data: Engine) -> int:
    """How many active waybills this copy of the keys could not open."""
    lacking = 0
    for page in active_pages(data):
        marks = ", ".join("?" * len(page))
        query = f"SELECT waybill, generation FROM wrap WHERE online IS NOT NULL AND waybill IN ({marks})"  # noqa: S608
        lacking += len(set(page) - set(copy.execute(query, [each.waybill for each in page])))
    return lacking


@contextmanager
def _restoring(copy: Path, url: str, name: str, metadata: sa.MetaData) -> Iterator[sqlite3.Connection]:
    """Open a copy and check its schema. When the block ends without an exception, the copy becomes the database."""
    if not url.startswith("sqlite:///"):
        raise SettingsError(
            "only SQLite is restored here. Restore the dump of PostgreSQL, then start the service, which replays destructions"
        )
    target = Path(sa.make_url(url).database or "")
    if target.exists():
        raise SettingsError(f"{target.name} is there; move it away first")
    with closing(sqlite3.connect(f"{copy.absolute().as_uri()}?mode=ro", uri=True)) as source:
        try:
            names = {row[0] for row in source.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
        except sqlite3.DatabaseError:
            names = set()
        if not names & metadata.tables.keys():
            raise SettingsError(f"{copy.name} is not a copy of {target.name}")
        # before it is in place: what a foreign trigger did at the first opening could not be undone
        check_schema(sa.create_engine("sqlite://", creator=lambda: source, poolclass=StaticPool), metadata, name)
        yield source
        with _filling(target) as place:  # empty at first, so that SQLite discards an old log of the lost database
            source.backup(place)


def reconcile(world: World, store: Store, *, thorough: bool = False) -> Reconciled:
    """Make the two databases agree on what is destroyed. Every start calls it.

    A start compares only the last destructions, in the same time however many there are. `thorough` counts all of them, as the
    nightly run does, and so also finds a destruction that was recorded while the clock was set back.

    Raises:
        SettingsError: the key store is a copy that was not restored by `restore_keys`.
    """
    now = world.now()
    copied = copied_at(store.keys.engine)
    if copied:
        raise SettingsError(f"this key store is a copy of {copied:%Y-%m-%d %H:%M} UTC: use `waybill restore keys`")
    replayed = 0
    data, keys = (store.data, waybill.c.destroyed), (store.keys.engine, destruction.c.at)
    known = _counted if thorough else _latest
    if known(*data) != known(*keys):
        gone, listed = (
            _ids(store.data, _tombstones(waybill.c.id)),
            _ids(store.keys.engine, sa.select(destruction.c.waybill)),
        )
        replayed = _replay(store.keys.engine, store.data, gone - listed, now)
        for some in _batches(listed - gone):
            with transaction(store.keys.engine) as tx:
                tx.execute(destruction.update().where(destruction.c.waybill.in_(some)).values(finished=None))
    cleared = finish_destructions(world, store)
    if replayed:
        with store.transaction() as tx:
            journal.append(tx, [store.leaf(world, now, LedgerKind.REPLAY, "start", count=str(replayed))])
    return Reconciled(replayed, cleared)


def _tombstones(*columns: sa.ColumnElement[Any]) -> sa.Select[Any]:
    return sa.select(*columns).where(waybill.c.state == State.DESTROYED.value)


def _counted(engine: Engine, at: sa.Column[int]) -> tuple[Any, ...]:
    """The number of destructions in a database and the time of the last. Both databases agree, except after a restore."""
    with reading(engine) as tx:
        return tuple(tx.execute(sa.select(sa.func.count(at), sa.func.max(at))).one())


def _latest(engine: Engine, at: sa.Column[int]) -> tuple[Any, ...]:
    """The time of the last destruction in a database, and the number of those within `OVERLAP` before it."""
    with reading(engine) as tx:
        last = tx.execute(sa.select(sa.func.max(at)).where(at.is_not(None))).scalar()
        if last is None:
            return None, 0
        since = at > last - OVERLAP // timedelta(milliseconds=1)
        return last, tx.execute(sa.select(sa.func.count()).select_from(at.table).where(since)).scalar_one()


def _ids(engine: Engine, query: sa.Select[Any]) -> set[bytes]:
    with reading(engine) as tx:
        return set(tx.execute(query).scalars())


def _replay(keys: Engine, data: Engine, missing: Collection[bytes], now: datetime) -> int:
    """Delete the wraps of waybills that are tombstones in the data, and add them to the list. Returns how many were new."""
    new = 0
    for some in _batches(missing):
        columns = (waybill.c.id, waybill.c.destroyed, waybill.c.destroy_reason)
        with reading(data) as tx:
            rows = tx.execute(_tombstones(*columns).where(waybill.c.id.in_(some))).all()
        listed = [
            {"waybill": id_, "at": at, "actor": "replay", "reason": reason, "finished": milliseconds(now)}
            for id_, at, reason in rows
        ]
        with transaction(keys) as tx:
            new += len(insert_new(tx, destruction, listed))
            tx.execute(wrap.delete().where(wrap.c.waybill.in_(some)))
    truncate_log(keys)
    return new


def _batches(records: Collection[bytes]) -> Iterator[list[bytes]]:
    ordered = sorted(records)
    return (ordered[start : start + BATCH] for start in range(0, len(ordered), BATCH))
