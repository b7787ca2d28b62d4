"""A background thread that sends pending orders when the service answers again."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import final

LEAST_GAP = 1.0
"""The least number of seconds between two runs."""


@final
class Flusher:
    """Runs `send` in one thread of this process until no order is pending, and then ends the thread.

    `send` returns the seconds until its next run, or None if no order is pending. The thread is a daemon, so that it never keeps
    a program from ending. Orders that were not sent stay on disk.
    """

    def __init__(self, send: Callable[[], float | None]) -> None:
        self._send = send
        self._lock = threading.Lock()
        self._sooner = threading.Event()
        self._stopped = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, after: float) -> None:
        """Start the thread with a pause of `after` seconds, unless it is running."""
        with self._lock:
            if self._thread is None and not self._stopped.is_set():
                self._thread = threading.Thread(target=self._work, args=(after,), name="waybill-flush", daemon=True)
                self._thread.start()

    def run_now(self) -> None:
        """Run as soon as possible, since the service has answered."""
        self._sooner.set()
        self.start(0)

    def stop(self) -> None:
        """End the thread. An order that is being sent stays pending if it gets no answer in time."""
        self._stopped.set()
        self._sooner.set()
        with self._lock:
            thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=5)

    def _work(self, pause: float) -> None:
        try:
            while True:
                self._sooner.wait(pause)
                if self._stopped.is_set():
                    return
                self._sooner.clear()
                again = self._send()
                with self._lock:
                    if again is None and not self._sooner.is_set():
                        self._thread = None
                        return
                pause = again or 0.0
                self._stopped.wait(LEAST_GAP)
        finally:
            with self._lock:
                if self._thread is threading.current_thread():
                    self._thread = None
