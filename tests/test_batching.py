"""Group commit: together if they come together, alone if they fail, and never before the commit."""

from __future__ import annotations

import asyncio
import threading
from contextlib import asynccontextmanager, nullcontext
from dataclasses import replace

import pytest

from api.service.batching import Batcher
from api.service.login import Login
from api.service.problems import ProblemError
from masking.access import credentials as words
from masking.access.duty import UNKNOWN, Purpose
from masking.access.people import Actor
from masking.errors import UnavailableError
from masking.journal import journal
from masking.steps.resolve import Resolve, resolve
from masking.store.rows import credentials, waybills
from masking.values.plaintext import Grant
from masking.values.printable import Refusal
from tests.support.commit_faults import lose_answer, on_commit, refuse_commit
from tests.support.parcels import limit_remaining
from tests.support.people import COURIER, OTHER_COURIER
from tests.support.running_service import load_parcels_on_van, sign_in
from tests.support.waiting import run_async


@pytest.fixture
def parcels(world, store):
    """Six parcels on one courier's van, as (record, label code)."""
    codes = [each.code for each in load_parcels_on_van(world, store, 6)]
    return [(read[0], code) for read, code in zip(store.read_codes(codes, world, world.now()), codes, strict=True)]


def ask(code, actor: Actor = COURIER) -> Resolve:
    return Resolve(actor=actor, code=code, purpose=Purpose.DELIVER)


def grants_of(world, store, parcels) -> list[int]:
    """How many grants the ledger has of each parcel."""
    return [sum(leaf.kind == "grant" for leaf in journal.who_saw(world, store, record)) for record, _ in parcels]


@asynccontextmanager
async def batching(step, world, store, *, max_items=100, max_queued=100, quick=False, here=None):
    batcher = Batcher(step, world, store, max_items=max_items, max_queued=max_queued, quick=quick, here=here)
    try:
        yield batcher
    finally:
        await batcher.close()


def together(world, store, requests, **limits):
    """What the callers of these requests hear, each alone, all at once; errors as values."""

    async def scenario():
        async with batching(resolve, world, store, **limits) as batcher:
            return await asyncio.gather(*(batcher.submit(each, None) for each in requests), return_exceptions=True)

    return run_async(scenario())


class Gate:
    """A step that waits in its worker thread until it is let go, and tells when it has begun."""

    def __init__(self) -> None:
        self.begun, self.go = threading.Event(), threading.Event()
        self.groups: list[int] = []

    def resolve(self, world, store, requests):
        self.begun.set()
        assert self.go.wait(30)
        self.groups.append(len(requests))
        return resolve(world, store, requests)

    async def wait(self):
        await asyncio.get_running_loop().run_in_executor(None, self.begun.wait, 30)


def test_concurrent_requests_share_a_commit_and_are_answered_in_order(world, store, parcels):
    commits = []
    asked = [ask(code) for _, code in parcels] + [ask("forged"), ask(parcels[0][1], OTHER_COURIER)]
    with on_commit(store, commits.append):
        heard = together(world, store, asked)
    assert len(commits) == 1
    assert [type(each) for each in heard] == [Grant] * 6 + [Refusal] * 2
    assert grants_of(world, store, parcels) == [1] * 6


def test_ended_login_is_denied_in_the_group_and_others_are_answered(world, store, parcels):
    tokens = [sign_in(world, store, actor) for actor in (COURIER, OTHER_COURIER)]
    lasting, ended = (Login(words.digest(words.TOKEN, token), COURIER, None) for token in tokens)
    with store.transaction() as tx:
        credentials.end(tx, [OTHER_COURIER.id])

    async def scenario():
        async with batching(resolve, world, store) as batcher:
            asked = [
                batcher.submit(ask(code), login) for (_, code), login in zip(parcels, [lasting, ended] * 3, strict=True)
            ]
            return await asyncio.gather(*asked, return_exceptions=True)

    heard = run_async(scenario())
    assert [type(each) for each in heard] == [Grant, ProblemError] * 3
    assert [each.name for each in heard[1::2]] == ["unauthenticated"] * 3
    assert grants_of(world, store, parcels) == [1, 0] * 3
    assert (lasting.checked, ended.checked) == (True, False)


@pytest.mark.parametrize("busy", [False, True])
def test_loop_stands_still_for_a_quick_group_unless_that_waits(world, store, parcels, busy, monkeypatch):
    monkeypatch.setattr("api.service.batching.STAND", 0.01 if busy else 60)

    async def scenario():
        async with batching(resolve, world, store, quick=True) as batcher:
            with store.transaction() if busy else nullcontext() as tx:
                if tx is not None:
                    waybills.by_id(tx, [record for record, _ in parcels], lock=True)
                asked = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels]
                for _ in range(20):  # turns of the loop
                    await asyncio.sleep(0)
                assert [each.done() for each in asked] == [not busy] * 6
            return await asyncio.gather(*asked)

    assert all(isinstance(each, Grant) for each in run_async(scenario()))
    assert grants_of(world, store, parcels) == [1] * 6


