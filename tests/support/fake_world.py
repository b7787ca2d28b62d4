"""A clock and a source of randomness that tests control."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from itertools import count

from masking.runtime import World


class FakeWorld:
    """A clock that stands still until it is advanced, and the same random bytes in every run."""

    def __init__(self, seed: str = "") -> None:
        self.time = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)  # half past eight in China
        self._seed = seed.encode()
        self._drawn = count(1)  # safe for threads
        self.world = World(now=lambda: self.time, entropy=self._entropy)

    def _entropy(self, size: int) -> bytes:
        return hashlib.shake_256(self._seed + next(self._drawn).to_bytes(8, "big")).digest(size)

    def advance(self, **delta: float) -> None:
        """Move the clock forward."""
        self.time += timedelta(**delta)
