"""Where labels are sent: IPv6 printers, device files, and queues of a real CUPS."""

from __future__ import annotations

import os
import pty
import shutil
import socket
import subprocess
import threading
import tty
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import masking
from api.cli.main import main
from api.printing.sending import media_of, printer
from masking.deployment import create
from masking.errors import InputError, UnavailableError
from masking.runtime import World
from masking.store.store import Settings
from masking.values.plaintext import Order
from masking.values.printable import Waybill
from print_templates.render import render
from tests.support import printer_languages
from tests.support.people import NETWORK
from tests.support.sample_labels import sample_label

CUPSD = """
Listen {folder}/cups.sock
DefaultAuthType None
PreserveJobFiles Yes
<Location />
Order allow,deny
Allow all
</Location>
<Policy default>
<Limit All>
Order deny,allow
</Limit>
</Policy>
"""
CUPS_FILES = """
ServerRoot {folder}/root
RequestRoot {folder}/spool
TempDir {folder}/spool/tmp
CacheDir {folder}/cache
StateDir {folder}/state
AccessLog {folder}/access
ErrorLog {folder}/error
PageLog {folder}/page
"""


@pytest.fixture
def deployment(tmp_path: Path, order: Callable[..., Order]) -> tuple[Path, list[str]]:
    """A folder with three waybills."""
    folder = tmp_path / "deployment"
    create(folder, World(), Settings(network=NETWORK))
    with masking.connect(folder) as shop:
        orders = [order(f"T-{n}", waybill_number=f"YT{n:012}") for n in range(1, 4)]
        return folder, [each.id for each in shop.checkout(orders) if isinstance(each, Waybill)]


def print_all(deployment: tuple[Path, list[str]], address: str, *more: str) -> int:
    folder, ids = deployment
    words = ["label", *ids, "--job", "j1", "--to", "tspl", "--template", "60x40"]
    return main([*words, "--printer", address, "--folder", str(folder), *more])


def test_job_is_printed_on_a_device_file(deployment: tuple[Path, list[str]]) -> None:
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    try:
        taken = bytearray()

        def read() -> None:
            while taken.count(b"PRINT 1,1\r\n") < 3:
                taken.extend(os.read(ours, 65536))

        thread = threading.Thread(target=read, daemon=True)
        thread.start()
        assert print_all(deployment, os.ttyname(theirs)) == 0
        thread.join(30)
    finally:
        os.close(ours)
        os.close(theirs)
    assert len(printer_languages.tspl(bytes(taken), 8)) == 3


def test_device_that_takes_nothing_times_out(tmp_path: Path) -> None:
    pipe = tmp_path / "printer"
    os.mkfifo(pipe)
    still = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        with printer(str(pipe), patience=0.2) as send, pytest.raises(UnavailableError, match="receives no bytes"):
            send(bytes(1_000_000))
    finally:
        os.close(still)


@pytest.mark.parametrize("form", ["[::1]:{port}", "[0:0:0:0:0:0:0:1]:{port}"])
def test_job_is_printed_on_an_ipv6_printer(deployment: tuple[Path, list[str]], form: str) -> None:
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as server:
        taken = bytearray()

        def serve() -> None:
            wire, _ = server.accept()
            with wire:
                while data := wire.recv(65536):
                    taken.extend(data)

        thread = threading.Thread(target=serve)
        thread.start()
        assert print_all(deployment, form.format(port=server.getsockname()[1])) == 0
        thread.join(30)
    assert len(printer_languages.tspl(bytes(taken), 8)) == 3


@pytest.mark.parametrize(
    "address", ["", ":9100", "host:0", "host:99999", "[::1", "a b", "cups:", "cups:-d", "cups:a/b"]
)
def test_address_that_is_not_a_printers_is_refused(address: str) -> None:
    with pytest.raises(InputError):
        printer(address)


def test_regular_file_is_refused_as_a_printer(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"kept")
    with pytest.raises(InputError, match="neither a printer's device nor a pipe"), printer(str(tmp_path / "file")):
        pass
    assert (tmp_path / "file").read_bytes() == b"kept"


@contextmanager
def cups(folder: Path) -> Iterator[None]:
    """A CUPS of its own, reached by CUPS_SERVER."""
    for name in ("root", "spool/tmp", "cache", "state"):
        (folder / name).mkdir(parents=True)
    for name, text in (("cupsd.conf", CUPSD), ("cups-files.conf", CUPS_FILES)):
        (folder / name).write_text(text.format(folder=folder))
    daemon = shutil.which("cupsd") or "/usr/sbin/cupsd"
    process = subprocess.Popen([daemon, "-f", "-c", folder / "cupsd.conf", "-s", folder / "cups-files.conf"])
    try:
        while not (folder / "cups.sock").exists():
            assert process.poll() is None, (folder / "error").read_text()
        yield
    finally:
        process.terminate()
        process.wait(30)


@pytest.mark.system("/usr/sbin/cupsd", "/usr/sbin/lpadmin", "lp")
def test_cups_queue_gets_each_label_byte_for_byte(
    deployment: tuple[Path, list[str]],
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tmp_path_factory.mktemp("cups")
    monkeypatch.setenv("CUPS_SERVER", str(folder / "cups.sock"))
    with cups(folder):
        queue = ["/usr/sbin/lpadmin", "-p", "labels", "-E", "-v", "file:/dev/null", "-m", "raw"]
        subprocess.run(queue, check=True, capture_output=True)
        assert print_all(deployment, "cups:labels") == 0
        queued = sorted((folder / "spool").glob("d*"))
        assert print_all(deployment, "cups:labels", "--job", "j1", "--to", "pdf") == 0, "each label is queued once"
        assert sorted((folder / "spool").glob("d*")) == queued
        with printer("cups:labels", options=media_of((100, 180))) as send:
            send(render([sample_label()]).data)
        with (
            printer("cups:other") as send,
            pytest.raises(UnavailableError, match="refused a label for the queue other"),
        ):
            send(b"")
    [*_, control] = sorted((folder / "spool").glob("c*"))  # written by the time CUPS has ended
    assert b"Custom.100x180mm" in control.read_bytes()
    assert len(queued) == 3
    assert len(printer_languages.tspl(b"".join(each.read_bytes() for each in queued), 8)) == 3
