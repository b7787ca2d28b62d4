"""Opens the two databases, and runs transactions on them.

SQLite: write-ahead log, `synchronous=FULL` (an answer is never faster than the disk), `secure_delete`, and every
transaction takes the write lock at its start, so that two never deadlock while upgrading. PostgreSQL: psycopg 3,
read committed, shared rows locked in sorted order by the callers. Strangers' exceptions end here, as `UnavailableError`.
"""

from __future__ import annotations

import math
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache, partial
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.exc import DataError, DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from masking.database import fork_guard
from masking.database.causes import AWAY, ENDING, READ_ONLY, fault_of, sqlstate
from masking.errors import BusyError, InputError, SettingsError, StoreFault, UnavailableError, not_installed
from masking.runtime import moment

MIGRATIONS = Path(__file__).parent / "migrations"

IDLE = 1.0
"""Seconds after which a connection to a server is asked whether it is still one."""

PATIENCE: dict[str, int] = {
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""How long libpq waits for a network that has fallen silent; without these, a step could hang for as long as the system likes."""

_BUSY = frozenset({sqlite3.SQLITE_BUSY, "55P03", "57014"})
"""SQLite's code for another writer; PostgreSQL's for a lock not to be had in time, and for a statement that took too long."""

_DATABASE = "waybill_database"
_SERVER_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

_MANY = re.compile("too many SQL variables|number of parameters must be")
"""What SQLite says of more than 32,766 values in a statement, and psycopg of more than 65,535."""


def open_engine(url: str, database: str = "", *, patient: bool = True) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory) or `postgresql+psycopg://...`.

    `database` is its name in faults. One of SQLite that is not `patient` waits for no other writer: its transactions raise
    `BusyError`.

    Raises:
        SettingsError: what talks to such a server is not installed.
        ForkedError: see `forks.register`.
    """
    options: dict[str, Any] = {"hide_parameters": True, "execution_options": {_DATABASE: database}}
    if url == "sqlite://":
        # one connection, since a second one would be another database; who comes second waits
        options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        options |= {"connect_args": {"check_same_thread": False}}
    elif not url.startswith("sqlite"):
        options |= {"connect_args": PATIENCE}
    try:
        engine = sa.create_engine(url, **options)
    except ImportError as error:
        raise not_installed(error) from error
    if engine.dialect.name != "sqlite":
        event.listen(engine, "checkin", _on_checkin)
        event.listen(engine, "checkout", partial(_ping_on_checkout, engine))
        event.listen(engine, "connect", _prepares_nothing_through_a_pooler)
        event.listen(engine, "handle_error", _leaves_a_server_that_changed)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _sqlite_settings)
        if not patient:
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0").close())
        event.listen(engine, "begin", _sqlite_begin)
    fork_guard.register(engine)
    return engine


def _on_checkin(_connection: Any, record: Any) -> None:
    record.info["since"] = time.monotonic()


def _ping_on_checkout(engine: Engine, connection: Any, record: Any, _proxy: Any) -> None:
    """A server that was restarted while a connection had nothing to do is no error; asked only after a second of that."""
    if time.monotonic() - record.info.get("since", math.inf) < IDLE:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error  # the pool makes another


