"""Transactions on the two databases, and statements that both kinds of database need written differently.

No exception of SQLAlchemy or a driver leaves this module: callers get `UnavailableError`, `BusyError` or `InputError`, without
statements and parameters, which could hold personal data.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, SQLAlchemyError

from masking.database import fork_guard
from masking.database.causes import ENDING, READ_ONLY, fault_of, sqlstate
from masking.errors import BusyError, InputError, StoreFault, UnavailableError
from masking.runtime import moment
from masking.words.request_rules import RequestRule

_BUSY = frozenset({sqlite3.SQLITE_BUSY, "55P03", "57014"})
"""SQLite's code for a lock of another writer. PostgreSQL's SQLSTATEs for a lock timeout and a statement timeout."""

DATABASE = "waybill_database"
"""The execution option that holds an engine's name in faults."""

_SERVER_TIME = "SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint"

_TOO_MANY_VALUES = re.compile("too many SQL variables|number of parameters must be")
"""The errors of SQLite for more than 32,766 values in a statement, and of psycopg for more than 65,535."""


def has_moved(error: BaseException | None) -> bool:
    """Whether an error means that another server takes the writes now, or soon will."""
    return sqlstate(error) in {READ_ONLY, *ENDING}


def advisory_lock(connection: Connection, work: str) -> None:
    """Take the transaction-scoped advisory lock named `work` (PostgreSQL). No-op on SQLite, which has a single writer."""
    if connection.dialect.name == "postgresql":
        number = int.from_bytes(work.encode()[:7], "big")
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(number)))


@contextmanager
def transaction(engine: Engine, entry: Callable[[Connection], None] | None = None) -> Iterator[Connection]:
    """A transaction: committed when the block ends, rolled back if it raises. Calls `entry` first.

    Raises:
        BusyError: a lock or statement took too long, or the engine does not wait for writers. Nothing was stored.
        InputError: a value can't be stored (such as a string with a null character), or a statement has too many values.
        UnavailableError: the database failed, or the outcome of the commit is unknown. Don't reveal what was read.
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
                secret_free = quiet(error)
                if _would_wait(error):
                    raise BusyError(
                        "the database did not answer in time. Nothing was stored; try again",
                        undone=True,
                        fault=fault_in(error, engine),
                    ) from secret_free
                if isinstance(error, DataError):
                    raise InputError("request", RequestRule.NOT_STORABLE) from secret_free
                if _TOO_MANY_VALUES.search(str(error.orig)):
                    raise InputError("requests", RequestRule.TOO_MANY_AT_ONCE) from secret_free
                raise UnavailableError(
                    "the database failed. Nothing was stored or revealed; try again",
                    undone=True,
                    fault=fault_in(error, engine),
                ) from secret_free
    except SQLAlchemyError as error:
        busy = not begun and _would_wait(error)
        kind = BusyError if busy else UnavailableError
        message = "the database can't be used now. Nothing was revealed; try again"
        raise kind(message, undone=busy, fault=fault_in(error, engine)) from quiet(error)


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction on committed data. It waits for no writer, and no writer waits for it.

    Raises:
        BusyError: a lock or statement took too long, or the engine does not wait for writers.
        UnavailableError: the database failed.
    """
    # with read committed, a statement of PostgreSQL sees the same with or without a transaction
    server = engine.dialect.name == "postgresql"
    options = {"isolation_level": "AUTOCOMMIT"} if server else {"reading": True}
    try:
        with fork_guard.connected(engine, **options) as connection, connection.begin():
            yield connection
    except SQLAlchemyError as error:
        busy = _would_wait(error)
        kind = BusyError if busy else UnavailableError
        raise kind("the database can't be read now. Try again", undone=busy, fault=fault_in(error, engine)) from quiet(
            error
        )


def streaming(engine: Engine, query: sa.Select[Any]) -> Iterator[sa.Row[Any]]:
    """The rows of a query on one committed state, fetched in pages, so that they are never all in memory.

    Raises:
        UnavailableError: the database failed.
    """
    try:
        with fork_guard.connected(engine, reading=True) as connection:  # PostgreSQL streams only in a transaction
            yield from connection.execute(query, execution_options={"yield_per": 1000})
    except SQLAlchemyError as error:
        raise UnavailableError("the database can't be read now. Try again", fault=fault_in(error, engine)) from quiet(
            error
        )


def _would_wait(error: SQLAlchemyError) -> bool:
    """Whether a database gave up waiting for a lock, or a statement took too long."""
    said = getattr(error, "orig", None)
    return getattr(said, "sqlite_errorcode", getattr(said, "sqlstate", None)) in _BUSY


def fault_in(error: SQLAlchemyError, engine: Engine) -> StoreFault:
    """The fault that a log may show, with the name of the database."""
    return fault_of(error, str(engine.get_execution_options().get(DATABASE, "")))


def quiet(error: SQLAlchemyError) -> Exception:
    """The driver's error without statement, parameters and details, which could hold personal data."""
    return RuntimeError(
        type(error).__name__ + ": " + str(getattr(error, "orig", "")).split("\n", 1)[0].split("DETAIL")[0]
    )


def in_list(name: str) -> sa.BindParameter[Any]:
    """A parameter for a collection of values, for `column.in_(...)` in a statement that is built once."""
    return sa.bindparam(name, expanding=True)


def columns_of(table: sa.Table, fields: Iterable[str]) -> list[sa.Column[Any]]:
    """The columns with these names, in this order.

    Select `columns_of(table, Record._fields)`, and `Record._make(row)` is right in any order of the table's columns.
    """
    return [table.c[name] for name in fields]


def insert_new(connection: Connection, table: sa.Table, rows: list[dict[str, Any]], *key: str) -> list[tuple[Any, ...]]:
    """Insert the rows whose `key` does not exist yet, and return the primary keys of those inserted."""
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
    """The time of the database server's clock. None for SQLite, which has no server."""
    if tx.dialect.name != "postgresql":
        return None
    return moment(tx.exec_driver_sql(_SERVER_TIME).scalar_one())


def truncate_log(engine: Engine) -> None:
    """Empty SQLite's write-ahead log into the database file, so that no deleted wrap stays in the log."""
    if engine.dialect.name == "sqlite":
        with fork_guard.connected(engine) as connection:
            raw = connection.connection.driver_connection
            if raw is not None:
                connection.rollback()
                raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchall()
