"""Orders that wait: none is lost to threads, processes or kill -9, none is replaced, and all are sent when the service is back."""

from __future__ import annotations

import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import threading
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler

import httpx
import pytest

from masking.client import RemoteShop
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.client.outbox import Outbox
from masking.client.sealed import LATER
from masking.client.state import StateFolder
from masking.errors import SettingsError, UnavailableError
from masking.runtime import World
from masking.values.printable import Rejected, Waybill
from masking.words.rules import Rule
from tests.support.local_servers import answering, unused_port
from tests.support.people import SHOP
from tests.support.running_service import ROOT
from tests.support.shop_programs import order_of

THREADS = """
import os, sys, threading
from pathlib import Path
from masking.client.outbox import Outbox
from masking.client.sealed import LATER
from masking.client.state import StateFolder
from tests.support.shop_programs import order_of

def keep(name):
    for n in range(12):
        order = order_of(f"{name}-{n}")
        if Outbox(StateFolder(Path(sys.argv[1]))).keep([order], ["AAAA"]) == [True]:
            os.write(1, f"{order.reference}\\n".encode())

threads = [threading.Thread(target=keep, args=(f"{sys.argv[2]}-{n}",)) for n in range(4)]
for each in threads:
    each.start()
for each in threads:
    each.join()
"""


def outbox(folder):
    return Outbox(StateFolder(folder / "shop.json"))


def outbox_of(path):
    return Outbox(StateFolder(path))


def waiting(box):
    return {each.reference for each in box.read(box.names())}


def program(folder, name):
    command = [sys.executable, "-c", THREADS, str(folder / "shop.json"), name]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def test_processes_and_threads_keep_orders_together(tmp_path):
    running = [program(tmp_path, f"p{n}") for n in range(3)]
    said = [each.communicate(timeout=120)[0].split() for each in running]
    kept = {reference for each in said for reference in each}
    assert len(kept) == 3 * 4 * 12
    assert waiting(outbox(tmp_path)) == kept
    assert not list((tmp_path / "shop.outbox").glob(".*"))


def test_killed_process_has_kept_what_it_acknowledged(tmp_path):
    process = program(tmp_path, "killed")
    said = [process.stdout.readline().strip() for _ in range(17)]
    process.send_signal(signal.SIGKILL)
    said += process.communicate()[0].split()
    assert set(said) <= waiting(outbox(tmp_path))


ONE = """
import sys
from pathlib import Path
from masking.client.outbox import Outbox
from masking.client.sealed import LATER
from masking.client.state import StateFolder
from tests.support.shop_programs import order_of

box = Outbox(StateFolder(Path(sys.argv[1])))
for name in ("first", "second"):
    print(*(name for kept in box.keep([order_of(name)], ["AAAA"]) if kept), flush=True)
box.drop(box.read(box.names()[:1]))
print("dropped", flush=True)
"""


CALLS = ("mkdir", "flock", "fsync", "rename", "unlink")
EACH = 1 if os.environ.get("LONG") else 3


def traced(folder, *options):
    """Run `ONE` in a new folder; what it has acknowledged."""
    folder.mkdir()
    command = [
        "strace",
        "-f",
        "-qq",
        *options,
        sys.executable,
        "-B",
        "-c",
        ONE,
        str(folder / "shop.json"),
    ]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False).stdout.split()


@pytest.mark.system("strace")
def test_kill_at_any_system_call_keeps_what_was_acknowledged(tmp_path):
    trace = tmp_path / "trace"
    assert traced(tmp_path / "whole", "-e", f"trace={','.join(CALLS)}", "-o", str(trace)) == [
        "first",
        "second",
        "dropped",
    ]
    lines = trace.read_text().splitlines()
    points = [(call, n + 1) for call in CALLS for n in range(sum(f" {call}(" in line for line in lines))]
    assert len(points) > 20
    acknowledged = set()
    for call, n in points[::EACH]:
        folder = tmp_path / f"{call}-{n}"
        said = traced(folder, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}")
        acknowledged.add(len(said))
        kept = waiting(outbox(folder))
        assert set(said) - kept <= ({"first"} if "second" in said else set()) | {"dropped"}, (call, n)
        again = outbox(folder)
        assert again.keep([order_of("first"), order_of("third")], ["AAAA", "AAAA"]) == [True, True]
        assert {"first", "third"} <= waiting(again)
    assert acknowledged >= {0, 1, 2}


