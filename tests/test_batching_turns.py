"""Units take turns in a step's queue: one that sends much, or slow requests, holds the others up by a group or two."""

from __future__ import annotations

import asyncio
import threading

import pytest

from api.service.batching import Batcher
from api.service.login import Login
from masking.errors import UnavailableError
from tests.support.people import RIVAL, SHOP

BUSY, OTHER = (Login(b"", actor, None) for actor in (SHOP, RIVAL))


class Recorder:
    """A step that waits to be let go once, and records the groups that it decides."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.groups: list[list[str]] = []

    def step(self, _world, _store, requests):
        self.begun.set()
        assert self.go.wait(30)
        self.groups.append(list(requests))
        return list(requests)


async def queued(batcher, pieces):
    """A task for each piece, in its place of the queue."""
    tasks = [asyncio.create_task(batcher.submit_many(requests, login)) for login, requests in pieces]
    await asyncio.sleep(0)
    return tasks


def decided(world, store, pieces, *, max_items=2, max_queued=1000):
    """The groups that the pieces were decided in, behind a first one that was being decided when they came."""
    recorder = Recorder()

    async def scenario():
        batcher = Batcher(recorder.step, world, store, max_items=max_items, max_queued=max_queued)
        first = await queued(batcher, [(BUSY, ["first"])])
        await asyncio.get_running_loop().run_in_executor(None, recorder.begun.wait, 30)
        tasks = await queued(batcher, pieces)
        recorder.go.set()
        answers = await asyncio.gather(*first, *tasks, return_exceptions=True)
        await batcher.close()
        return answers[1:]

    return asyncio.run(asyncio.wait_for(scenario(), 60)), recorder.groups[1:]


def test_another_unit_waits_for_one_request_not_for_the_whole_queue(world, store):
    busy = [(BUSY, [f"busy {n}", f"busy {n}"]) for n in range(10)]
    answers, groups = decided(world, store, [*busy, (OTHER, ["other"])])
    assert answers == [requests for _, requests in busy] + [["other"]]
    assert ["other"] in groups[:2]
    assert [group[0] for group in groups if group != ["other"]] == [f"busy {n}" for n in range(10)]


def test_units_alternate_within_a_group(world, store):
    pieces = [(BUSY, [f"busy {n}"]) for n in range(4)] + [(OTHER, [f"other {n}"]) for n in range(4)]
    _, groups = decided(world, store, pieces, max_items=4)
    assert groups == [["busy 0", "other 0", "busy 1", "other 1"], ["busy 2", "other 2", "busy 3", "other 3"]]


def test_unit_that_fills_the_queue_leaves_other_units_their_share(world, store):
    pieces = [(BUSY, ["busy"] * 100), (BUSY, ["too many"]), (OTHER, ["other"] * 50), (OTHER, ["too many"])]
    answers, groups = decided(world, store, pieces, max_items=100, max_queued=100)
    assert [type(answer) for answer in answers] == [list, UnavailableError, list, UnavailableError]
    assert sorted(map(len, groups)) == [50, 100]


@pytest.mark.parametrize("count", [100, 101])
def test_empty_queue_takes_a_request_of_any_size(count, world, store):
    answers, _ = decided(world, store, [(BUSY, ["x"] * count)], max_queued=100)
    assert answers == [["x"] * count]
