"""Counts for Prometheus, of this process: requests by route and status, their time, outcomes by kind.

Labels are words of ours (route templates, methods, statuses, refusal reasons): nothing of a person, nobody's id.
"""

from __future__ import annotations

from collections import Counter, defaultdict

BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5)
"""Upper bounds in seconds."""

_METHODS = frozenset({"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"})


class Metrics:
    """What one worker has counted since it started."""

    def __init__(self) -> None:
        self._requests: Counter[tuple[str, str, int]] = Counter()
        self._seconds: defaultdict[str, float] = defaultdict(float)
        self._buckets: Counter[tuple[str, float]] = Counter()
        self._outcomes: Counter[tuple[str, str]] = Counter()

    def count(self, method: str, route: str, status: int, seconds: float) -> None:
        """Count one request."""
        self._requests[method if method in _METHODS else "other", route, status] += 1
        self._seconds[route] += seconds
        for bound in BUCKETS:
            if seconds <= bound:
                self._buckets[route, bound] += 1

    def outcome(self, name: str, reason: str) -> None:
        """Count one outcome: its kind, and why for a refusal."""
        self._outcomes[name, reason] += 1

    def text(self, gauges: dict[str, int]) -> str:
        """Everything in Prometheus' text format; `gauges` are read at the moment of asking."""
        lines = ["# TYPE waybill_requests_total counter"]
        for (method, route, status), count in sorted(self._requests.items()):
            lines.append(f'waybill_requests_total{{method="{method}",route="{route}",status="{status}"}} {count}')
        lines.append("# TYPE waybill_request_seconds histogram")
        routes = Counter[str]()
        for (_, route, _), count in self._requests.items():
            routes[route] += count
        for route, count in sorted(routes.items()):
            for bound in BUCKETS:
                fill = self._buckets[route, bound]
                lines.append(f'waybill_request_seconds_bucket{{route="{route}",le="{bound}"}} {fill}')
            lines.append(f'waybill_request_seconds_bucket{{route="{route}",le="+Inf"}} {count}')
            lines.append(f'waybill_request_seconds_sum{{route="{route}"}} {self._seconds[route]:.6f}')
            lines.append(f'waybill_request_seconds_count{{route="{route}"}} {count}')
        lines.append("# TYPE waybill_outcomes_total counter")
        for (name, reason), count in sorted(self._outcomes.items()):
            lines.append(f'waybill_outcomes_total{{kind="{name}",reason="{reason}"}} {count}')
        for name, value in sorted(gauges.items()):
            lines += [f"# TYPE waybill_{name} gauge", f"waybill_{name} {value}"]
        return "\n".join(lines) + "\n"
