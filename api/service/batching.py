"""Group commit: requests for one step that arrive together are decided in one transaction, in a worker thread.

While one group is committed, the next one gathers. So no request waits for others, and a slow disk makes larger groups.
A piece is what one caller submitted; it is never split. Units take turns, piece by piece, so that a merchant with many
or slow requests delays another one by a group or two, not by its whole queue. Within a unit, the order of arrival holds.

No answer is given before the commit has returned. A group that fails is rolled back and its pieces run one by one, so
that a faulty one fails alone. If it is unknown whether a group was committed, all its callers get `UnavailableError`.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain
from typing import Generic, TypeVar

from masking.database.causes import Cause
from masking.errors import BusyError, StoreFault, UnavailableError
from masking.runtime import World
from masking.store.store import Store

from .login import DeniedError, Login, LoginCheck

TURNS = 3
"""Iterations of the event loop that bring a completely received request from its socket to a queue."""

STAND = 0.04
"""Longest time in seconds that the event loop stands still for a group. A group of 32 takes 10 to 20 ms."""

SLOW, REST = 0.1, 1.0
"""A group that takes longer than `SLOW` seconds in the loop's thread, or than `STAND`, lets the loop run for `REST` seconds."""

LONGEST = 20.0
"""Seconds until a caller gets 503 if the store does not answer: a frozen server, or a COMMIT that waits for a standby."""

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


@dataclass(slots=True, eq=False)
class _Piece(Generic[Request, Outcome]):
    requests: list[Request]
    login: Login | None
    answer: asyncio.Future[list[Outcome]]
    until: float

    @property
    def unit(self) -> str:
        """The caller's unit. Callers of one unit share its turns."""
        return self.login.actor.unit if self.login else ""

    def settle(self, answer: list[Outcome] | Exception) -> None:
        """Answer the caller, unless it has stopped waiting."""
        if self.answer.done():
            return
        if isinstance(answer, list):
            self.answer.set_result(answer)
        elif isinstance(answer, UnavailableError):  # one for each caller, as each adds to its traceback
            self.answer.set_exception(UnavailableError(str(answer), undone=answer.undone, fault=answer.fault))
        else:
            self.answer.set_exception(answer)


