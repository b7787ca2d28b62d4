"""No client holds a connection, or the event loop, for longer than its request is worth."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from uvicorn.server import ServerState

from api.service.connections import FILES_KEPT, MOST_CONNECTIONS, Punctual, connections_possible
from api.service.serving import configured

App = Callable[[Any, Any, Any], Awaitable[None]]
GET = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"


class Wire(asyncio.Transport):
    """A client's end that a test can look into: what it was sent, how much of it it has not taken, whether it was cut."""

    def __init__(self) -> None:
        super().__init__()
        self.sent = b""
        self.unsent = 0
        self.ended = ""

    def write(self, data: Any) -> None:
        self.sent += data

    def get_write_buffer_size(self) -> int:
        return self.unsent

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return default

    def pause_reading(self) -> None:
        pass

    def resume_reading(self) -> None:
        pass


async def answering(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body"})


async def reading(scope: Any, receive: Any, send: Any) -> None:
    while (await receive()).get("more_body"):
        pass
    await answering(scope, receive, send)


async def connected(app: App = answering, **more: Any) -> tuple[Punctual, Wire]:
    """A connection that is only looked at when a test says so."""
    made, wire = Punctual(configured(app), ServerState(), {}, **({"opened": {}} | more)), Wire()
    made.look_every = 3600
    made.connection_made(wire)
    return made, wire


async def turns() -> None:
    """Let the application answer."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize("before", [b"", GET])
@pytest.mark.parametrize("parts", [(b"GET /he", b"a"), (b"GET /he", b"")])
def test_connection_without_a_request_head_at_two_looks_is_closed(before, parts):
    async def play() -> None:
        connection, wire = await connected()
        connection.data_received(before)
        await turns()
        for part in parts:
            connection.data_received(part)
            connection.look()
        assert wire.ended == "closed"
        connection.connection_lost(None)

    asyncio.run(play())


def test_connection_that_trickles_an_unread_body_is_closed():
    async def play() -> None:
        connection, wire = await connected()
        connection.data_received(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        await turns()
        assert wire.sent.startswith(b"HTTP/1.1 200")
        for _ in range(2):
            connection.data_received(b"x")
            connection.look()
        assert wire.ended == "closed"
        connection.connection_lost(None)

    asyncio.run(play())


def test_connection_that_reads_no_answer_is_aborted_even_while_closing():
    async def play() -> None:
        for ended in ("", "closed"):
            connection, wire = await connected()
            connection.data_received(GET)
            await turns()
            wire.unsent, wire.ended = 5000, ended
            connection.look()
            assert wire.ended == ended
            connection.look()
            assert wire.ended == "aborted"
            connection.connection_lost(None)

    asyncio.run(play())


def test_slow_reader_or_long_request_keeps_its_connection():
    async def play() -> None:
        waiting = asyncio.Event()

        async def slow(scope: Any, receive: Any, send: Any) -> None:
            await waiting.wait()
            await answering(scope, receive, send)

        connection, wire = await connected(slow)
        connection.data_received(GET)
        await turns()
        connection.look()
        connection.look()  # the application is still at work
        waiting.set()
        await turns()
        for wire.unsent in (9000, 8999, 5, 0, 0):
            connection.look()  # between two requests the server's own timer runs
        assert wire.ended == ""
        connection.connection_lost(None)

    asyncio.run(play())


def test_client_that_does_not_read_loses_its_connection_on_a_real_server():
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"50000000")]})
        await send({"type": "http.response.body", "body": bytes(50_000_000)})

    class Hasty(Punctual):
        look_every = 0.05

        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost.set()

    async def play() -> None:
        config, state = configured(endless), ServerState()
        server = await asyncio.get_running_loop().create_server(
            lambda: Hasty(config, state, {}, opened={}), "127.0.0.1"
        )
        async with server, asyncio.timeout(30):
            _, writer = await asyncio.open_connection(*server.sockets[0].getsockname(), limit=1024)
            writer.write(GET)
            await lost.wait()
            assert not state.connections
            writer.transport.abort()

    lost = asyncio.Event()
    asyncio.run(play())


async def held(scope: Any, receive: Any, send: Any) -> None:
    """An application that reads the request and is still at work."""
    await receive()
    await asyncio.Event().wait()


@pytest.mark.parametrize(
    "sent", [b"", b"GET / HT", CHUNKED + b"5\r\nhe", GET], ids=["none", "head", "body", "answered"]
)
def test_newcomer_at_the_limit_replaces_the_oldest_that_waits_for_its_client(sent):
    async def play() -> None:
        opened: dict[Punctual, None] = {}
        busy, working = await connected(held, opened=opened, most=3)
        busy.data_received(GET)
        await turns()
        oldest, first = await connected(reading, opened=opened, most=3)
        oldest.data_received(sent)
        await turns()
        _, second = await connected(opened=opened, most=3)
        newest, third = await connected(opened=opened, most=3)
        assert (working.ended, first.ended, second.ended, third.ended) == ("", "aborted", "", "")
        newest.data_received(GET)
        await turns()
        assert third.sent.startswith(b"HTTP/1.1 200")
        assert len(opened) == 3

    asyncio.run(play())


def test_connection_whose_answer_is_not_taken_is_replaced_at_the_limit():
    async def play() -> None:
        opened: dict[Punctual, None] = {}
        slow, wire = await connected(held, opened=opened, most=1)
        slow.data_received(GET)
        await turns()
        wire.unsent = 1
        _, newcomer = await connected(opened=opened, most=1)
        assert (wire.ended, newcomer.ended) == ("aborted", "")

    asyncio.run(play())


def test_connection_beyond_the_limit_is_closed_while_all_others_are_being_answered():
    async def play() -> None:
        opened: dict[Punctual, None] = {}
        busy, working = await connected(held, opened=opened, most=1)
        busy.data_received(GET)
        await turns()
        lost, newcomer = await connected(opened=opened, most=1)
        assert (working.ended, newcomer.ended) == ("", "aborted")
        lost.connection_lost(None)
        assert list(opened) == [busy]

    asyncio.run(play())


HOSTILE = {
    "chunks of one byte": CHUNKED + b"1\r\nx\r\n" * 350_000,
    "chunks with extensions": CHUNKED + b"1;aaaaaaaaaaaaaaaa\r\nx\r\n" * 90_000,
    "many headers": b"GET / HTTP/1.1\r\n" + b"a:b\r\n" * 40_000 + b"\r\n",
    "a long header": b"GET / HTTP/1.1\r\na: " + b"b" * 200_000 + b"\r\n\r\n",
    "a long target": b"GET /" + b"%41" * 60_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "trailers": CHUNKED + b"0\r\n" + b"a:b\r\n" * 40_000 + b"\r\n",
    "empty lines": b"\r\n" * 1_000_000,
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_hostile_framing_is_refused_in_little_processor_time(kind):
    async def play() -> tuple[bytes, float]:
        connection, wire = await connected(reading)
        began = time.process_time()
        for start in range(0, len(HOSTILE[kind]), 256 * 1024):  # as much as asyncio reads at a time
            connection.data_received(HOSTILE[kind][start : start + 256 * 1024])
            await turns()
        took = time.process_time() - began
        connection.connection_lost(None)
        await turns()
        return wire.sent, took

    found = [asyncio.run(play()) for _ in range(3)]
    assert all(sent.startswith(b"HTTP/1.1 400") for sent, _ in found)
    assert min(took for _, took in found) < 0.05


def test_body_in_many_honest_chunks_is_accepted():
    async def play() -> None:
        connection, wire = await connected(reading)
        connection.data_received(CHUNKED + (b"200\r\n" + b"x" * 512 + b"\r\n") * 3000 + b"0\r\n\r\n")
        await turns()
        assert wire.sent.startswith(b"HTTP/1.1 200")
        connection.connection_lost(None)

    asyncio.run(play())


@contextmanager
def files(soft: int) -> Iterator[None]:
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def test_connection_limit_leaves_file_descriptors_for_the_service():
    with files(1024):
        assert connections_possible() == 1024 - FILES_KEPT
    assert connections_possible() <= MOST_CONNECTIONS