@pytest.mark.parametrize("urls", ["memory", "postgresql"], indirect=True)
def test_only_a_sqlite_file_runs_quick_groups(store):
    """A database in memory has one connection, and nothing limits how long a server takes for a COMMIT."""
    assert store.nowait() is None


@pytest.mark.parametrize("urls", ["file"], indirect=True)
@pytest.mark.parametrize("busy", [False, True])
def test_sqlite_group_runs_in_the_loop_unless_another_writer_is_active(world, store, parcels, busy):
    here = store.nowait()
    assert here is not None
    threads = []

    def step(world, store, requests):
        threads.append(threading.get_ident())
        return resolve(world, store, requests)

    async def scenario():
        async with batching(step, world, store, quick=True, here=here) as batcher:
            with store.transaction() if busy else nullcontext():
                asked = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels]
                for _ in range(20):  # turns of a loop that is not held up
                    await asyncio.sleep(0)
                assert [each.done() for each in asked] == [not busy] * 6
            return await asyncio.gather(*asked)

    heard = run_async(scenario())
    here.close()
    assert all(isinstance(each, Grant) for each in heard)
    assert grants_of(world, store, parcels) == [1] * 6
    assert [each == threading.get_ident() for each in threads] == ([True, False] if busy else [True])


def test_loop_does_not_stand_still_again_after_a_slow_group(world, store, monkeypatch):
    monkeypatch.setattr("api.service.batching.STAND", 0.01)
    monkeypatch.setattr("api.service.batching.REST", 3600)
    gates = [Gate(), Gate()]

    def step(_world, _store, requests):
        [gate] = requests
        gate.begun.set()
        assert gate.go.wait(30)
        monkeypatch.setattr("api.service.batching.STAND", 60)  # a loop that stood still again would not open the gate
        return requests

    async def scenario():
        async with batching(step, world, store, quick=True) as batcher:
            for gate in gates:
                asked = asyncio.create_task(batcher.submit(gate, None))
                await gate.wait()
                assert not asked.done()
                gate.go.set()
                await asked

    run_async(scenario())


def test_group_and_queue_that_wait_too_long_get_an_error_each(world, store, parcels, monkeypatch):
    monkeypatch.setattr("api.service.batching.LONGEST", 0.05)
    gate = Gate()

    async def scenario():
        async with batching(gate.resolve, world, store, max_items=2) as batcher:
            asked = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels[:3]]
            heard = await asyncio.gather(*asked, return_exceptions=True)
            monkeypatch.setattr("api.service.batching.LONGEST", 60)
            gate.go.set()
            return heard, await batcher.submit(ask(parcels[3][1]), None)

    heard, later = run_async(scenario())
    assert [(type(each), each.fault.cause) for each in heard] == [(UnavailableError, "too-slow")] * 3
    assert isinstance(later, Grant)
    assert gate.groups == [2, 1]  # the first one was being decided; the third request had been cancelled


def test_next_group_gathers_while_one_commits(world, store, parcels):
    gate = Gate()

    async def scenario():
        async with batching(gate.resolve, world, store, max_items=3) as batcher:
            first = asyncio.create_task(batcher.submit(ask(parcels[0][1]), None))
            await gate.wait()
            rest = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels[1:]]
            await asyncio.sleep(0)
            gate.go.set()
            return await asyncio.gather(first, *rest)

    assert all(isinstance(each, Grant) for each in run_async(scenario()))
    assert gate.groups == [1, 3, 2]


def test_one_request_is_never_split_between_groups(world, store, parcels):
    gate = Gate()
    gate.go.set()

    async def scenario():
        async with batching(gate.resolve, world, store, max_items=4) as batcher:
            pieces = [[ask(code) for _, code in parcels[:3]], [ask(code) for _, code in parcels[3:5]], []]
            large = [ask(code) for _, code in parcels]
            return await asyncio.gather(*(batcher.submit_many(each, None) for each in [*pieces, large]))

    assert [len(each) for each in run_async(scenario())] == [3, 2, 0, 6]
    assert gate.groups == [3, 2, 6]


def test_two_requests_of_one_actor_in_one_group_see_each_other(world, store, parcels):
    limit_remaining(world, store, 1)
    first, second = together(world, store, [ask(code) for _, code in parcels[:2]])
    assert isinstance(first, Grant)
    assert second.reason == "daily-budget-spent"


