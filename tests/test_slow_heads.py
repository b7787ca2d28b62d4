"""A connection on which nothing whole arrives is not held for ever."""

from __future__ import annotations

import asyncio

import pytest
from uvicorn.server import ServerState

from api.serving import Punctual, configured


@pytest.mark.parametrize("after_another", [False, True])
def test_a_head_that_does_not_arrive_is_given_up_and_a_slow_answer_is_not(after_another):
    async def slow(scope, receive, send):
        await asyncio.sleep(0.3)  # longer than a head may take
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body"})

    async def play() -> None:
        config, loop = configured(slow, timeout_keep_alive=0.1), asyncio.get_running_loop()
        server = await loop.create_server(lambda: Punctual(config, ServerState(), {}), "127.0.0.1")
        async with server, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            if after_another:
                writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
                assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200")
            writer.write(b"GET /hea")
            assert await reader.read() == b""
            writer.close()

    asyncio.run(play())
