"""Classifies database errors by cause, for logs and metrics. Error messages, which may hold personal data, are not kept."""

from __future__ import annotations

import re
import sqlite3
from enum import StrEnum

from sqlalchemy.exc import DBAPIError, DisconnectionError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from masking.errors import StoreFault


class Cause(StrEnum):
    """A cause of a fault: the values of the label `cause` of the metric `waybill_unavailable_total`."""

    BUSY = "busy"
    CONFLICT = "conflict"
    CONNECTION_LIMIT = "connection-limit"
    CONNECTION_LOST = "connection-lost"
    CORRUPT = "corrupt"
    DISK_ERROR = "disk-error"
    DISK_FULL = "disk-full"
    NOT_PERMITTED = "not-permitted"
    OTHER = "other"
    OUT_OF_MEMORY = "out-of-memory"
    POOL_EXHAUSTED = "pool-exhausted"
    QUEUE_FULL = "queue-full"
    READ_ONLY = "read-only"
    ROOT_KEY = "root-key"
    SCHEMA = "schema"
    SHUTTING_DOWN = "shutting-down"
    STARTING = "starting"
    TOO_SLOW = "too-slow"
    UNREACHABLE = "unreachable"


AWAY = frozenset(
    {Cause.CONNECTION_LIMIT, Cause.CONNECTION_LOST, Cause.SHUTTING_DOWN, Cause.STARTING, Cause.UNREACHABLE}
)
"""Causes that end by themselves when the server is back."""

_OF_SQLSTATE = {
    "53100": Cause.DISK_FULL,
    "53200": Cause.OUT_OF_MEMORY,
    "53300": Cause.CONNECTION_LIMIT,
    "25006": Cause.READ_ONLY,
    "57014": Cause.TOO_SLOW,
    "55P03": Cause.BUSY,
    "57P01": Cause.SHUTTING_DOWN,
    "57P02": Cause.SHUTTING_DOWN,
    "57P03": Cause.STARTING,
    "58030": Cause.DISK_ERROR,
    "42501": Cause.NOT_PERMITTED,
    "08": Cause.CONNECTION_LOST,
    "28": Cause.NOT_PERMITTED,
    "40": Cause.CONFLICT,
    "42": Cause.SCHEMA,
    "23": Cause.CONFLICT,
    "XX": Cause.CORRUPT,
}
"""The cause of each SQLSTATE, or of its class (the first two characters)."""

_OF_SQLITE = {
    sqlite3.SQLITE_FULL: Cause.DISK_FULL,
    sqlite3.SQLITE_NOMEM: Cause.OUT_OF_MEMORY,
    sqlite3.SQLITE_READONLY: Cause.READ_ONLY,
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
    sqlite3.SQLITE_IOERR: Cause.DISK_ERROR,
    sqlite3.SQLITE_CANTOPEN: Cause.UNREACHABLE,
    sqlite3.SQLITE_CORRUPT: Cause.CORRUPT,
    sqlite3.SQLITE_NOTADB: Cause.CORRUPT,
    sqlite3.SQLITE_PERM: Cause.NOT_PERMITTED,
    sqlite3.SQLITE_AUTH: Cause.NOT_PERMITTED,
    sqlite3.SQLITE_CONSTRAINT: Cause.CONFLICT,
    sqlite3.SQLITE_ERROR: Cause.SCHEMA,
}
"""The cause of each primary result code of SQLite, which is the low byte of an extended one."""

_AT_CONNECT = (
    (re.compile("too many clients|connection slots|too many connections|no more connections"), Cause.CONNECTION_LIMIT),
    (re.compile("starting up|not yet accepting|in recovery"), Cause.STARTING),
    (re.compile("shutting down"), Cause.SHUTTING_DOWN),
    (re.compile("password|authentication|pg_hba|permission"), Cause.NOT_PERMITTED),
    (re.compile("read-only|read-write|standby"), Cause.READ_ONLY),
)
"""The cause of each message of a refused connection, which has no SQLSTATE."""

READ_ONLY, ENDING = "25006", frozenset({"57P01", "57P02", "57P03"})
"""SQLSTATEs of a server that became a standby, and of one that is shutting down or starting."""


def sqlstate(error: BaseException | None) -> str:
    """The SQLSTATE of a driver's error, "" if it has none."""
    code = getattr(error, "sqlstate", None)
    return code if isinstance(code, str) and re.fullmatch("[0-9A-Z]{5}", code) else ""


def fault_of(error: SQLAlchemyError, database: str) -> StoreFault:
    """The part of an error that a log may show."""
    if isinstance(error, PoolTimeoutError):
        return StoreFault(Cause.POOL_EXHAUSTED, database)
    said = getattr(error, "orig", None)
    code = sqlstate(said)
    if code:
        return StoreFault(_OF_SQLSTATE.get(code, _OF_SQLSTATE.get(code[:2], Cause.OTHER)), database, code)
    number = getattr(said, "sqlite_errorcode", None)
    if isinstance(number, int):
        cause = _OF_SQLITE.get(number & 0xFF, Cause.OTHER)
        return StoreFault(cause, database, str(getattr(said, "sqlite_errorname", number)))
    if isinstance(error, DisconnectionError) or (isinstance(error, DBAPIError) and error.connection_invalidated):
        return StoreFault(Cause.CONNECTION_LOST, database)
    words = str(said)
    found = next((cause for pattern, cause in _AT_CONNECT if pattern.search(words)), Cause.UNREACHABLE)
    return StoreFault(found, database)
