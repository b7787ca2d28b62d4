"""What runs by itself beside the queues: the sequencer and the chores, none of which another one stops."""

from __future__ import annotations

import asyncio

import pytest

from api.service.container import Service
from api.service.settings import ServiceSettings
from tests.support.waiting import run_async


@pytest.mark.parametrize("urls", ["file"], indirect=True)
def test_failing_chores_do_not_stop_signing_and_show_in_readiness(world, store, tmp_path):
    class Provider:
        whole = False
        fault = None

        @property
        def mains(self):
            if not self.whole:
                raise LookupError("a stranger's error")
            return ()

    async def scenario():
        provider = Provider()
        service = Service(ServiceSettings(folder=tmp_path), world, store, provider)
        task = asyncio.create_task(service.run())
        try:
            while not service.failing:  # noqa: ASYNC110  seen from outside
                await asyncio.sleep(0.01)
            for _ in range(150):  # as long as it is not mended, also when the next round has signed
                await asyncio.sleep(0.01)
                assert service.failing == {"provider"}
            provider.whole = True
            while service.failing:  # noqa: ASYNC110  seen from outside
                await asyncio.sleep(0.01)
            assert not task.done()
        finally:
            task.cancel()
            await service.drain()

    run_async(scenario())
