"""Routes for operators: liveness, readiness, metrics. They need no token and hold no personal data."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from masking.errors import MaskingError, RootUnavailableError
from masking.journal import journal
from masking.runtime import SteadyClock
from masking.store import alarms
from masking.store.rows import slots
from masking.store.store import Store

from .. import response_models
from ..container import Service
from .responses import Responses, json_response

SKEW = timedelta(seconds=5)
"""How far the machine's clock may be behind the service's before `/readyz` reports it."""

MOST = 5
"""Checks of readiness a second. Further requests get the last result."""

PATIENCE = 2.0
"""Seconds after which a running check counts as not ready. It goes on, and no other one begins."""

SLOW = "store-does-not-answer"
"""The risk that `/readyz` reports until it ends."""

router = APIRouter(tags=["operations"])

_ALIVE: Responses = {200: {"model": response_models.Liveness, "description": "Alive"}}
_READY: Responses = {
    200: {"model": response_models.Readiness, "description": "Ready"},
    503: {"model": response_models.Readiness, "description": "Not now; `ready` is false"},
}


@router.get("/healthz", operation_id="getLiveness", responses=_ALIVE)
async def alive() -> Response:
    """The process answers."""
    return json_response({"alive": True})


class Checked:
    """Limits the checks of readiness to `MOST` a second and one at a time, whose result all requests share.

    The address needs no token. While a database server is frozen, one check holds a thread, however many requests come.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic, *, patience: float = PATIENCE) -> None:
        self._clock = clock
        self._patience = patience
        self._asked: deque[float] = deque(maxlen=MOST)
        self._probe: asyncio.Future[tuple[bool, list[str]]] | None = None
        self._last: tuple[bool, list[str]] = (False, [])

    async def ready(self, check: Callable[[], Awaitable[tuple[bool, list[str]]]]) -> tuple[bool, list[str]]:
        """The result of `check`, made now or within the last second; not ready if it takes longer than `PATIENCE`."""
        now, probe = self._clock(), self._probe
        if probe is None:
            if len(self._asked) == MOST and now - self._asked[0] < 1:
                return self._last
            self._asked.append(now)
            probe = self._probe = asyncio.ensure_future(check())
            probe.add_done_callback(self._take)
        left = max(self._asked[-1] + self._patience - now, 0)
        done, _ = await asyncio.wait({probe}, timeout=left)
        return probe.result() if done else (False, [SLOW])

    def _take(self, probe: asyncio.Future[tuple[bool, list[str]]]) -> None:
        self._probe = None
        if not probe.cancelled() and not probe.exception():
            self._last = probe.result()


@router.get("/readyz", operation_id="getReadiness", responses=_READY)
async def ready(request: Request) -> Response:
    """Ready if the store answers, the root key and today's keys open, and the ledger is signed. Also lists risks."""
    service = request.app.state.service
    able, risks = await request.app.state.checked.ready(partial(_check, service))
    answer = json_response({"ready": able, "risks": risks})
    answer.status_code = 200 if able else 503
    return answer


async def _check(service: Service) -> tuple[bool, list[str]]:
    risks: list[str] = []
    try:
        await anyio.to_thread.run_sync(journal.latest, service.store)
        await anyio.to_thread.run_sync(service.store.keys.try_today, service.world, service.world.now())
        risks = await anyio.to_thread.run_sync(_risks, service.store)
        if isinstance(service.world.now, SteadyClock) and service.world.now.ahead > SKEW:
            risks.append("clock-set-back")
        if service.provider and service.provider.fault:
            risks.append(service.provider.fault.value)
        await anyio.to_thread.run_sync(service.store.keys.check_root)
        able = not service.failing
    except RootUnavailableError:
        able = False
        risks.append("root-key-unavailable")
    except MaskingError:
        able = False
    return able, risks


@router.get("/metrics", operation_id="getMetrics", response_class=PlainTextResponse)
async def metrics(request: Request) -> Response:
    """Counts of all workers in Prometheus' text format. Gauges of numbers and alarms are at most ten seconds old."""
    service = request.app.state.service
    gauges = await service.metrics.gauges(partial(_gauges, service.store))
    return PlainTextResponse(service.metrics.text(gauges))


def _risks(store: Store) -> list[str]:
    with store.reading() as tx:
        risks = {
            "numbers-connect-anyone": slots.connects_without_asking(tx),
            "alarms-not-delivered": alarms.undelivered(tx) > 0,
        }
    return [risk for risk, there in risks.items() if there]


def _gauges(store: Store) -> dict[str, int]:
    with store.reading() as tx:
        found = slots.counts(tx)
        alarm_counts = {"alarms_open": alarms.count_open(tx), "alarms_undelivered": alarms.undelivered(tx)}
    return {f"numbers_{state}": found.get(state, 0) for state in ("free", "leased", "cooling")} | alarm_counts