def test_order_waits_once_and_no_other_takes_its_place(tmp_path):
    box = outbox(tmp_path)
    assert box.keep([order_of("A"), order_of("A"), order_of("A", 502)], ["AAAA", "BBBB", "CCCC"]) == [True, True, False]
    [kept] = box.read(box.names())
    assert kept.envelope == "BBBB"  # the later one lives longer
    later = outbox(tmp_path)
    assert later.keep([order_of("A", 503)], ["DDDD"]) == [False]
    later.drop([kept._replace(envelope="EEEE")])  # an older envelope of the same reference was answered
    assert later.read(later.names()) == [kept]
    later.drop([kept])
    assert later.is_empty()
    assert later.keep([order_of("A", 503)], ["DDDD"]) == [True]


def test_digest_needs_the_key_file(tmp_path):
    box = outbox(tmp_path)
    box.keep([order_of("A")], ["AAAA"])
    [first] = box.read(box.names())
    key = tmp_path / "shop.outbox.key"
    assert key.stat().st_mode & 0o777 == 0o600
    key.unlink()
    assert box.keep([order_of("B")], ["AAAA"]) == [True]
    assert not box.is_same(order_of("A"), first)


def test_unreadable_pending_file_holds_back_no_other(tmp_path, caplog):
    box = outbox(tmp_path)
    box.keep([order_of("A"), order_of("B")], ["AAAA", "BBBB"])
    (tmp_path / "shop.outbox" / box.names()[0]).write_text("[")
    assert len(box.read(box.names())) == 1
    assert "can't be read" in caplog.text


def test_files_of_a_killed_process_are_removed_after_an_hour(tmp_path):
    box = outbox(tmp_path)
    box.keep([order_of("A")], ["AAAA"])
    old, new = (tmp_path / "shop.outbox" / name for name in (".a.json.0123", ".b.json.0123"))
    for each in (old, new):
        each.touch()
    os.utime(old, (0, 0))
    box.drop([])
    assert (old.exists(), new.exists()) == (False, True)


def test_unwritable_outbox_acknowledges_nothing(tmp_path):
    (tmp_path / "shop.outbox").write_text("a file in its place")
    with pytest.raises(SettingsError, match=r"can't be written .* state=FOLDER"):
        outbox(tmp_path).keep([order_of("A")], ["AAAA"])


# ---- with a service


@pytest.fixture
def path(service, credentials):
    """Credentials whose state folder knows the service's keys."""
    file = credentials(SHOP, plain=True)
    with RemoteShop(Link(service.url, Credentials.read(file))) as shop:
        shop.checkout([order_of(f"known-{file.stem}")])
    return file


def connected(url, path, world=None):
    return RemoteShop(Link(url, Credentials.read(path), sleep=lambda _: None), world=world)


def down(path, world=None):
    return connected(f"http://127.0.0.1:{unused_port()}", path, world)


def states(outcomes):
    return [each.state if isinstance(each, Waybill) else each.rule for each in outcomes]


def sent_by_the_thread(shop):
    """Wait for the thread that sends what waits."""
    thread = shop.sealed._flusher.get()._thread
    if thread:
        thread.join(60)


def test_other_order_under_a_pending_reference_is_rejected_as_online(service, path):
    with down(path) as shop:
        assert states(shop.checkout([order_of("same-1"), order_of("same-1"), order_of("same-1", 502)])) == [
            "pending", "pending", Rule.CHANGED_AFTER_CHECKOUT,
        ]  # fmt: skip
    with connected(service.url, path) as shop:  # before anything was sent
        assert states(shop.checkout([order_of("same-1", 502)])) == [Rule.CHANGED_AFTER_CHECKOUT]
        assert states(shop.flush().values()) == ["active"]
        assert states(shop.checkout([order_of("same-1", 502)])) == [Rule.CHANGED_AFTER_CHECKOUT]
        assert [each.created for each in shop.checkout([order_of("same-1")])] == [False]


def test_pending_counts_the_waiting_orders(service, path, caplog):
    with down(path) as shop:
        assert (shop.pending().count, shop.pending().first_expires) == (0, None)
        shop.checkout([order_of("count-1"), order_of("count-2")])
        pending = shop.pending()
        assert (pending.count, pending.expiring) == (2, 0)
        assert timedelta(days=2, hours=23) < pending.first_expires - World().now() < timedelta(days=3)
    later = World(now=lambda: World().now() + timedelta(days=2, hours=1))
    with down(path, later) as shop, caplog.at_level(logging.WARNING, "masking.client"):
        assert shop.pending().expiring == 2
        shop.checkout([order_of("count-3")])
        assert "2 of 3 pending orders expire within a day" in caplog.text
        assert "count-" not in caplog.text
    with connected(service.url, path) as shop:
        assert sorted(shop.flush()) == ["count-1", "count-2", "count-3"]
        assert shop.pending().count == 0


