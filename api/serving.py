"""How the application is run: uvicorn with nothing of its own said, one process or several on one socket."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol, RequestResponseCycle
from uvicorn.supervisors import Multiprocess

from masking.errors import SettingsError

from .app import create_app
from .logs import LOG, configuration
from .settings import ServiceSettings

BACKLOG = 2048

HEARD_WITHIN = 20
"""Seconds after which a worker that does not answer its parent is killed and replaced, also while it loads the program.

The server's own 5 are few on a busy machine: there no worker ever came to its first request. While its parent waits for
one, it hears no signal, and does not notice if that one dies.
"""


class Punctual(H11Protocol):
    """One connection; it ends when no request's head arrives on it in twice the time that it may be idle between two.

    The server waits without end for the first one, and for the rest of any: a thousand slow clients would be all it has.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as the server's own
        """Begin to watch it."""
        super().connection_made(transport)
        self._watch()

    def _watch(self) -> None:
        self.loop.call_later(2 * self.timeout_keep_alive, self._look, self.cycle)

    def _look(self, before: RequestResponseCycle | None) -> None:
        """Once in a while, so that no request pays for it: is one under way, or was there another one since?"""
        if self.cycle is before and (before is None or before.response_complete):
            self.transport.close()
        elif not self.transport.is_closing():
            self._watch()


def configured(app: FastAPI | Callable[[], FastAPI], **more: Any) -> uvicorn.Config:
    """The server's configuration: no access log, no name of its own, no trust in forwarded headers, no websockets."""
    quiet: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "ws": "none",
        "lifespan": "on",
        "http": Punctual,
    }
    made = uvicorn.Config(app, **(quiet | more))
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)  # it would write paths and queries
    return made


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens there.

    Made by hand: only of a socket that says it speaks TCP does asyncio send small answers at once; without that each
    answer waits 40 ms for the client's acknowledgement.

    Raises:
        SettingsError: the address can't be used.
    """
    try:
        [(family, kind, protocol, _, address), *_] = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=socket.AI_PASSIVE
        )
        made = socket.socket(family, kind, protocol)
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(address)
        made.listen(BACKLOG)
        made.set_inheritable(True)
    except OSError as error:
        raise SettingsError(f"{host}:{port} can't be listened on: {error.strerror}") from error
    return made


def run_service(settings: ServiceSettings, socket_: socket.socket) -> int:
    """Serve until a signal says stop; then let requests finish. The exit status: not 0 if a worker could not start.

    The application goes in as an object, for several processes as a function: never as a name that could be looked up in
    the current folder.
    """
    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn hands a signal on once it has stopped in peace
        signal.signal(each, _end)
    more: dict[str, Any] = {"log_config": configuration(), "timeout_graceful_shutdown": settings.stop_seconds}
    if settings.workers == 1:
        server = uvicorn.Server(configured(create_app(settings), **more))
        server.run(sockets=[socket_])
        return 0 if server.started else STARTUP_FAILURE
    with tempfile.TemporaryDirectory(prefix="waybill-counts-") as counts:
        app = partial(create_app, replace(settings, counts=Path(counts)))
        more |= {"workers": settings.workers, "timeout_worker_healthcheck": HEARD_WITHIN}
        parent = Multiprocess(configured(app, factory=True, **more), sockets=[socket_])
        parent.run()
    LOG.info("stopped")
    failed = any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes)
    return STARTUP_FAILURE if failed else 0


def _end(_signal: int, _frame: object) -> None:
    sys.exit(0)
