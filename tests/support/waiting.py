"""Waiting for another thread or program, with an end."""

from __future__ import annotations

import time
from collections.abc import Callable


def wait_until(holds: Callable[[], object], seconds: float = 120, why: Callable[[], str] = str) -> None:
    """Return when `holds()` is true. After `seconds`, fail with the text of `why()`, such as a log."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, why()
        time.sleep(0.05)
