"""Waiting for another thread or program, with an end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def wait_until(holds: Callable[[], object], seconds: float = 120, why: Callable[[], str] = str) -> None:
    """Return when `holds()` is true. After `seconds`, fail with the text of `why()`, such as a log."""
    until = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < until, why()
        time.sleep(0.05)


def run_async(scenario: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine to its end, for at most a minute."""
    return asyncio.run(asyncio.wait_for(scenario, 60))
