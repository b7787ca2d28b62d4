"""Opens engines on SQLite and PostgreSQL, and sets up each of their connections.

SQLite: write-ahead log, `synchronous=FULL` (no answer before the data is on disk) and `secure_delete`. Each writing transaction
takes the write lock at its start, so that two can't deadlock by upgrading a read lock. PostgreSQL: psycopg 3, read committed;
callers lock shared rows in sorted order.
"""

from __future__ import annotations

import math
import time
from functools import partial
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from masking.database import fork_guard
from masking.database.engine import DATABASE, has_moved
from masking.errors import SettingsError, not_installed

PING_AFTER = 1.0
"""Seconds after which an idle connection to a server is tested before it is used."""

LOG_KEPT = 16 * 1024 * 1024
"""Bytes of SQLite's write-ahead log that stay on the disk. It has 4 MB in ordinary work, and more while a long reader holds it."""

NETWORK_TIMEOUTS: dict[str, int] = {
    "connect_timeout": 10,
    "tcp_user_timeout": 30_000,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
}
"""How long libpq waits when the network is silent. Without these, a step could hang for as long as the system's defaults."""


def open_engine(url: str, database: str = "", *, wait_for_writers: bool = True) -> Engine:
    """An engine for `sqlite:///path`, `sqlite://` (in memory) or `postgresql+psycopg://...`.

    Args:
        url: the database's address.
        database: its name in faults.
        wait_for_writers: if False, transactions on SQLite raise `BusyError` instead of waiting for another writer.

    Raises:
        SettingsError: the driver for this kind of database is not installed.
        ForkedError: see `fork_guard.register`.
    """
    options: dict[str, Any] = {"hide_parameters": True, "execution_options": {DATABASE: database}}
    if url == "sqlite://":
        # a second connection would be another database, so that threads take turns with one
        options |= {"poolclass": QueuePool, "pool_size": 1, "max_overflow": 0}
        options |= {"connect_args": {"check_same_thread": False}}
    elif not url.startswith("sqlite"):
        options |= {"connect_args": NETWORK_TIMEOUTS}
    try:
        engine = sa.create_engine(url, **options)
    except ImportError as error:
        raise not_installed(error) from error
    if engine.dialect.name != "sqlite":
        event.listen(engine, "checkin", _on_checkin)
        event.listen(engine, "checkout", partial(_ping_on_checkout, engine))
        event.listen(engine, "connect", _disable_prepared_statements_behind_pooler)
        event.listen(engine, "handle_error", _drop_connections_to_moved_server)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _configure_sqlite)
        if not wait_for_writers:
            event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA busy_timeout=0").close())
        event.listen(engine, "begin", _sqlite_begin)
    fork_guard.register(engine)
    return engine


def _on_checkin(_connection: Any, record: Any) -> None:
    record.info["since"] = time.monotonic()


def _ping_on_checkout(engine: Engine, connection: Any, record: Any, _proxy: Any) -> None:
    """Replace an idle connection whose server was restarted, instead of failing with it."""
    if time.monotonic() - record.info.get("since", math.inf) < PING_AFTER:
        return
    try:
        engine.dialect.do_ping(connection)
    except engine.dialect.loaded_dbapi.Error as error:
        raise DisconnectionError from error  # the pool opens another


def _disable_prepared_statements_behind_pooler(connection: Any, _record: Any) -> None:
    """Turn off prepared statements behind a pooler such as pgbouncer, which may change the server process in between.

    A pooler is recognised by the process number: the one that it announces is not that of the server process.
    """
    [(process,)] = connection.execute("SELECT pg_backend_pid()").fetchall()
    connection.commit()
    if process != connection.info.backend_pid:
        connection.prepare_threshold = None


def _drop_connections_to_moved_server(context: ExceptionContext) -> None:
    """Drop all connections to a server that became a standby or is shutting down: the address may name other servers."""
    if has_moved(context.original_exception):
        context.is_disconnect = context.invalidate_pool_on_disconnect = True


def _configure_sqlite(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # `_sqlite_begin` begins them: the driver would take the write lock too late
    for pragma in (
        "busy_timeout=30000",
        "synchronous=FULL",
        "secure_delete=ON",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        f"journal_size_limit={LOG_KEPT}",
    ):
        connection.execute(f"PRAGMA {pragma}").close()
    [(mode,)] = connection.execute("PRAGMA journal_mode=WAL").fetchall()
    if mode not in ("wal", "memory"):
        raise SettingsError(
            f"SQLite can't use a write-ahead log on this disk (journal_mode stays {mode}), so that other processes would read "
            "half-written data. Move the deployment to a local disk"
        )


def _sqlite_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reading") else "BEGIN IMMEDIATE")
