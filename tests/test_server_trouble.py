"""Database servers that wait, freeze, fail over or sit behind a pooler: nothing hangs with them, and the cause is named."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import httpx
import pytest
import sqlalchemy as sa
from sqlalchemy.exc import OperationalError

from api.cli.main import main
from api.service.request_models import ORDER
from masking.database import schema
from masking.database.causes import Cause, fault_of
from masking.database.connections import open_engine
from masking.database.engine import reading, transaction
from masking.deployment import create
from masking.disk import network_file_system
from masking.errors import SettingsError, UnavailableError
from masking.runtime import World
from masking.store.store import Settings
from tests.support import postgresql
from tests.support.people import COURIER, RECEIVER, SHOP
from tests.support.running_service import load_parcels_on_van, make_deployment, run_service, run_service_process
from tests.support.waiting import wait_until

WORLD = World()
TOO_SLOW = 'waybill_unavailable_total{cause="too-slow",database=""} 1'
FROZEN = 3.0
"""Seconds for which a server is frozen, or its standby gone."""


@pytest.fixture(scope="module")
def servers() -> Iterator[tuple[postgresql.Programs, postgresql.Programs]]:
    with postgresql.pair() as both:
        yield both


def addresses(server: postgresql.Programs, name: str) -> tuple[str, str]:
    data, keys = (postgresql.create(str(server.home), f"{name}-{what}") for what in ("data", "keys"))
    return data, keys


@contextmanager
def stopped(server: postgresql.Programs) -> Iterator[None]:
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


@contextmanager
def standby_gone(first: postgresql.Programs, second: postgresql.Programs) -> Iterator[None]:
    """Every COMMIT of the first waits for a standby that does not answer."""
    first.say("ALTER SYSTEM SET synchronous_standby_names = '*'")
    first.say("SELECT pg_reload_conf()")
    with stopped(second):
        yield
    first.say("ALTER SYSTEM RESET synchronous_standby_names")
    first.say("SELECT pg_reload_conf()")


@pytest.mark.parametrize("trouble", ["standby gone", "server frozen"])
def test_healthz_answers_while_the_database_does_not(servers, tmp_path, trouble):
    first, second = servers
    folder = tmp_path / "deployment"
    make_deployment(folder, WORLD, addresses(first, trouble.replace(" ", "-")))
    with run_service(folder) as service:
        [label, *_] = load_parcels_on_van(WORLD, service.store, 3)
        for who in (SHOP, COURIER, RECEIVER):
            service.token(who)
        answers: list[int] = []

        def ask(who, path, body) -> None:
            answers.append(service.ask(who, path, body, timeout=60).status_code)

        requests = [
            (COURIER, "/v1/resolve", {"items": [{"code": label.code, "purpose": "deliver"}]}),
            (SHOP, "/v1/waybills", {"orders": [ORDER | {"reference": "meanwhile"}]}),
            (RECEIVER, "/v1/scans", {"items": [{"what": label.code, "kind": "arrived"}]}),
        ]
        assert service.http.get("/healthz").status_code == 200
        threads = [threading.Thread(target=ask, args=each) for each in requests]
        taken = []
        with standby_gone(first, second) if trouble == "standby gone" else stopped(first):
            for thread in threads:
                thread.start()
            until = time.monotonic() + FROZEN
            while time.monotonic() < until:
                began = time.monotonic()
                assert service.http.get("/healthz").status_code == 200
                taken.append(time.monotonic() - began)
        for thread in threads:
            thread.join()
        assert len(answers) == 3
        assert median(taken) < 0.1
        assert max(taken) < FROZEN / 2


def test_group_that_waits_for_the_store_is_answered_503_in_time(servers, tmp_path, monkeypatch):
    monkeypatch.setattr("api.service.batching.LONGEST", 0.5)
    first, second = servers
    folder = tmp_path / "deployment"
    make_deployment(folder, WORLD, addresses(first, "in-time"))
    with run_service(folder) as service:
        service.token(SHOP)
        orders = {"orders": [ORDER | {"reference": "waits"}]}
        with standby_gone(first, second):
            answer = service.ask(SHOP, "/v1/waybills", orders)
            assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
            monkeypatch.setattr("api.service.batching.LONGEST", 60)  # the next answer may take a busy machine a while
        [outcome] = service.outcomes(SHOP, "/v1/waybills", orders)
        assert outcome["reference"] == "waits"
        counted = [line for line in service.http.get("/metrics").text.splitlines() if "unavailable" in line]
        assert counted == ["# TYPE waybill_unavailable_total counter", TOO_SLOW]


@contextmanager
def pooled(server: postgresql.Programs, folder: Path, port: int) -> Iterator[None]:
    """Debian's pgbouncer in front of a server, which gives each transaction whichever connection is free."""
    settings, log = folder / "pgbouncer.ini", folder / "pgbouncer.log"
    settings.write_text(
        f"[databases]\n* = host={server.home} user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {folder}\nlisten_port = {port}\n"
        f"auth_type = any\npool_mode = transaction\ndefault_pool_size = 3\nlogfile = {log}\nserver_reset_query_always = 0\n",
        "utf-8",
    )
    folder.chmod(0o777)
    log.touch()
    log.chmod(0o666)
    command = ["pgbouncer", "-q", str(settings)]
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    with subprocess.Popen(command, user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as pooler:
        try:
            while not (folder / f".s.PGSQL.{port}").exists():
                assert pooler.poll() is None, log.read_text("utf-8")
                time.sleep(0.02)  # the process is starting
            yield
        finally:
            pooler.terminate()


@pytest.mark.system("pgbouncer")
def test_deployment_works_behind_a_pooler_in_transaction_mode(servers):
    first, _ = servers
    place = Path(tempfile.mkdtemp(prefix="pooler-"))  # a socket's path is short, and `nobody` may enter
    direct = addresses(first, "pooled")
    urls = tuple(url.replace(str(first.home), f"{place}&port=6543") for url in direct)
    with pooled(first, place, 6543):
        make_deployment(place / "deployment", WORLD, (urls[0], urls[1]))
        with run_service(place / "deployment") as service:
            labels = load_parcels_on_van(WORLD, service.store, 12)
            for n in range(12):  # a prepared statement is one from the fifth execution on
                assert service.outcomes(SHOP, "/v1/waybills", {"orders": [ORDER | {"reference": f"pooled-{n}"}]})
            threads = [
                threading.Thread(
                    target=service.outcomes,
                    args=(COURIER, "/v1/resolve", {"items": [{"code": each.code, "purpose": "deliver"}]}),
                )
                for each in labels
            ]
            service.token(COURIER)
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            assert service.http.get("/readyz").json()["ready"]
            text = service.http.get("/metrics").text
            assert 'route="/v1/resolve",status="200"} 12' in text
            assert "waybill_unavailable_total{" not in text
    shutil.rmtree(place)


def test_store_follows_a_failover_without_a_restart():
    with postgresql.pair() as (first, second):
        for name, value in (("synchronous_commit", "remote_apply"), ("synchronous_standby_names", "*")):
            first.say(f"ALTER SYSTEM SET {name} = '{value}'")
        first.say("SELECT pg_reload_conf()")
        postgresql.create(str(first.home), "moves")
        url = f"postgresql+psycopg://postgres@/moves?host={first.home}:5432&host={second.home}:5432"
        engine = open_engine(f"{url}&target_session_attrs=read-write", "data")
        with transaction(engine) as tx:
            schema.data.create_all(tx)
        with reading(engine) as other, transaction(engine) as tx:  # two connections in the pool
            assert other.execute(sa.select(1)).scalar() == tx.execute(sa.select(1)).scalar() == 1
        second.run("pg_ctl", "-w", "promote")
        first.say("ALTER SYSTEM SET default_transaction_read_only = on")
        first.say("SELECT pg_reload_conf()")  # the pool's connections go on, to a server that takes no writes any more
        wait_until(lambda: both_read_only(engine))  # a COMMIT before that would wait for the standby that is none now
        with pytest.raises(UnavailableError) as caught:
            write(engine, 1)
        assert caught.value.fault == ("read-only", "data", "25006")
        write(engine, 2)  # without a restart, and on the other server
        with reading(engine) as tx:
            assert tx.execute(sa.select(sa.func.count()).select_from(schema.alarm)).scalar() == 1
            [directory] = tx.execute(sa.text("SHOW unix_socket_directories")).one()
        assert directory == str(second.home)
        engine.dispose()


def both_read_only(engine: sa.Engine) -> bool:
    """Whether the two connections of the pool have read the server's settings anew."""
    with reading(engine) as one, reading(engine) as other:
        asked = sa.text("SHOW default_transaction_read_only")
        return {one.execute(asked).scalar(), other.execute(asked).scalar()} == {"on"}


def write(engine: sa.Engine, number: int) -> None:
    with transaction(engine) as tx:
        tx.execute(schema.alarm.insert().values(id=number.to_bytes(16, "big"), at=number, kind="k", actor="courier-1"))


def test_cause_of_an_unreachable_server_is_in_the_log_and_in_the_metrics(tmp_path, capfd):
    folder = tmp_path / "deployment"
    with postgresql.pair() as (first, _):
        make_deployment(folder, WORLD, addresses(first, "causes"))
        with run_service(folder) as service:
            service.token(SHOP)
            first.stop()
            answer = service.ask(SHOP, "/v1/waybills", {"orders": [ORDER]})
            assert answer.status_code == 503
            text = service.app.state.service.metrics.text({})
    [line] = [each for each in text.splitlines() if each.startswith("waybill_unavailable_total{")]
    assert line.split("{")[1].split(",")[0] in {
        'cause="connection-lost"',
        'cause="shutting-down"',
        'cause="unreachable"',
    }
    assert 'database="data"' in line


@pytest.mark.parametrize(
    ("number", "cause"),
    [
        (sqlite3.SQLITE_FULL, Cause.DISK_FULL),
        (sqlite3.SQLITE_IOERR_WRITE, Cause.DISK_ERROR),
        (sqlite3.SQLITE_READONLY_DBMOVED, Cause.READ_ONLY),
        (sqlite3.SQLITE_MISUSE, Cause.OTHER),
    ],
)
def test_sqlite_code_is_named_by_its_cause(number, cause):
    error = sqlite3.OperationalError("a message that may hold 13800000001")
    error.sqlite_errorcode, error.sqlite_errorname = number, "SQLITE_X"
    fault = fault_of(OperationalError("INSERT", {}, error), "keys")
    assert fault == (cause, "keys", "SQLITE_X")


@pytest.mark.parametrize(
    ("message", "cause"),
    [
        ("FATAL:  sorry, too many clients already", Cause.CONNECTION_LIMIT),
        ("FATAL:  remaining connection slots are reserved", Cause.CONNECTION_LIMIT),
        ("FATAL:  the database system is starting up", Cause.STARTING),
        ("connection refused", Cause.UNREACHABLE),
    ],
)
def test_refused_connection_is_named_by_the_servers_message(message, cause):
    assert fault_of(OperationalError(None, None, Exception(message)), "data") == (cause, "data", "")


def test_full_disk_of_sqlite_is_named_by_a_real_error(tmp_path):
    engine = open_engine(f"sqlite:///{tmp_path / 'data.sqlite'}", "data")
    with transaction(engine) as tx:
        schema.data.create_all(tx)
    with pytest.raises(UnavailableError) as caught, transaction(engine) as tx:
        tx.exec_driver_sql("PRAGMA max_page_count = 1")  # SQLite's own way to be full
        for number in range(10_000):
            tx.execute(schema.alarm.insert().values(id=number.to_bytes(16, "big"), at=1, kind="k", actor="a" * 60))
    assert caught.value.fault == ("disk-full", "data", "SQLITE_FULL")
    engine.dispose()


def test_sqlite_that_keeps_no_write_ahead_log_is_refused(tmp_path):
    url = f"sqlite:///file:{tmp_path / 'data.sqlite'}?vfs=unix-dotfile&uri=true"  # its locks are files, it shares no memory
    with pytest.raises(SettingsError, match=r"journal_mode stays delete.* local disk"), transaction(open_engine(url)):
        pass


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "fuse.sshfs"])
def test_network_file_system_is_recognised_by_the_topmost_mount(tmp_path, kind):
    line = "36 35 0:46 / {} rw,relatime shared:1 - {} server:/export rw\n"
    root = line.format("/", "ext4")
    spaced = tmp_path / "two words"
    spaced.mkdir()
    escaped = str(spaced).replace(" ", "\\040")
    assert network_file_system(tmp_path, root) == ""
    assert network_file_system(spaced / "data.sqlite", root + line.format(escaped, kind)) == kind
    assert network_file_system(tmp_path, root + line.format(escaped, kind)) == ""
    assert network_file_system(tmp_path, root + line.format(tmp_path, kind) + line.format(tmp_path, "ext4")) == ""


