"""How the application is run: uvicorn with nothing of its own said, one process or several on one socket."""

from __future__ import annotations

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
from uvicorn.supervisors import Multiprocess

from masking.errors import SettingsError

from .app import create_app
from .connections import Punctual, connections_possible
from .logs import LOG, configuration
from .settings import ServiceSettings

BACKLOG = 2048

HEARD_WITHIN = 20
"""Seconds after which a worker that does not answer its parent is killed and replaced, also while it loads the program.

The server's own 5 are few on a busy machine: there no worker ever came to its first request. While its parent waits for
one, it hears no signal, and does not notice if that one dies.
"""


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
    most = settings.connections or connections_possible()
    more: dict[str, Any] = {
        "log_config": configuration(),
        "timeout_graceful_shutdown": settings.stop_seconds,
        "timeout_keep_alive": settings.keep_alive_seconds,
        "http": partial(Punctual, most=most),
    }
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
