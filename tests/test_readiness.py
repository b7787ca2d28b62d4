"""Strangers who ask whether the service is ready cost the store a few looks a second, however many they are."""

from __future__ import annotations

import asyncio

from api.service.routes.health import MOST, Checked


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
        assert [each for _, each in answers] == [[str(min(n, MOST))] for n in range(1, 101)]
        now[0] = 0.99
        assert await checked.ready(check) == (True, [str(MOST)])
        now[0] = 1.0
        assert await checked.ready(check) == (True, [str(MOST + 1)])

    asyncio.run(ask())
