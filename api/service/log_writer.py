"""Writes log lines from a thread of its own, so that a stalled reader of the log never blocks the service."""

from __future__ import annotations

import logging
import os
import threading
from collections import deque

MOST = 10_000
"""Records that may wait. A record holds the lines of a tenth of a second. Further records are dropped and counted."""

PATIENCE = 1.0
"""Seconds that an ending program waits for its last lines to be written."""


class BoundedLines(logging.Handler):
    """A logging handler that never blocks. It writes to a file descriptor, by default standard error.

    Attributes:
        dropped: the number of lines that were not written because the reader was too slow or gone.
    """

    def __init__(self, descriptor: int = 2, most: int = MOST) -> None:
        super().__init__()
        self.dropped = 0
        self._descriptor = descriptor
        self._most = most
        self._waiting: deque[bytes] = deque()
        self._changed = threading.Condition()
        self._writing = False
        self._writer: threading.Thread | None = None

    def emit(self, record: logging.LogRecord) -> None:
        """Queue a record's lines for the writer thread, or drop them."""
        try:
            lines = f"{self.format(record)}\n".encode("utf-8", "backslashreplace")
        except Exception:  # noqa: BLE001  as in the standard library: a line that can't be formatted stops no request
            self.handleError(record)
            return
        with self._changed:
            if len(self._waiting) >= self._most:
                self.dropped += lines.count(b"\n")
                return
            self._waiting.append(lines)
            if self._writer is None:
                # a daemon, because it may be blocked in a write when the program ends
                self._writer = threading.Thread(target=self._write, name="log", daemon=True)
                self._writer.start()
            self._changed.notify_all()

    def flush(self) -> None:
        """Wait until everything is written, at most `PATIENCE` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: not (self._waiting or self._writing), PATIENCE)

    def _write(self) -> None:
        while True:
            with self._changed:
                self._writing = False
                self._changed.notify_all()
                self._changed.wait_for(lambda: self._waiting)
                lines, self._writing = self._waiting.popleft(), True
            try:
                left = memoryview(lines)
                while left:
                    left = left[os.write(self._descriptor, left) :]
            except OSError:  # the reader is gone, or the disk is full
                with self._changed:
                    self.dropped += lines.count(b"\n")


def dropped() -> int:
    """The number of log lines that this process has dropped."""
    handlers = {handler for name in ("", "waybill") for handler in logging.getLogger(name).handlers}
    return sum(handler.dropped for handler in handlers if isinstance(handler, BoundedLines))