def test_waiting_orders_are_sent_after_the_next_success(service, path):
    with down(path) as shop:
        shop.checkout([order_of(f"later-{n}") for n in range(3)])
    with connected(service.url, path) as shop:
        assert states(shop.checkout([order_of("later-9")])) == ["active"]
        sent_by_the_thread(shop)
        assert shop.pending().count == 0
        assert [len(shop.find(reference=f"later-{n}")) for n in range(3)] == [1, 1, 1]


def test_order_rejected_by_the_service_waits_until_flush_reports_it(service, path, caplog):
    with down(path) as shop:
        shop.checkout([order_of("taken-1"), order_of("taken-2")])
    other = path.with_name(f"other-{path.name}")
    shutil.copy(path, other)
    for kept in (".ledger.json", ".sources.json"):
        shutil.copy(path.with_suffix(kept), other.with_suffix(kept))
    with connected(service.url, other) as shop:  # it does not share the outbox
        shop.checkout([order_of("taken-1", 502)])
    with connected(service.url, path) as shop:
        logged = threading.Event()
        caplog.handler.addFilter(lambda record: logged.set() or True)
        shop.checkout([order_of("taken-9")])
        assert logged.wait(60)
        assert "1 pending orders were rejected" in caplog.text
        assert shop.pending().count == 1
        assert states(shop.flush().values()) == [Rule.CHANGED_AFTER_CHECKOUT]
        assert shop.pending().count == 0


def test_rejected_order_is_not_sent_again_with_every_success(service, path, caplog):
    with down(path) as shop:
        shop.checkout([order_of("again-1")])
    waiting = outbox_of(path)
    [kept] = waiting.read(waiting.names())
    file = path.with_suffix(".outbox") / waiting.names()[0]
    file.write_text(json.dumps(kept._replace(envelope="AAAA")), "utf-8")  # the service takes it for no envelope
    with connected(service.url, path) as shop:
        logged = threading.Event()
        caplog.handler.addFilter(lambda record: logged.set() or True)
        shop.checkout([order_of("again-2")])
        assert logged.wait(60)
        assert shop.sealed._send_waiting() == LATER
        assert caplog.text.count("were rejected") == 1
        assert states(shop.flush().values()) == [Rule.NOT_AN_ENVELOPE]


def test_expired_envelope_is_reported_with_its_reference(service, path):
    with down(path) as shop:
        shop.checkout([order_of("expired-1")])
    service.clock.ahead += timedelta(days=3, minutes=1)
    try:
        with connected(service.url, path) as shop:
            assert shop.flush() == {"expired-1": Rejected(reference="expired-1", field="envelope", rule=Rule.EXPIRED)}
            assert shop.pending().count == 0
    finally:
        service.clock.ahead -= timedelta(days=3, minutes=1)


@contextmanager
def failing(url, on):
    """A proxy in front of a service, which answers 500 to each request that holds one of these words."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            if any(word in body.decode() for word in on):
                status, headers, text = 500, {}, b'{"type": "urn:waybill-masking:problem:internal"}'
            else:
                answer = httpx.request(self.command, url + self.path, content=body, headers=dict(self.headers))
                status, headers, text = answer.status_code, answer.headers, answer.content
            self.send_response(status)
            for name, value in headers.items():
                if name.lower() in {"request-id", "waybill-checkpoint", "content-type"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def log_message(self, *_) -> None:
            pass

    with answering(Handler) as address:
        yield address


def test_order_that_breaks_the_service_holds_back_no_other(service, path):
    with down(path) as shop:
        shop.checkout([order_of(f"poison-{n}") for n in range(5)])
        waits = {each.reference: each for each in shop.sealed.outbox.read(shop.sealed.outbox.names())}
    with failing(service.url, [waits["poison-2"].envelope]) as url, connected(url, path) as shop:
        done = shop.flush()
        assert sorted(done) == ["poison-0", "poison-1", "poison-3", "poison-4"]
        assert states(done.values()) == ["active"] * 4
        assert shop.pending().count == 1
        with pytest.raises(UnavailableError, match="status 500"):
            shop.flush()
    with connected(service.url, path) as shop:
        assert list(shop.flush()) == ["poison-2"]


def test_only_the_order_that_breaks_the_service_waits_at_checkout(service, path):
    words: list[str] = []
    with failing(service.url, words) as url, connected(url, path) as shop:
        seal = shop.sealed._sealer.seal

        def sealed(orders):
            envelopes = seal(orders)
            words.append(envelopes[1])
            return envelopes

        shop.sealed._sealer.seal = sealed
        assert states(shop.checkout([order_of(f"one-{n}") for n in range(3)])) == ["active", "pending", "active"]
