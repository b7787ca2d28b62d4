"""The files that a client keeps between its runs, and values that each process makes for itself.

All files are in one folder, next to the credentials unless the caller names another one: NAME.key (the device's key),
NAME.enrolled, NAME.ledger.json, NAME.sources.json, NAME.outbox/, NAME.outbox.key and NAME.lock.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Generic, TypeVar, final

from masking.disk import PATIENCE, locked
from masking.errors import SettingsError, UnavailableError

T = TypeVar("T")


@final
class StateFolder:
    """The files of one caller, named after its credentials. Several threads and processes may share them."""

    def __init__(self, credentials: Path, folder: Path | None = None) -> None:
        self._base = (folder or credentials.parent) / credentials.name

    def path(self, suffix: str) -> Path:
        """The file with this suffix, e.g. `.ledger.json`."""
        return self._base.with_suffix(suffix)

    @contextmanager
    def locked(self, suffix: str = ".lock", *, patience: float = PATIENCE) -> Iterator[None]:
        """Keep other threads and processes out while a file is read and replaced.

        Raises:
            SettingsError: the folder can't be written.
            UnavailableError: another process held the lock for `patience` seconds.
        """
        with ExitStack() as held:
            lock = self.path(suffix)
            with self.writing():
                try:
                    held.enter_context(locked(lock, patience=patience))
                except BlockingIOError:
                    raise UnavailableError(f"another process holds {lock.name}. Try again later") from None
            yield

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Turn an `OSError` of the block into a `SettingsError` that says what to do.

        Raises:
            SettingsError: a file can't be written.
        """
        try:
            yield
        except OSError as error:
            folder = self._base.parent
            raise SettingsError(
                f"the folder {folder.name or folder} can't be written ({error.strerror}); what a client keeps between its "
                "runs needs one that can: connect(..., state=FOLDER), or the option --state of a command"
            ) from error


@final
class PerProcess(Generic[T]):
    """A value that each process makes for itself, so that a forked child never uses its parent's connections and locks."""

    def __init__(self, make: Callable[[], T]) -> None:
        self._make = make
        self._made: dict[int, T] = {}

    def get(self) -> T:
        """The value of this process. All its threads get the same one."""
        pid = os.getpid()
        if pid not in self._made:
            self._made.setdefault(pid, self._make())
        return self._made[pid]
