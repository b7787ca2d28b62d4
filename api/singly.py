"""Runs a step for each request by itself, in a worker thread; the interface of group commit, without the grouping."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import anyio.to_thread

from masking.vault.store import Store
from masking.world import World

Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


class Batcher(Generic[Request, Outcome]):
    """See the module."""

    def __init__(
        self,
        step: Callable[[World, Store, Sequence[Request]], Sequence[Outcome]],
        world: World,
        store: Store,
        *,
        most: int,
        waiting: int,
    ) -> None:
        self._run = lambda requests: list(step(world, store, requests))
        self.most, self.waiting = most, waiting

    async def submit(self, request: Request) -> Outcome:
        """The outcome of one request, once it is committed."""
        return (await self.submit_many([request]))[0]

    async def submit_many(self, requests: Sequence[Request]) -> list[Outcome]:
        """The outcomes of several requests, same order, once all are committed."""
        return await anyio.to_thread.run_sync(self._run, requests)
