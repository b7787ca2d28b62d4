"""Sends labels to a printer: to its raw port (9100), its device file, or a CUPS queue.

None of them reports whether a label is on paper: received bytes may still be in the printer's memory or in the queue.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import select
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from masking.errors import InputError, UnavailableError

from ..output import open_stream

PORT = 9100
PATIENCE = 120
"""Seconds that a printer may pause, paper out or head open, before the job fails. Enough to change the roll."""
CONNECTS_IN = 30
"""Seconds within which a network printer has to accept the connection."""
CUPS = "cups:"
RAW = ("-o", "raw")
"""The option of `lp` that sends bytes unchanged."""
TARGETS = "HOST, HOST:PORT, [IPv6]:PORT, a device such as /dev/usb/lp0, or cups:QUEUE"
_HOST = re.compile(r"(?:\[(?P<six>[0-9A-Za-z:.%]+)\]|(?P<name>[^\s:/\[\]]+))(?::(?P<port>\d{1,5}))?")
_QUEUE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,126}")

Send = Callable[[bytes], None]
"""Sends one label. It returns when the other side has received the last byte."""


def printer(address: str, *, patience: float = PATIENCE, options: Sequence[str] = RAW) -> AbstractContextManager[Send]:
    """A function that sends bytes to a printer. `options` are those of CUPS's `lp`.

    Raises:
        InputError: the address is not one of `TARGETS`.
        UnavailableError: no printer answers. The function also raises it when the printer stops receiving.
    """
    if address.startswith(CUPS):
        if not _QUEUE.fullmatch(address.removeprefix(CUPS)):
            raise InputError("printer", "the name of a CUPS queue has letters, digits, dots, hyphens and underscores")
        return _queue(address.removeprefix(CUPS), patience, options)
    if "/" in address:
        return _device(Path(address), patience)
    match = _HOST.fullmatch(address) or re.fullmatch(r"(?P<six>[0-9A-Fa-f]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f.]*)", address)
    found = match.groupdict() if match else {}
    host, port = found.get("six") or found.get("name"), int(found.get("port") or PORT)
    if not host or not 0 < port < 65536:
        raise InputError("printer", f"not one of: {TARGETS}")
    return _network(host, port, patience)


def media_of(paper: Sequence[float]) -> tuple[str, ...]:
    """The options of `lp` for a PDF with pages of this width and height in mm, printed without scaling."""
    width, height = paper
    return "-o", f"media=Custom.{width:g}x{height:g}mm", "-o", "print-scaling=none"


@contextmanager
def _network(host: str, port: int, patience: float) -> Iterator[Send]:
    name = f"printer {host}, port {port},"
    try:
        wire = socket.create_connection((host, port), timeout=min(patience, CONNECTS_IN))
    except OSError as error:
        raise UnavailableError(f"{name} does not answer: {_reason(error)}") from None
    wire.settimeout(patience)

    def send(data: bytes) -> None:
        try:
            wire.sendall(data)
            _wait_until_taken(wire, patience)
        except OSError as error:
            raise UnavailableError(f"{name} stopped: {_reason(error)}") from None

    with wire:
        yield send


@contextmanager
def _device(path: Path, patience: float) -> Iterator[Send]:
    if not (path.is_char_device() or path.is_fifo()):
        raise InputError("printer", f"{path} is neither a printer's device nor a pipe")
    try:
        handle = open_stream(path)
    except OSError as error:
        raise UnavailableError(f"printer {path} can't be opened: {_reason(error)}") from None

    def send(data: bytes) -> None:
        left = memoryview(data)
        try:
            while left:
                if not select.select([], [handle], [], patience)[1]:
                    raise TimeoutError
                with suppress(BlockingIOError):
                    left = left[os.write(handle, left) :]
        except OSError as error:
            raise UnavailableError(f"printer {path} stopped: {_reason(error)}") from None

    try:
        os.set_blocking(handle, False)
        yield send
    finally:
        os.close(handle)


@contextmanager
def _queue(name: str, patience: float, options: Sequence[str]) -> Iterator[Send]:
    """A CUPS job for each label, so that the queue has accepted a label completely or not at all."""

    def send(data: bytes) -> None:
        command = ["lp", "-s", "-d", name, "-t", "waybill", *options]
        try:
            done = subprocess.run(command, input=data, capture_output=True, timeout=patience, check=False)  # noqa: S603  the queue's name is checked
        except FileNotFoundError:
            raise UnavailableError("the program lp of CUPS is missing: install cups-client") from None
        except subprocess.TimeoutExpired:
            raise UnavailableError(f"CUPS did not take a label for the queue {name} within {patience:g} s") from None
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip().removeprefix("lp: ")
            raise UnavailableError(f"CUPS refused a label for the queue {name}: {said}")

    yield send


def _wait_until_taken(wire: socket.socket, patience: float) -> None:
    """Return when the other machine has acknowledged every byte. `sendall` returns when the local buffer has them.

    Windows can't report the bytes left, so there a label counts as received when it is in the local buffer.

    Raises:
        OSError: the connection broke, or nothing was received for `patience` seconds.
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
    return "it receives no bytes" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
