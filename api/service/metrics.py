"""Metrics for Prometheus: requests by route and status, their duration, outcomes by kind.

Labels are this program's own words (route templates, methods, statuses, refusal reasons), never data or an id of a
person. Each of several workers writes its counts to a file in a folder of the service, and the worker that is scraped
adds the files. Shown counts are always in a file, and a file's counts never fall. So no counter ever falls, whichever
worker is scraped next, also if another one has died.
"""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread

from masking.errors import StoreFault

from .log_writer import dropped

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds in seconds."""

FRESH = 10.0
"""Seconds for which gauges are cached, because reading them counts the rows of a table."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


def method_word(method: str) -> str:
    """The label for a request's method: a method of HTTP, or `other`, because a client can send any string."""
    return method if method in _METHODS else "other"


Counts = defaultdict[tuple[str, ...], float]
"""Totals (a number, or seconds) by metric and labels."""


class Metrics:
    """The counts of one worker since its start. `shared` is the folder of a service with several workers."""

    def __init__(self, shared: Path | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._counts: Counts = defaultdict(int)
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"  # the system may reuse a process id
        self._shared = shared
        self._clock = clock
        self._reading = asyncio.Lock()
        self._gauges: tuple[float, dict[str, int]] | None = None

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._counts["request", method_word(method), route, str(status)] += 1
        self._counts["fill", route, str(bisect_left(BUCKETS, seconds))] += 1
        self._counts["seconds", route] += seconds

    def outcome(self, name: str, reason: str) -> None:
        """Count one outcome by kind, and a refusal also by reason."""
        self._counts["outcome", name, reason] += 1

    def alarm(self, kind: str) -> None:
        """Count one alarm, when a worker first delivers it."""
        self._counts["alarm", kind] += 1

    def unavailable(self, fault: StoreFault) -> None:
        """Count a request that failed because of the store, by cause and database."""
        self._counts["unavailable", fault.cause, fault.database] += 1

    def publish(self) -> None:
        """Write these counts to the shared folder.

        Raises:
            OSError: the folder is gone or full.
        """
        self._counts["dropped",] = dropped()
        if self._shared:
            part = self._shared / f".{self._name}"
            part.write_text(json.dumps([[*key, value] for key, value in self._counts.items()]), "utf-8")
            part.replace(self._shared / self._name)

    async def gauges(self, read: Callable[[], dict[str, int]]) -> dict[str, int]:
        """The result of `read`, run in a thread and cached for `FRESH` seconds. Concurrent calls read once.

        Raises:
            Exception: as `read`. The next call reads again.
        """
        async with self._reading:
            if self._gauges is None or self._clock() - self._gauges[0] >= FRESH:
                began = self._clock()
                self._gauges = began, await anyio.to_thread.run_sync(read)
            return self._gauges[1]

    def text(self, gauges: dict[str, int]) -> str:
        """The counts of all workers and these gauges in Prometheus' text format.

        Raises:
            OSError: as `publish`.
        """
        self.publish()
        return _written(self._together(), gauges)

    def _together(self) -> Counts:
        if not self._shared:
            return self._counts
        found: Counts = defaultdict(int)
        for path in sorted(self._shared.glob("[!.]*")):
            for *key, value in json.loads(path.read_text("utf-8")):
                found[tuple(key)] += value
        return found


def _written(counts: Counts, gauges: dict[str, int]) -> str:
    lines = _counter(counts, "request", "requests_total", "method", "route", "status")
    lines.append("# TYPE waybill_request_seconds histogram")
    for route in sorted({labels[0] for what, *labels in counts if what == "seconds"}):
        fill: float = 0
        for at, bound in enumerate([*BUCKETS, "+Inf"]):
            fill += counts.get(("fill", route, str(at)), 0)
            lines.append(f'waybill_request_seconds_bucket{{route="{route}",le="{bound}"}} {fill}')
        lines.append(f'waybill_request_seconds_sum{{route="{route}"}} {counts["seconds", route]:.6f}')
        lines.append(f'waybill_request_seconds_count{{route="{route}"}} {fill}')
    lines += _counter(counts, "outcome", "outcomes_total", "kind", "reason")
    lines += ["# TYPE waybill_log_lines_dropped_total counter"]
    lines += [f"waybill_log_lines_dropped_total {counts.get(('dropped',), 0)}"]
    lines += _counter(counts, "alarm", "alarms_total", "kind")
    lines += _counter(counts, "unavailable", "unavailable_total", "cause", "database")
    for name, value in sorted(gauges.items()):
        lines += [f"# TYPE waybill_{name} gauge", f"waybill_{name} {value}"]
    return "\n".join(lines) + "\n"


def _counter(counts: Counts, what: str, name: str, *labels: str) -> list[str]:
    lines = [f"# TYPE waybill_{name} counter"]
    for (counted, *values), count in sorted(counts.items()):
        if counted == what:
            named = ",".join(f'{label}="{value}"' for label, value in zip(labels, values, strict=True))
            lines.append(f"waybill_{name}{{{named}}} {count}")
    return lines
