"""A circuit breaker: while a service does not answer, calls fail at once instead of trying four times each."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import final

FAILURES = 4
"""The number of failed tries in a row, over all calls, after which the service counts as down."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 30.0
"""Seconds until one call may try again, at first and at most. The pause doubles with each failure."""


@final
class Breaker:
    """Decides whether a call may try the service. While it is down, only one call after each pause may, and only once."""

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._lock = threading.Lock()
        self._failures = 0
        self._pause = FIRST_PAUSE
        self._next = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the service counts as down."""
        return self._failures >= FAILURES

    def tries(self, usual: int) -> int:
        """How often this call may try: `usual` times, once if it probes a service that is down, or not at all."""
        with self._lock:
            if not self.is_open:
                return usual
            if self._now() < self._next:
                return 0
            self._next = self._now() + self._pause
            return 1

    def seconds_left(self) -> float:
        """Seconds until a call may try again, 0 if one may now."""
        with self._lock:
            return max(0.0, self._next - self._now()) if self.is_open else 0.0

    def allow(self) -> None:
        """Let the next call try at once, without waiting for the pause."""
        self._next = 0.0

    def succeeded(self) -> None:
        """Record that the service answered."""
        with self._lock:
            self._failures, self._pause = 0, FIRST_PAUSE

    def failed(self, *, probe: bool) -> None:
        """Record a failed try. `probe` says whether it was the one try after a pause."""
        with self._lock:
            self._failures += 1
            if probe:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            if probe or self._failures == FAILURES:
                self._next = self._now() + self._pause
