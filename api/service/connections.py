"""One connection of a client, and when it ends: uvicorn's own protocol, with limits on what a stranger can hold or cost.

The server itself waits without end for a head, for the rest of a body that is not read any more, and for a client that
takes no answer. A thousand such clients would be all it has.
"""

from __future__ import annotations

import asyncio
from typing import Any, NamedTuple

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle

LOOK_EVERY = 10.0
"""Seconds between two looks at a connection. What stands still at two of them is given up, so after 10 to 20 seconds."""

PORTION = 16 * 1024
"""Bytes that are parsed at a time. The parser measures a head only while it is incomplete, so none is longer than two."""

FREE_CHUNKS, CHUNK = 1000, 512
"""Chunks that a body may have in any case, and the bytes that further ones hold on average: each costs 6 microseconds."""

FILES_KEPT = 256
"""Files that connections leave to everything else: databases, logs, the modules that are loaded late."""

MOST_CONNECTIONS = 10_000
"""Connections at a time where the deployment says nothing and the system would allow more."""


def connections_possible() -> int:
    """As many connections as this process can have and still open its own files."""
    try:
        import resource  # noqa: PLC0415  Windows has no such limit, nor the module
    except ModuleNotFoundError:
        return MOST_CONNECTIONS
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    allowed = MOST_CONNECTIONS if files == resource.RLIM_INFINITY else files - FILES_KEPT
    return max(min(allowed, MOST_CONNECTIONS), FILES_KEPT)


class _State(NamedTuple):
    """What a look at a connection sees."""

    cycle: RequestResponseCycle | None
    owing: bool
    unsent: int


class _Parser(h11.Connection):
    """The parser, which gives up on a body in crumbs."""

    _chunks = 0
    _bytes = 0

    def next_event(self) -> Any:
        """The next event; see h11.

        Raises:
            RemoteProtocolError: the body comes in very many chunks of next to nothing, or as h11 does.
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
    """One connection. It ends where a client owes something, or takes nothing of what it is sent, for too long.

    Attributes:
        most: connections at a time. A further one is closed at once; uvicorn's `limit_concurrency` would answer 503 to all
            the others as well.
        look_every: seconds between two looks.
    """

    look_every = LOOK_EVERY

    def __init__(self, *args: Any, most: int = MOST_CONNECTIONS, **more: Any) -> None:
        super().__init__(*args, **more)
        self.conn = _Parser(h11.SERVER)
        self.most = most
        self._seen: _State | None = None
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own
        """Begin to watch it."""
        super().connection_made(transport)
        if len(self.connections) > self.most:
            transport.abort()
        else:
            self.look()

    def connection_lost(self, exc: Exception | None) -> None:
        """Watch it no more."""
        super().connection_lost(exc)
        if self._timer:
            self._timer.cancel()

    def data_received(self, data: bytes) -> None:
        """Parse what has arrived, in portions."""
        for start in range(0, len(data), PORTION):
            if self.transport.is_closing():
                return
            super().data_received(data[start : start + PORTION])

    def look(self) -> None:
        """Compare the connection with what it was one look ago, so that no request pays for it; and look again later."""
        before, now = self._seen, self._state()
        if before and before.cycle is now.cycle:
            if before.unsent and now.unsent >= before.unsent:
                self.transport.abort()  # to close it would wait for the client to take the rest
            elif before.owing and now.owing and not self.transport.is_closing():
                self.transport.close()
        self._seen = now
        self._timer = self.loop.call_later(self.look_every, self.look)

    def _state(self) -> _State:
        idle = self.cycle is None or self.cycle.response_complete
        owing = idle and self.timeout_keep_alive_task is None  # else the server's own timer ends it
        return _State(self.cycle, owing, self.transport.get_write_buffer_size())
