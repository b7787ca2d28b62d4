"""A web shop in gunicorn and uvicorn, on a service or on a folder: sixteen clients, and no order is lost, however it forks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

import masking
from tests.support.forking_programs import damage
from tests.support.people import SHOP
from tests.support.running_service import ROOT
from tests.support.shop_programs import order_of
from tests.support.waiting import wait_until

GUNICORN = "gunicorn tests.support.shop_programs:application --workers 2 --threads 4 --timeout 60 --no-control-socket"
SERVERS = {
    "threads": GUNICORN,
    "preload": f"{GUNICORN} --preload",
    "daemon": f"{GUNICORN} --preload --daemon",
    "asgi": "uvicorn tests.support.shop_programs:asgi --workers 2 --log-level warning",
}


@contextmanager
def web_shop(kind: str, folder: Path, **environment: str) -> Iterator[str]:
    """The address of a web shop; its log lies in the folder."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    pid_file, log = folder / "pid", folder / "log"
    place = ["--port", str(port)] if kind == "asgi" else ["--bind", f"127.0.0.1:{port}", "--pid", str(pid_file)]
    command = [sys.executable, "-m", *SERVERS[kind].split(), *place]
    with log.open("w") as file:
        server = subprocess.Popen(command, cwd=ROOT, env=os.environ | environment, stdout=file, stderr=file)
    try:
        wait_for_port(port, log)
        yield f"http://127.0.0.1:{port}"
    finally:
        if kind == "daemon":
            server.wait(30)
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
            wait_until(lambda: not pid_file.exists(), 60, log.read_text)
        else:
            server.terminate()
            server.wait(30)


def wait_for_port(port: int, log: Path) -> None:
    def answers() -> bool:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            return False
        return True

    wait_until(answers, 60, log.read_text)


def said_to_clients(url: str, names: list[str]) -> Counter[str]:
    """What the shop answers to sixteen clients."""
    with httpx.Client(timeout=60) as http, ThreadPoolExecutor(16) as clients:
        return Counter(clients.map(lambda name: http.get(f"{url}/{name}").text, names))


@pytest.mark.parametrize("kind", SERVERS)
def test_web_shop_on_a_service_answers_sixteen_clients(service, credentials, tmp_path, kind):
    file, names = str(credentials(SHOP)), [f"{kind}-{n}" for n in range(96)]
    opened = "at-import" if kind in {"preload", "daemon"} else "in-each-worker"
    with web_shop(kind, tmp_path, URL=service.url, CREDENTIALS=file, OPENED=opened) as url:
        assert said_to_clients(url, names) == {"active": 96}, (tmp_path / "log").read_text()
    with masking.connect(service.url, credentials=file) as shop:
        assert [len(shop.find(reference=name)) for name in names[::8]] == [1] * 12


@pytest.mark.parametrize(
    ("kind", "opened"),
    [
        ("threads", "at-import"),
        ("preload", "in-each-worker"),
        ("preload", "at-import"),
        ("daemon", "in-each-worker"),
        ("asgi", "in-each-worker"),
    ],
)
def test_web_shop_on_a_folder_loses_no_order(tmp_path, kind, opened):
    """Where the master process opened the shop and then forked, each request is answered with what to do."""
    folder, names = tmp_path / "deployment", [f"{kind}-{n}" for n in range(48)]
    refused = (kind, opened) == ("preload", "at-import")
    with web_shop(kind, tmp_path, URL=str(folder), OPENED=opened) as url:
        said = said_to_clients(url, names)
        with masking.connect(folder) as beside:  # another program, which closes the files while workers go on
            beside.checkout([order_of("beside")])
        said += said_to_clients(url, ["last"])
    advice = "ForkedError: this was opened before a fork; call connect() in each process"
    assert said == {advice if refused else "active": 49}, (tmp_path / "log").read_text()
    with masking.connect(folder) as shop:
        found = {name: len(shop.find(reference=name)) for name in [*names, "last"]}
        assert set(found.values()) == {0 if refused else 1}
        kept = ["beside", *(["preloaded"] if opened == "at-import" else [])]
        assert [len(shop.find(reference=name)) for name in kept] == [1] * len(kept)
    assert [damage(file) for file in folder.glob("*.sqlite")] == ["ok"] * 2


def test_threads_open_a_new_folder_at_once(tmp_path):
    together = threading.Barrier(6)

    def sell(number: int) -> str:
        together.wait(30)
        with masking.connect(tmp_path / "deployment") as shop:
            return str(shop.checkout([order_of(f"new-{number}")])[0].state)

    with ThreadPoolExecutor(6) as threads:
        assert list(threads.map(sell, range(6))) == ["active"] * 6
    with masking.connect(tmp_path / "deployment") as shop:
        assert [len(shop.find(reference=f"new-{n}")) for n in range(6)] == [1] * 6
