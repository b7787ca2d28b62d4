"""Alarms reach people: a real webhook, a real command, the log, the metrics, and the command `waybill alarms`."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from api.deployment import opening
from api.service.alarm_delivery import Destinations, read_destinations, send_alarms
from masking.config import SETTINGS
from masking.errors import SettingsError
from masking.runtime import World
from masking.store import alarms
from masking.store.alarms import CLAIM
from masking.upkeep.retention_run import nightly
from masking.words.alarms import AlarmKind
from tests.support.commands import run_waybill
from tests.support.people import COURIER, DISPATCHER, OPERATOR
from tests.support.running_service import make_deployment, run_service_process, wait_until_ready


class Receiver:
    """A webhook: what was posted to it, and the status that it answers next; `gate` holds answers back."""

    def __init__(self) -> None:
        self.posted: queue.Queue[dict[str, object]] = queue.Queue()
        self.status = 204
        self.gate = threading.Event()
        self.gate.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that http.server calls
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.posted.put(json.loads(body))
                outer.gate.wait()
                self.send_response(outer.status)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook?key=secret"


@contextmanager
def listening() -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.gate.set()
        receiver.server.shutdown()
        thread.join()
        receiver.server.server_close()


def raised(world, store, kind=AlarmKind.CANARY):
    with store.transaction() as tx:
        alarms.raise_alarm(tx, kind, COURIER.id, world.now(), world, partner=DISPATCHER.id)


def undelivered(store):
    with store.reading() as tx:
        return alarms.undelivered(tx)


def test_alarm_is_posted_once_without_the_people_it_concerns(world, store):
    raised(world, store)
    with listening() as receiver:
        there = Destinations(webhook=receiver.address)
        assert send_alarms(world, store, there) == ["canary"]
        assert send_alarms(world, store, there) == []
        sent = receiver.posted.get_nowait()
        assert receiver.posted.empty()
    assert sent.keys() == {"id", "at", "kind", "attempt", "meaning", "remedy"}
    assert (sent["kind"], sent["attempt"], sent["meaning"]) == ("canary", 1, AlarmKind.CANARY.meaning)
    assert COURIER.id not in json.dumps(sent)
    assert DISPATCHER.id not in json.dumps(sent)


def test_failed_alarm_is_sent_again_later_under_the_same_id(world, store, fake_world, caplog):
    raised(world, store)
    with listening() as receiver:
        there = Destinations(webhook=receiver.address)
        receiver.status = 500
        assert send_alarms(world, store, there) == ["canary"]
        assert undelivered(store) == 1
        assert send_alarms(world, store, there) == []  # it waits a minute
        fake_world.advance(seconds=61)
        receiver.status = 204
        assert send_alarms(world, store, there) == []  # it is not new
        assert undelivered(store) == 0
        first, second = receiver.posted.get_nowait(), receiver.posted.get_nowait()
        assert receiver.posted.empty()
    assert (first["id"], first["attempt"], second["attempt"]) == (second["id"], 1, 2)
    assert "secret" not in caplog.text


def test_alarm_with_no_destination_waits_with_its_whole_batch(world, store):
    for kind in list(AlarmKind)[:3]:
        raised(world, store, kind)
    with listening() as receiver:
        receiver.status = 503
        assert len(send_alarms(world, store, Destinations(webhook=receiver.address))) == 3
        assert receiver.posted.qsize() == 1
    assert undelivered(store) == 3


def test_claimed_alarm_belongs_to_one_worker_until_the_claim_ends(world, store, fake_world):
    raised(world, store)
    with store.transaction() as tx:
        [claimed] = alarms.claim(tx, world.now())
    with store.transaction() as tx:
        assert alarms.claim(tx, world.now()) == []
    fake_world.advance(seconds=CLAIM / timedelta(seconds=1) + 1)  # as after a crash
    with store.transaction() as tx:
        assert [each.id for each in alarms.claim(tx, world.now())] == [claimed.id]


@pytest.mark.parametrize("urls", ["file"], indirect=True)
def test_alarm_command_reads_the_alarm_and_is_retried_after_failure(world, store, fake_world, tmp_path):
    program = tmp_path / "call"
    program.write_text(
        f"#!{sys.executable}\nimport sys\nopen({str(tmp_path / 'got')!r}, 'a').write(sys.stdin.read() + '\\n')\n"
        f"sys.exit(not __import__('os').path.exists({str(tmp_path / 'able')!r}))\n"
    )
    program.chmod(0o700)
    raised(world, store)
    there = Destinations(command=(str(program),))
    send_alarms(world, store, there)
    assert undelivered(store) == 1
    (tmp_path / "able").touch()
    fake_world.advance(seconds=61)
    send_alarms(world, store, there)
    assert undelivered(store) == 0
    got = [json.loads(line) for line in (tmp_path / "got").read_text("utf-8").splitlines()]
    assert [(each["kind"], each["attempt"]) for each in got] == [("canary", 1), ("canary", 2)]
    raised(world, store)
    send_alarms(world, store, Destinations(command=(str(tmp_path / "missing"),)))
    assert undelivered(store) == 1


def test_acknowledged_alarm_is_not_sent_again(world, store, fake_world):
    raised(world, store)
    send_alarms(world, store, Destinations(webhook="http://127.0.0.1:1/"))
    with store.transaction() as tx:
        [alarm] = alarms.open_alarms(tx)
        assert alarms.acknowledge(tx, [alarm.id], world.now()) == 1
        assert alarms.acknowledge(tx, [alarm.id], world.now()) == 0
    fake_world.advance(hours=2)
    with store.transaction() as tx:
        assert (alarms.claim(tx, world.now()), alarms.open_alarms(tx), alarms.undelivered(tx)) == ([], [], 0)


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_stuck_webhook_does_not_stop_a_running_service(tmp_path, urls):
    world, folder, log = World(), tmp_path / "d", tmp_path / "log"
    make_deployment(folder, world, addresses=urls)
    with listening() as receiver:
        with (folder / SETTINGS).open("a", encoding="utf-8") as settings:
            settings.write(f'[alarms]\nwebhook = "{receiver.address}"\n')
        with opening(folder, world) as store:
            raised(world, store)
            receiver.gate.clear()
            with run_service_process("--folder", folder, "--workers", "2", log=log) as (_, url):
                wait_until_ready(url)
                assert receiver.posted.get(timeout=30)["kind"] == "canary"  # and waits for its answer
                for path, status in (("/healthz", 200), ("/readyz", 200), ("/v1/sources", 401)):
                    assert httpx.get(url + path, timeout=5).status_code == status
                receiver.gate.set()
                raised(world, store, AlarmKind.REPRINTS)
                assert receiver.posted.get(timeout=30)["kind"] == "reprints"
                counted = [f'waybill_alarms_total{{kind="{kind}"}} 1' for kind in ("canary", "reprints")]
                while not all(line in (page := httpx.get(f"{url}/metrics").text) for line in counted):
                    threading.Event().wait(0.1)  # a worker tells the other its counts every second
                assert undelivered(store) == 0
                assert "waybill_alarms_undelivered 0" in page
            assert receiver.posted.empty()
    lines = [json.loads(line) for line in log.read_text("utf-8").splitlines()]
    rung = [line for line in lines if line["event"] == "alarm"]
    assert [(line["level"], line["kind"]) for line in rung] == [("warning", "canary"), ("warning", "reprints")]
    assert not any(word in json.dumps(rung) for word in (COURIER.id, DISPATCHER.id))


def test_failing_delivery_shows_in_readyz_and_doctor(tmp_path, capsys):
    world, folder = World(), tmp_path / "d"
    make_deployment(folder, world)
    with (folder / SETTINGS).open("a", encoding="utf-8") as settings:
        settings.write('[alarms]\nwebhook = "http://127.0.0.1:1/"\n')
    with opening(folder, world) as store:
        raised(world, store)
    assert run_waybill("alarms", "deliver", "--folder", folder) == 1
    assert run_waybill("doctor", "--folder", folder) == 1
    assert "WRONG  1 alarms were not delivered" in capsys.readouterr().out
    with run_service_process("--folder", folder) as (_, url):
        wait_until_ready(url)
        assert "alarms-not-delivered" in httpx.get(f"{url}/readyz").json()["risks"]


def test_nightly_run_prunes_alarms_acknowledged_long_ago_and_no_others(store, world, fake_world):
    with store.transaction() as tx:
        for actor in ("courier-1", "courier-2", "courier-3"):
            alarms.raise_alarm(tx, AlarmKind.CANARY, actor, world.now(), world)
        old, recent, left = (each.id for each in alarms.open_alarms(tx))
        alarms.acknowledge(tx, [old], world.now())
    fake_world.advance(days=45)
    with store.transaction() as tx:
        alarms.acknowledge(tx, [recent], world.now())
    fake_world.advance(days=46)
    lines = {line.what: line.times for line in nightly(world, store, OPERATOR)}
    assert lines["acknowledged alarms pruned"] == 1
    with store.transaction() as tx:
        kept = {each.id for each in alarms.open_alarms(tx, everything=True)}
    assert kept == {recent, left}


def test_operator_lists_and_acknowledges_alarms(tmp_path, capsys):
    world, folder = World(), tmp_path / "d"
    make_deployment(folder, world)
    with opening(folder, world) as store:
        raised(world, store)
    assert run_waybill("alarms", "list", "--folder", folder) == 0
    first, second = capsys.readouterr().out.splitlines()
    name, *rest = first.split()
    assert rest[2:5] == ["canary", COURIER.id, DISPATCHER.id]
    assert AlarmKind.CANARY.remedy in second
    assert run_waybill("alarms", "acknowledge", "0" * 32, "--folder", folder) == 1
    assert run_waybill("alarms", "acknowledge", name, "--folder", folder) == 0
    capsys.readouterr()
    assert run_waybill("alarms", "list", "--folder", folder) == 0
    assert capsys.readouterr().out == ""
    assert run_waybill("alarms", "list", "--all", "--folder", folder) == 0
    assert name in capsys.readouterr().out


@pytest.mark.parametrize(
    "table",
    [
        'webhook = "http://alarms.example/"',
        'webhook = "https://user:secret@alarms.example/"',
        'webhook = "ftp://alarms.example/"',
        'command = "call-me"',
        'command = ["call-me"]\nwebhook = "https://alarms.example/"',
        'mail = "me"',
    ],
)
def test_disallowed_alarm_destination_is_refused(tmp_path, table):
    (tmp_path / SETTINGS).write_text(f"[alarms]\n{table}\n", "utf-8")
    with pytest.raises(SettingsError, match=r"\[alarms\]"):
        read_destinations(tmp_path)