class Batcher(Generic[Request, Outcome]):
    """A queue in front of one step, for one event loop.

    For a `quick` step, of a few milliseconds, the loop stands still while a group is decided: a driver releases the
    interpreter lock for every row and answer, and getting it back from a busy loop costs more than the row. A group that
    takes longer than `STAND` is awaited like any other, and so are the groups of the next second. With a store `here` that
    waits for no other writer (`Store.nowait`, SQLite only), the loop's own thread decides, and a group that would wait
    goes to the worker thread.

    Attributes:
        max_items: items in a group, unless a single piece is larger.
        max_queued: items that may wait. Beyond it callers get an error at once, unless their unit has less than an equal
            share of the queue.
    """

    def __init__(
        self,
        step: Callable[[World, Store, Sequence[Request]], Sequence[Outcome]],
        world: World,
        store: Store,
        *,
        max_items: int,
        max_queued: int,
        quick: bool = False,
        here: Store | None = None,
    ) -> None:
        self.max_items, self.max_queued = max_items, max_queued
        self._step, self._world, self._store, self._quick, self._here = step, world, store, quick, here
        self._thread = ThreadPoolExecutor(1, thread_name_prefix=getattr(step, "__name__", "step"))
        self._queues: dict[str, deque[_Piece[Request, Outcome]]] = {}  # the unit whose turn is next comes first
        self._items: Counter[str] = Counter()
        self._deciding: list[_Piece[Request, Outcome]] = []
        self._working: asyncio.Task[None] | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._resting = 0.0
        self._closed = False

    async def submit(self, request: Request, login: Login | None) -> Outcome:
        """The outcome of one request; see `submit_many`."""
        return (await self.submit_many([request], login))[0]

    async def submit_many(self, requests: Sequence[Request], login: Login | None) -> list[Outcome]:
        """The outcomes of these requests, in the same order, once they are committed together.

        Cancelling the call withdraws requests that are still queued. Requests in a running group are still committed.

        Args:
            requests: the piece, which is never split.
            login: checked in the same transaction; None if no authentication is needed.

        Raises:
            ProblemError: the login is not valid any more. The requests were not processed.
            UnavailableError: the queue is full or closing, or the store is unavailable. Nothing is revealed.
            Exception: the error that the step raised for these requests alone.
        """
        loop = asyncio.get_running_loop()
        piece: _Piece[Request, Outcome] = _Piece(list(requests), login, loop.create_future(), loop.time() + LONGEST)
        if self._closed or self._is_full(piece):
            raise UnavailableError(
                "too many requests are waiting, and none of these was processed; send them again",
                fault=StoreFault(Cause.QUEUE_FULL),
            )
        if not requests:
            return []
        self._queues.setdefault(piece.unit, deque()).append(piece)
        self._items[piece.unit] += len(requests)
        if self._working is None:
            self._working = asyncio.create_task(self._work())
        if self._deadline is None:  # one timer for all: one for each request costs more than its place in the queue
            self._deadline = loop.call_at(piece.until, self._check_deadlines)
        return await piece.answer

    async def close(self) -> None:
        """Refuse further requests, and return when all accepted ones are answered."""
        self._closed = True
        if self._working:
            await self._working
        if self._deadline:
            self._deadline.cancel()
        self._thread.shutdown()

    def _check_deadlines(self) -> None:
        """Answer the callers whose time is over, and look again when the next one's is."""
        loop = asyncio.get_running_loop()
        waiting, now = [*self._deciding, *chain.from_iterable(self._queues.values())], loop.time()
        for piece in waiting:
            if piece.until <= now:
                piece.settle(
                    UnavailableError(
                        "the store did not answer in time; send the request again", fault=StoreFault(Cause.TOO_SLOW)
                    )
                )
        later = [piece.until for piece in waiting if piece.until > now]
        self._deadline = loop.call_at(min(later), self._check_deadlines) if later else None

    async def _work(self) -> None:
        try:
            while self._queues:
                for _ in range(TURNS if self._quick else 0):
                    await asyncio.sleep(0)
                self._deciding = self._next()
                await self._settle(self._deciding)
        finally:
            self._working = None
            # no effect on answered pieces; the others wait only if this task is being cancelled
            for piece in (*self._deciding, *chain.from_iterable(self._queues.values())):
                piece.answer.cancel()
            self._deciding = []

    def _next(self) -> list[_Piece[Request, Outcome]]:
        """The next group: as many whole pieces as fit, the units taking turns, without pieces whose callers have gone."""
        group: list[_Piece[Request, Outcome]] = []
        room = self.max_items
        while self._queues:
            unit, queue = next(iter(self._queues.items()))
            if group and len(queue[0].requests) > room:
                break
            piece = queue.popleft()
            del self._queues[unit]
            if queue:
                self._queues[unit] = queue  # behind the others
            self._items[unit] -= len(piece.requests)
            if not self._items[unit]:
                del self._items[unit]
            if not piece.answer.done():
                group.append(piece)
                room -= len(piece.requests)
        return group

    def _is_full(self, piece: _Piece[Request, Outcome]) -> bool:
        """Whether a piece fits neither in the queue nor in its unit's equal share of it."""
        waiting, count = self._items.total(), len(piece.requests)
        if not waiting or waiting + count <= self.max_queued:
            return False
        return self._items[piece.unit] + count > self.max_queued // len(self._items.keys() | {piece.unit})

    async def _settle(self, group: list[_Piece[Request, Outcome]]) -> None:
        """Decide a group and answer each of its pieces, also if the step raises."""
        outcomes = await self._decided(group)
        if isinstance(outcomes, list):
            rest = iter(outcomes)
            for piece in group:
                piece.settle([next(rest) for _ in piece.requests])
        elif isinstance(outcomes, DeniedError):
            for piece in group:
                if piece.login and piece.login in outcomes.logins:
                    piece.settle(outcomes.logins[piece.login])
            if rest_ := [piece for piece in group if piece.login not in outcomes.logins]:
                await self._settle(rest_)
        elif len(group) > 1 and not (isinstance(outcomes, UnavailableError) and not outcomes.undone):
            for piece in group:
                await self._settle([piece])
        else:
            for piece in group:
                piece.settle(outcomes)

    async def _decided(self, group: list[_Piece[Request, Outcome]]) -> list[Outcome] | Exception:
        """The step's outcomes; the loop stands still for a quick step, for `STAND` at most."""
        loop = asyncio.get_running_loop()
        stands = self._quick and loop.time() >= self._resting
        if stands and self._here:
            began = loop.time()
            outcomes = self._decide(group, self._here)
            if loop.time() - began > SLOW:
                self._resting = loop.time() + REST
            if not isinstance(outcomes, BusyError):
                return outcomes
        decision = self._thread.submit(self._decide, group, self._store)
        if stands and not self._here:
            with suppress(TimeoutError):  # never the step's own: `_decide` returns errors
                return decision.result(STAND)
            self._resting = loop.time() + REST
        return await asyncio.wrap_future(decision)

    def _decide(self, group: list[_Piece[Request, Outcome]], store: Store) -> list[Outcome] | Exception:
        """The step's outcomes or its error. `BusyError` only if nothing was committed."""
        requests = [request for piece in group for request in piece.requests]
        check = LoginCheck((piece.login for piece in group if piece.login), self._world.now())
        try:
            outcomes = list(self._step(self._world, store.entering(check), requests)) if requests else []
        except Exception as error:  # noqa: BLE001  every error is passed to the callers
            return UnavailableError(str(error)) if isinstance(error, BusyError) and check.committed else error
        if len(outcomes) != len(requests):
            return ValueError("the step returned another number of outcomes than requests")
        return outcomes