def _prepares_nothing_through_a_pooler(connection: Any, _record: Any) -> None:
    """A pooler such as pgbouncer may give each transaction another server process, which knows no prepared statement.

    It can be told by the number of the process: the pooler makes one up when it answers for the server.
    """
    [(process,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
    connection.commit()
    if process != connection.info.backend_pid:
        connection.prepare_threshold = None


def _leaves_a_server_that_changed(context: ExceptionContext) -> None:
    """Connections to a server that became a standby, or is about to end, are no good; the address may name others."""
    if has_moved(context.original_exception):
        context.is_disconnect = context.invalidate_pool_on_disconnect = True


def has_moved(error: BaseException | None) -> bool:
    """Whether an error says that writes go to another server now, or will."""
    return sqlstate(error) in {READ_ONLY, *ENDING}


def _sqlite_settings(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin transactions ourselves; the driver's own habit is too late a lock
    for pragma in (
        "busy_timeout=30000",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
    if mode not in ("wal", "memory"):
        raise SettingsError(
            f"SQLite can't keep a write-ahead log where this database is (journal_mode stays {mode}). Move the deployment to a "
            "local disk: other processes would read half of what is written"
        )


def _sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")


def migrate(engine: Engine, metadata: str, head: str) -> None:
    """Bring the schema to `head`; `metadata` is "data" or "keys". Alembic is imported only if there is work to do.

    Raises:
        SettingsError: the database can't be written, or is of a newer version than this program.
        UnavailableError: its server is away.
    """
    try:
        with fork_guard.connected(engine) as connection:
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        fault = _fault(error, engine)
        if fault.cause in AWAY and engine.dialect.name != "sqlite":
            raise UnavailableError(
                f"the server of the {metadata} database can't be used now ({fault.cause}). Start it, then try again",
                fault=fault,
            ) from _quiet(error)
        found = None
    if found == head:
        return
    from alembic import command  # noqa: PLC0415  a tenth of a second that only the first start pays
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / metadata))
    config.set_main_option("path_separator", "os")
    try:
        with fork_guard.connected(engine) as connection, _alembic_lock(), connection.begin():
            advisory_lock(connection, "migrate")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise SettingsError(f"the {metadata} database is of another version than this program") from error
    except SQLAlchemyError as error:
        raise SettingsError(f"the {metadata} database can't be opened for writing") from error


@cache
def _alembic_lock() -> threading.Lock:
    """Alembic keeps what it is working on in module globals, so threads take turns.

    It is taken inside a use of an engine, which a fork waits for, so that no child inherits it locked.
    """
    return threading.Lock()


def advisory_lock(connection: Connection, work: str) -> None:
    """Wait until no other transaction is at work that asked for the same; SQLite's transactions are alone as it is."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(work.encode()[:7], "big")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


@contextmanager
def transaction(engine: Engine, entry: Callable[[Connection], None] | None = None) -> Iterator[Connection]:
    """One transaction: committed when the block ends well, rolled back when it does not. It begins with `entry`.

    Raises:
        BusyError: the engine is not patient, and this would take time; nothing was kept.
        InputError: a value is of a kind that no database keeps; or there are more values than it takes in a statement.
        UnavailableError: the database refused, or the outcome of the commit is not known. Nothing may be revealed.
    """
    begun = False
    try:
        with fork_guard.connected(engine) as connection, connection.begin():
            begun = True
            try:
                if entry:
                    entry(connection)
                yield connection
            except DBAPIError as error:
                if error.connection_invalidated:
                    raise
                quiet = _quiet(error)
                if _would_wait(error):
                    raise BusyError(
                        "the store did not do this in time; nothing was kept", undone=True, fault=_fault(error, engine)
                    ) from quiet
                if isinstance(error, DataError):
                    raise InputError("request", "not-storable") from quiet
                if _MANY.search(str(error.orig)):
                    raise InputError("requests", "too-many-at-once") from quiet
                raise UnavailableError(
                    "the store refused this; nothing was kept or revealed", undone=True, fault=_fault(error, engine)
                ) from quiet
    except SQLAlchemyError as error:
        busy = not begun and _would_wait(error)
        kind = BusyError if busy else UnavailableError
        message = "the store could not take this now; nothing was revealed"
        raise kind(message, undone=busy, fault=_fault(error, engine)) from _quiet(error)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A look at one committed state, which waits for no writer and which no writer waits for. Nothing is kept.

    Raises:
        BusyError: the engine is not patient, and this would take time.
        UnavailableError: the database refused.
    """
    server = engine.dialect.name == "postgresql"  # there each statement sees what is committed, in a transaction or not
    options = {"isolation_level": "AUTOCOMMIT"} if server else {"reading": True}
    try:
        with fork_guard.connected(engine, **options) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        busy = _would_wait(error)
        kind = BusyError if busy else UnavailableError
        raise kind("the store could not answer this now", undone=busy, fault=_fault(error, engine)) from _quiet(error)


def streaming(engine: Engine, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    """The rows of a query, as they are asked for: of one committed state, and never all of them in memory.

    Raises:
        UnavailableError: the database refused.
    """
    try:
        with fork_guard.connected(engine, reading=True) as connection:  # a server streams in a transaction alone
            yield from connection.execute(query, execution_options={"yield_per": 1000})
    except SQLAlchemyError as error:
        raise UnavailableError("the store could not answer this now", fault=_fault(error, engine)) from _quiet(error)


def _would_wait(error: SQLAlchemyError) -> bool:
    """Whether a database says that it would have to wait, or has waited as long as it was to."""
    said = getattr(error, "orig", None)
    return getattr(said, "sqlite_errorcode", getattr(said, "sqlstate", None)) in _BUSY


def _fault(error: SQLAlchemyError, engine: Engine) -> StoreFault:
    return fault_of(error, str(engine.get_execution_options().get(_DATABASE, "")))


def _quiet(error: SQLAlchemyError) -> Exception:
    """The driver's message without statement and parameters, which could hold values."""
    return RuntimeError(
        type(error).__name__ + ": " + str(getattr(error, "orig", "")).split("\n", 1)[0].split("DETAIL")[0]
    )


def in_list(name: str) -> sa.BindParameter[Any]:
    """A place for a collection of values in a statement that is built once, for `column.in_(...)`."""
    return sa.bindparam(name, expanding=True)


def insert_new(connection: Connection, table: sa.Table, rows: list[dict[str, Any]], *key: str) -> list[tuple[Any, ...]]:
    """Insert rows whose `key` is not taken; the primary keys of those that went in. Conflicts are answers, not errors."""
    if not rows:
        return []
    result = connection.execute(_insert_new(connection.dialect.name, table, key), rows)
    return [tuple(row) for row in result]


@cache
def _insert_new(dialect: str, table: sa.Table, key: tuple[str, ...]) -> sa.Insert:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(table).on_conflict_do_nothing(index_elements=key or None)
    return statement.returning(*table.primary_key.columns)


def server_time(tx: Connection) -> datetime | None:
    """The present by the clock of the database's server; None for SQLite, which has none of its own."""
    if tx.dialect.name != "postgresql":
        return None
    return moment(tx.exec_driver_sql(_SERVER_TIME).scalar_one())


def truncate_log(engine: Engine) -> None:
    """SQLite: write the log back and cut it to nothing, so that deleted wraps don't live on in it."""
    if engine.dialect.name == "sqlite":
        with fork_guard.connected(engine) as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                connection.rollback()
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
