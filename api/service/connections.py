"""uvicorn's HTTP protocol with limits on what one client's connection can hold or cost.

uvicorn itself waits without limit for a request's head, for the rest of a body that is no longer read, and for a client
that does not read its answer. A thousand such clients would use up all connections.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

LOOK_EVERY = 10.0
"""Seconds between two checks of a connection. One without progress between two checks is closed, after 10 to 20 seconds."""

PORTION = 16 * 1024
"""Bytes that are parsed at a time. The parser limits only an incomplete head, so a head has at most two portions."""

FREE_CHUNKS, CHUNK = 1000, 512
"""Chunks that a body may have in any case, and the least average size of further ones. A chunk costs 6 microseconds."""

FILES_KEPT = 256
"""File descriptors that are reserved for everything but connections: databases, logs, modules that are loaded late."""

MOST_CONNECTIONS = 10_000
"""The default limit of simultaneous connections, where the system would allow more."""


def connections_possible() -> int:
    """The number of connections that this process can have and still open its own files."""
    try:
        import resource  # noqa: PLC0415  Windows has neither the limit nor the module
    except ModuleNotFoundError:
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST_CONNECTIONS if files == resource.RLIM_INFINITY else files - FILES_KEPT
    return max(min(allowed, MOST_CONNECTIONS), FILES_KEPT)


class _State(NamedTuple):
    """What a check of a connection compares with the check before."""

    cycle: RequestResponseCycle | None
    owing: bool
    unsent: int


class _Parser(h11.Connection):
    """h11's parser, which also refuses a body of very many tiny chunks."""

    _chunks = 0
    _bytes = 0

    def next_event(self) -> Any:
        """The next event; see h11.

        Raises:
            RemoteProtocolError: the body's chunks are too small, or another error of h11.
        """
        event = super().next_event()
        if isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._bytes += len(event.data)
            if self._bytes < (self._chunks - FREE_CHUNKS) * CHUNK:
                raise h11.RemoteProtocolError("the chunks are too small")
        elif isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
        return event


class Punctual(H11Protocol):
    """A connection that is closed if the client sends nothing of what is due, or reads nothing, for too long.

    Attributes:
        opened: all connections of this process, the oldest first.
        most: simultaneous connections. For a further one the oldest that waits for its client is closed, so that a stranger
            who holds all of them does not shut others out. uvicorn's `limit_concurrency` would answer 503 to all the others.
        look_every: seconds between two checks.
    """

    look_every = LOOK_EVERY

    def __init__(self, *args: Any, opened: dict[Punctual, None], most: int = MOST_CONNECTIONS, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = _Parser(h11.SERVER)
        self.opened = opened
        self.most = most
        self._seen: _State | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own
        """Start the checks."""
        super().connection_made(transport)
        if len(self.opened) >= self.most and not self._replace_oldest():
            transport.abort()
        else:
            self.opened[self] = None
            self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the checks."""
        super().connection_lost(exc)
        self.opened.pop(self, None)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse received bytes in portions."""
        for start in range(0, len(data), PORTION):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PORTION])

    def look(self) -> None:
        """Compare the connection with its state at the last check, and schedule the next check. Requests pay nothing."""
        before, now = self._seen, self._state()
        if before and before.cycle is now.cycle:
            if before.unsent and now.unsent >= before.unsent:
                self.transport.abort()  # `close` would wait for the client to read the rest
            elif before.owing and now.owing and not self.transport.is_closing():
                self.transport.close()
        self._seen = now
        self._timer = self.loop.call_later(self.look_every, self.look)

    def _replace_oldest(self) -> bool:
        """Close the oldest connection that waits for its client. False if all of them wait for the service."""
        for each in self.opened:
            if each.waits_for_client():
                del self.opened[each]
                each.transport.abort()
                return True
        return False

    def waits_for_client(self) -> bool:
        """Whether the next step is the client's: a request, the rest of a body, or taking an answer."""
        under_way = self.cycle is not None and not self.cycle.response_complete
        return not under_way or self.cycle.more_body or self.transport.get_write_buffer_size() > 0

    def _state(self) -> _State:
        idle = self.cycle is None or self.cycle.response_complete
        owing = idle and self.timeout_keep_alive_task is None  # else uvicorn's own timer closes it
        return _State(self.cycle, owing, self.transport.get_write_buffer_size())
