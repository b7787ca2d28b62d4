"""Strangers who ask whether the service is ready cost the store a few looks a second, however many they are."""

from __future__ import annotations

import asyncio
import signal
import threading
from concurrent.futures import ThreadPoolExecutor

from api.service.routes.health import MOST, SLOW, Checked
from masking.runtime import World
from tests.support import postgresql
from tests.support.running_service import make_deployment, run_service
from tests.support.waiting import wait_until


def test_store_is_checked_a_few_times_a_second_by_one_request_at_a_time():
    now, running, asked = [0.0], [0], [0]

    async def check():
        running[0] += 1
        asked[0] += 1
        assert running[0] == 1
        await asyncio.sleep(0)
        running[0] -= 1
        return True, [str(asked[0])]

    async def ask():
        checked = Checked(lambda: now[0])
        answers = await asyncio.gather(*(checked.ready(check) for _ in range(100)))
        assert [each for _, each in answers] == [["1"]] * 100  # one probe, whose answer all share
        answers = [await checked.ready(check) for _ in range(100)]
        assert [each for _, each in answers] == [[str(min(n, MOST))] for n in range(2, 102)]
        now[0] = 0.99
        assert await checked.ready(check) == (True, [str(MOST)])
        now[0] = 1.0
        assert await checked.ready(check) == (True, [str(MOST + 1)])

    asyncio.run(ask())


def test_check_that_does_not_end_is_not_ready_and_no_other_begins():
    begun = [0]

    async def ask():
        checked, end = Checked(patience=0.05), asyncio.Event()

        async def check():
            begun[0] += 1
            await end.wait()
            return True, []

        for _ in range(3):
            answers = await asyncio.gather(*(checked.ready(check) for _ in range(20)))
            assert answers == [(False, [SLOW])] * 20
        assert begun == [1]
        end.set()
        for _ in range(3):
            await asyncio.sleep(0)  # the probe ends
        assert await checked.ready(check) == (True, [])
        assert begun == [2]

    asyncio.run(ask())


def test_check_that_fails_is_raised_and_the_next_one_begins():
    async def fails():
        raise RuntimeError

    async def answers():
        return True, []

    async def ask():
        checked = Checked()
        results = await asyncio.gather(*(checked.ready(fails) for _ in range(3)), return_exceptions=True)
        assert [type(each) for each in results] == [RuntimeError] * 3
        assert await checked.ready(answers) == (True, [])

    asyncio.run(ask())


def test_frozen_server_holds_one_thread_for_all_requests_of_readyz(tmp_path):
    with postgresql.pair() as (first, _):
        addresses = [postgresql.create(str(first.home), name) for name in ("data", "keys")]
        make_deployment(tmp_path / "d", World(), (addresses[0], addresses[1]))
        with run_service(tmp_path / "d") as service:
            assert service.http.get("/readyz").json()["ready"]

            def ask(_: int) -> list[str]:
                answer = service.http.get("/readyz")
                assert answer.status_code == 503
                return answer.json()["risks"]

            first.signal(signal.SIGSTOP)
            try:
                with ThreadPoolExecutor(60) as many:
                    told = list(many.map(ask, range(60)))
                    held = threading.active_count()
                    told += many.map(ask, range(60))
                    more = threading.active_count() - held
            finally:
                first.signal(signal.SIGCONT)
            assert all(each in ([SLOW], []) for each in told)  # [] where a deadline of the store comes first
            assert more <= 12  # those of the chores, each once; not one for each of sixty requests
            wait_until(lambda: service.http.get("/readyz").json()["ready"], 30)
