"""Keeps database connections out of forked processes.

SQLite's locks belong to one process, but its record of them is in memory, which a fork copies. A child that uses or closes
an inherited connection, or opens the same file again, relies on locks that it does not hold. Another process may then delete
the log that the child writes, and acknowledged orders are lost ("How To Corrupt An SQLite Database File", section 2.6). On an inherited
socket to a server, two processes read each other's answers. Therefore:

- Before a fork, new transactions wait, the fork waits for those of other threads, and then all idle connections are closed.
  The child inherits no connection, and may open the deployment itself. The parent opens new connections when it needs them.
- In the child, every engine that was opened before the fork is refused with `ForkedError`, and never closed.
- A child can still inherit a connection if the forking thread was in a transaction, or if C code forked without running the
  hooks. Such a connection is never finalised in the child, and the child can't open that SQLite
  file.
"""

from __future__ import annotations

import ctypes
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakSet

from sqlalchemy.engine import URL, Connection, Engine
from sqlalchemy.pool import QueuePool

from masking.errors import ClosedError, ForkedError

LONGEST_WAIT = 35.0
"""Seconds that a fork waits for transactions of other threads. It exceeds the 30 s that SQLite waits for another writer."""

IN_USE = "this process was forked while {} was in use. Close the shop before the fork, or start the process by spawn"


def register(engine: Engine) -> None:
    """Count an engine as opened by this process.

    Raises:
        ForkedError: its SQLite file was in use at the fork that made this process.
    """
    _forks().register(engine)


def check(engine: Engine) -> None:
    """Check that an engine may be used.

    Raises:
        ForkedError: it was opened before the fork that made this process.
        ClosedError: it was closed.
    """
    _forks().check(engine)


def close(engine: Engine) -> None:
    """Close an engine's connections and refuse it from now on. Connections inherited from a parent process stay open."""
    _forks().close(engine)


@contextmanager
def connected(engine: Engine, **options: Any) -> Iterator[Connection]:
    """A connection with these execution options. While it is open, no other thread forks.

    Raises:
        ForkedError, ClosedError: see `check`.
    """
    forks, use = _forks(), _Use(engine)
    forks.enter(use)
    try:
        with engine.connect().execution_options(**options) as connection:
            use.connection = connection
            yield connection
    finally:
        forks.leave(use)


class _Use:
    """One use of an engine: the thread, and its connection."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.thread = threading.get_ident()
        self.connection: Connection | None = None


class _Forks:
    """The engines that this process opened and inherited, and the threads that use them now."""

    def __init__(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()
        self._forking: list[int] = []
        self._uses: set[_Use] = set()
        self._opened: WeakSet[Engine] = WeakSet()
        self._closed: WeakSet[Engine] = WeakSet()
        self._inherited: WeakSet[Engine] = WeakSet()
        self._spoilt: set[tuple[int, int]] = set()

    def register(self, engine: Engine) -> None:
        self._notice_fork()
        if _inode(engine.url) in self._spoilt:
            raise ForkedError(IN_USE.format(Path(str(engine.url.database)).name))
        self._opened.add(engine)

    def check(self, engine: Engine) -> None:
        self._notice_fork()
        if engine in self._inherited:
            raise ForkedError
        if engine in self._closed:
            raise ClosedError

    def close(self, engine: Engine) -> None:
        self._notice_fork()
        if engine not in self._inherited:
            self._closed.add(engine)
            self._opened.discard(engine)
            engine.dispose()

    def enter(self, use: _Use) -> None:
        self.check(use.engine)
        with self._changed:
            self._changed.wait_for(lambda: not self._forking or self._may_enter(use.thread))
            self._uses.add(use)
            self._opened.add(use.engine)

    def leave(self, use: _Use) -> None:
        with self._changed:
            self._uses.discard(use)
            self._changed.notify_all()

    def before(self) -> None:
        """Close what a child must not inherit."""
        thread = threading.get_ident()
        with self._changed:
            self._forking.append(thread)
            self._changed.wait_for(lambda: all(use.thread == thread for use in self._uses), LONGEST_WAIT)
        for engine in list(self._opened):
            if engine.dialect.name != "sqlite" or engine.url.database:  # a database in memory would be lost
                engine.dispose()

    def after_in_parent(self) -> None:
        with self._changed:
            self._forking.remove(threading.get_ident())
            self._changed.notify_all()

    def after_in_child(self) -> None:
        self._process = os.getpid()
        self._changed = threading.Condition()  # a thread that the child lacks may have held the former one
        self._forking = []
        idle = {engine for engine in self._opened if isinstance(engine.pool, QueuePool) and engine.pool.checkedin()}
        for engine in idle | {use.engine for use in self._uses}:
            _never_finalise(engine)
            if file := _inode(engine.url):
                self._spoilt.add(file)
        for use in self._uses:
            if use.connection is not None and not use.connection.closed:
                _leave_alone(use.connection)
        self._uses = set()
        self._inherited |= self._opened
        self._opened = WeakSet()

    def _may_enter(self, thread: int) -> bool:
        """Whether a thread may start a transaction during a fork: it is the forking thread, or the fork already waits for it."""
        return thread in self._forking or any(use.thread == thread for use in self._uses)

    def _notice_fork(self) -> None:
        if os.getpid() != self._process:  # a fork that ran no hooks
            self.after_in_child()


@cache
def _forks() -> _Forks:
    forks = _Forks()
    if hasattr(os, "register_at_fork"):  # not on Windows, where nothing forks
        os.register_at_fork(
            before=forks.before, after_in_parent=forks.after_in_parent, after_in_child=forks.after_in_child
        )
    return forks


def _inode(url: URL) -> tuple[int, int] | None:
    """Device and inode of an SQLite file. None for a server, a database in memory and a file that does not exist."""
    if url.get_backend_name() != "sqlite" or not url.database or not Path(url.database).exists():
        return None
    found = Path(url.database).stat()
    return found.st_dev, found.st_ino


def _leave_alone(connection: Connection) -> None:
    """Let an inherited transaction end in this process without any call to the database: it is the parent's."""
    dialect: Any = connection.engine.dialect
    dialect.do_commit = _refuse_commit
    dialect.do_rollback = dialect.do_close = dialect.do_terminate = _do_nothing
    _never_finalise(connection.connection.driver_connection)


def _refuse_commit(_connection: Any) -> None:
    raise ForkedError


def _do_nothing(_connection: Any) -> None:
    pass


def _never_finalise(inherited: object) -> None:
    """Keep an object alive to the end of the process: its finaliser would close the parent's connection."""
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(inherited))
