"""Runs the application under uvicorn, in one process or several on one socket."""

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

WORKER_TIMEOUT = 20
"""Seconds after which a worker that does not answer its parent is killed and replaced, also during startup.

uvicorn's default of 5 s is too short on a loaded machine: workers were killed before they had started. Don't raise it
much: while the parent waits for a worker, it handles no signals and does not notice that the worker died.
"""


def configured(app: FastAPI | Callable[[], FastAPI], **more: Any) -> uvicorn.Config:
    """The configuration of uvicorn: no access log, no `Server` header, no trust in forwarded headers, no websockets."""
    quiet: dict[str, Any] = {
        "log_config": None,
        "access_log": False,
        "server_header": False,
        "proxy_headers": False,
        "ws": "none",
        "lifespan": "on",
        "http": partial(Punctual, opened={}),
    }
    made = uvicorn.Config(app, **(quiet | more))
    logging.getLogger("uvicorn.access").setLevel(logging.CRITICAL)  # it would log paths and queries
    return made


def listening(host: str, port: int) -> socket.socket:
    """A listening socket.

    It is created with the explicit protocol TCP, because only then asyncio sets TCP_NODELAY. Without that each small answer
    waits 40 ms for the client's acknowledgement.

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
        raise SettingsError(f"can't listen on {host}:{port}: {error.strerror}") from error
    return made


def run_service(settings: ServiceSettings, socket_: socket.socket) -> int:
    """Serve until a signal stops it, then let requests finish. The exit status is not 0 if a worker could not start.

    uvicorn gets the application as an object, or as a function for several processes, and never by name, because a name
    would be imported from the current folder.
    """
    for each in (signal.SIGTERM, signal.SIGINT):  # uvicorn raises the signal again after a clean stop
        signal.signal(each, _end)
    most = settings.connections or connections_possible()
    more: dict[str, Any] = {
        "log_config": configuration(),
        "timeout_graceful_shutdown": settings.stop_seconds,
        "timeout_keep_alive": settings.keep_alive_seconds,
        "http": partial(Punctual, opened={}, most=most),
    }
    if settings.workers == 1:
        server = uvicorn.Server(configured(create_app(settings), **more))
        server.run(sockets=[socket_])
        return 0 if server.started else STARTUP_FAILURE
    with tempfile.TemporaryDirectory(prefix="waybill-counts-") as counts:
        app = partial(create_app, replace(settings, counts=Path(counts)))
        more |= {"workers": settings.workers, "timeout_worker_healthcheck": WORKER_TIMEOUT}
        parent = Multiprocess(configured(app, factory=True, **more), sockets=[socket_])
        parent.run()
    LOG.info("stopped")
    failed = any(worker.exitcode == STARTUP_FAILURE for worker in parent.processes)
    return STARTUP_FAILURE if failed else 0


def _end(_signal: int, _frame: object) -> None:
    sys.exit(0)
