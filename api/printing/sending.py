"""Bytes to a printer's raw port (9100). The port answers nothing: what it took may still lie in the printer's memory."""

from __future__ import annotations

import importlib
import importlib.util
import os
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from masking.errors import InputError, UnavailableError

PORT = 9100
PATIENCE = 30.0
"""Seconds that a printer may stand still, paper out or head open, before the job breaks off."""


@contextmanager
def printer(address: str, *, patience: float = PATIENCE) -> Iterator[Callable[[bytes], None]]:
    """A function that hands bytes to the printer at `HOST` or `HOST:PORT`.

    It returns when the other side has the last one, which is not yet on paper then.

    Raises:
        InputError: the address is none.
        UnavailableError: nobody answers there; from the function, too, when the printer stops taking bytes.
    """
    host, _, port = address.partition(":")
    if not host or (port and not (port.isdecimal() and 0 < int(port) < 65536)):
        raise InputError("printer", "not HOST or HOST:PORT")
    try:
        wire = socket.create_connection((host, int(port or PORT)), timeout=patience)
    except OSError as error:
        raise UnavailableError(f"printer {address} does not answer: {_reason(error)}") from None

    def send(data: bytes) -> None:
        try:
            wire.sendall(data)
            _wait_until_taken(wire, patience)
        except OSError as error:
            raise UnavailableError(f"printer {address} stopped: {_reason(error)}") from None

    with wire:
        yield send


def _wait_until_taken(wire: socket.socket, patience: float) -> None:
    """Return when the other side's machine has every byte; `sendall` returns when this one's memory has.

    Windows can't say how many bytes are left, so there a label counts as taken when this machine's memory has it.

    Raises:
        OSError: the connection broke, or nothing was taken for `patience` seconds.
    """
    if importlib.util.find_spec("termios") is None:
        return
    fcntl, termios = importlib.import_module("fcntl"), importlib.import_module("termios")
    left, since = b"", time.monotonic()
    while (now := fcntl.ioctl(wire, termios.TIOCOUTQ, bytes(4))) != bytes(4):
        if error := wire.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            raise OSError(error, os.strerror(error))
        if now != left:
            left, since = now, time.monotonic()
        elif time.monotonic() - since > patience:
            raise TimeoutError
        time.sleep(0.005)


def _reason(error: OSError) -> str:
    return "it takes no bytes" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