@pytest.mark.parametrize("poison", [{"code": None}, {"purpose": None}], ids=["before", "inside"])
def test_poisoned_request_fails_alone(world, store, parcels, poison):
    """One makes the step fail before its transaction begins, the other when two others have been decided in it."""
    codes = [code for _, code in parcels]
    asked = [ask(codes[0]), ask(codes[1]), replace(ask(codes[2]), **poison), ask(codes[3])]
    heard = together(world, store, asked)
    assert [isinstance(each, Grant) for each in heard] == [True, True, False, True]
    assert isinstance(heard[2], (TypeError, KeyError, AttributeError))
    assert grants_of(world, store, parcels) == [1, 1, 0, 1, 0, 0]  # the group that failed left nothing


def test_wrong_number_of_outcomes_answers_no_request(world, store, parcels):
    def short(world, store, requests):
        return resolve(world, store, requests)[: len(requests) // 2]

    async def scenario():
        async with batching(short, world, store) as batcher:
            return await asyncio.gather(
                *(batcher.submit(ask(code), None) for _, code in parcels), return_exceptions=True
            )

    assert [type(each) for each in run_async(scenario())] == [ValueError] * 6


def test_failed_commit_reveals_nothing_and_the_requests_can_be_repeated(world, store, parcels):
    asked = [ask(code) for _, code in parcels]
    with on_commit(store, refuse_commit):
        assert [type(each) for each in together(world, store, asked)] == [UnavailableError] * 6
    assert grants_of(world, store, parcels) == [0] * 6
    assert all(isinstance(each, Grant) for each in together(world, store, asked))


def test_unknown_commit_outcome_reveals_nothing_and_is_not_retried(world, store, parcels):
    with on_commit(store, lose_answer):
        heard = together(world, store, [ask(code) for _, code in parcels])
    assert [type(each) for each in heard] == [UnavailableError] * 6
    assert len(set(map(id, heard))) == 6
    assert grants_of(world, store, parcels) == [1] * 6  # on the ledger, though no caller got an answer


def test_full_queue_refuses_at_once_and_answers_what_waits(world, store, parcels):
    gate = Gate()

    async def scenario():
        async with batching(gate.resolve, world, store, max_queued=3) as batcher:
            first = asyncio.create_task(batcher.submit(ask(parcels[0][1]), None))
            await gate.wait()
            waiting = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels[1:4]]
            await asyncio.sleep(0)
            with pytest.raises(UnavailableError, match="waiting"):
                await batcher.submit(ask(parcels[4][1]), None)
            gate.go.set()
            return await asyncio.gather(first, *waiting)

    assert all(isinstance(each, Grant) for each in run_async(scenario()))
    assert grants_of(world, store, parcels) == [1, 1, 1, 1, 0, 0]


def test_closing_answers_waiting_requests_and_takes_no_new_ones(world, store, parcels):
    gate = Gate()

    async def scenario():
        batcher = Batcher(gate.resolve, world, store, max_items=2, max_queued=100)
        taken = [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels]
        await gate.wait()
        closing = asyncio.create_task(batcher.close())
        await asyncio.sleep(0)
        with pytest.raises(UnavailableError):
            await batcher.submit(ask(parcels[0][1]), None)
        gate.go.set()
        await closing
        assert all(task.done() for task in taken)
        return await asyncio.gather(*taken)

    assert all(isinstance(each, Grant) for each in run_async(scenario()))


def test_request_of_a_disconnected_caller_is_skipped(world, store, parcels):
    gate = Gate()

    async def scenario():
        async with batching(gate.resolve, world, store) as batcher:
            tasks = [asyncio.create_task(batcher.submit(ask(parcels[0][1]), None))]
            await gate.wait()
            tasks += [asyncio.create_task(batcher.submit(ask(code), None)) for _, code in parcels[1:]]
            await asyncio.sleep(0)
            tasks[0].cancel()  # being decided: it is recorded, and its caller gets no answer
            tasks[2].cancel()  # still waiting
            gate.go.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    heard = run_async(scenario())
    kinds = [asyncio.CancelledError, Grant, asyncio.CancelledError, Grant, Grant, Grant]
    assert [type(each) for each in heard] == kinds
    assert grants_of(world, store, parcels) == [1, 1, 0, 1, 1, 1]


def test_refusals_in_a_group_are_identical(world, store, parcels):
    never = store.write_code(bytes(16), 1, world, world.now())
    assert together(world, store, [ask(never, OTHER_COURIER), ask(parcels[0][1], OTHER_COURIER)]) == [UNKNOWN] * 2