def test_deployment_on_a_network_file_system_does_not_open(tmp_path, monkeypatch):
    monkeypatch.setattr("masking.deployment.network_file_system", lambda _: "nfs4")
    with pytest.raises(SettingsError, match=r"sqlite is on a network file system \(nfs4\)"):
        create(tmp_path / "deployment", WORLD, Settings())


def children(process: int) -> set[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text("utf-8").split()
    named = {int(each): Path(f"/proc/{each}/cmdline").read_bytes() for each in found}
    return {each for each, command in named.items() if b"resource_tracker" not in command}


def test_worker_that_dies_while_the_database_is_away_waits_for_it(tmp_path):
    with postgresql.pair() as (first, _):
        make_deployment(tmp_path / "deployment", WORLD, addresses(first, "away"))
        log = tmp_path / "log"
        with run_service_process("--folder", tmp_path / "deployment", "--workers", "2", log=log) as (parent, url):
            wait_until(lambda: started(log) == 2)
            first.stop()
            os.kill(max(children(parent.pid)), signal.SIGKILL)
            wait_until(lambda: '"waiting for the store"' in log.read_text("utf-8"))
            assert '"cause": "unreachable"' in log.read_text("utf-8")
            first.start()
            wait_until(lambda: started(log) == 3)
            assert parent.poll() is None
            assert len(children(parent.pid)) == 2
            wait_until(lambda: answers_ready(url))
        assert parent.returncode == 0


def started(log: Path) -> int:
    """How many workers have come up so far."""
    return log.read_text("utf-8").count("Application startup complete")


def answers_ready(url: str) -> bool:
    try:
        return bool(httpx.get(f"{url}/readyz", timeout=30).json()["ready"])
    except httpx.TransportError:
        return False


def test_start_names_a_database_server_that_is_away(tmp_path, capsys):
    with postgresql.pair() as (first, _):
        make_deployment(tmp_path / "deployment", WORLD, addresses(first, "down"))
        first.stop()
        assert main(["doctor", "--folder", str(tmp_path / "deployment")]) == 1
    assert "the server of the data database can't be used now (unreachable). Start it" in capsys.readouterr().out
