"""A circuit breaker: while a service does not answer, calls fail at once instead of each trying it four times."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import final

FAILURES = 4
"""Tries in a row, of one call or of several, after which the service counts as down."""
FIRST_PAUSE, LONGEST_PAUSE = 5.0, 30.0
"""Seconds until one call tries it again; the pause doubles each time that fails."""


@final
class Breaker:
    """Whether a call may try the service. While it is down, one call after each pause may, once; all others may not."""

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
        """How often the call that asks may try: `usual`, or once where it is the one that finds out, or not at all."""
        with self._lock:
            if not self.is_open:
                return usual
            if self._now() < self._next:
                return 0
            self._next = self._now() + self._pause
            return 1

    def seconds_left(self) -> float:
        """Seconds until a call may try again; 0 if one may now."""
        with self._lock:
            return max(0.0, self._next - self._now()) if self.is_open else 0.0

    def allow(self) -> None:
        """Let the next call try, without regard to the pause."""
        self._next = 0.0

    def succeeded(self) -> None:
        """The service has answered."""
        with self._lock:
            self._failures, self._pause = 0, FIRST_PAUSE

    def failed(self, *, probe: bool) -> None:
        """A try has failed; `probe` if it was the one that was to find out whether the service is back."""
        with self._lock:
            self._failures += 1
            if probe:
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
            if probe or self._failures == FAILURES:
                self._next = self._now() + self._pause
