"""What a client makes of a connection that breaks, and of a service that is not what it says."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest

from masking import Party
from masking.client import Courier, RemoteShop
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.deployment import open_folder
from masking.errors import (
    InputError,
    IntegrityError,
    UnavailableError,
)
from masking.journal import journal
from masking.ledger.note import VerifierKey
from masking.store import sealed_orders
from tests.support.local_servers import answering, unused_port
from tests.support.people import COURIER, SHOP
from tests.support.running_service import Service, run_service
from tests.support.service_parcels import made


def test_without_a_sealing_key_nothing_is_stored_and_an_error_is_raised(service, credentials, tmp_path):
    path = credentials(SHOP, plain=True)
    pauses: list[float] = []
    before = sorted(tmp_path.iterdir())
    shop = RemoteShop(Link(f"http://127.0.0.1:{unused_port()}", Credentials.read(path), sleep=pauses.append))
    with shop, pytest.raises(UnavailableError, match="Nothing was sent"):
        shop.checkout([made()])
    assert len(pauses) == 3
    assert pauses == sorted(pauses)
    assert sorted(each for each in tmp_path.iterdir() if each.suffix != ".lock") == before


class Proxy(threading.Thread):
    """Passes connections on, and loses the answers of the requests that it is told to lose."""

    def __init__(self, target: str, lose: int, path: bytes) -> None:
        super().__init__()
        host, port = target.removeprefix("http://").split(":")
        self.target, self.lose, self.path = (host, int(port)), lose, path
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        self.passed = 0

    def run(self) -> None:
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            with client, socket.create_connection(self.target) as server:
                self.serve(client, server)

    def serve(self, client: socket.socket, server: socket.socket) -> None:
        while request := client.recv(1 << 20):
            server.sendall(request)
            while b"\r\n\r\n" in request and not complete(request):
                more = client.recv(1 << 20)
                server.sendall(more)
                request += more
            answer = server.recv(1 << 20)
            while not complete(answer):
                answer += server.recv(1 << 20)
            if self.path in request.split(b"\r\n", 1)[0]:
                self.passed += 1
                if self.passed <= self.lose:
                    return  # the service has answered; the client never hears it
            client.sendall(answer)

    def stop(self) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.join()


def complete(message: bytes) -> bool:
    head, blank, body = message.partition(b"\r\n\r\n")
    [length] = [line.split(b":")[1] for line in head.lower().split(b"\r\n") if line.startswith(b"content-length")] or [
        b"0"
    ]
    return bool(blank) and len(body) >= int(length)


def test_order_whose_answer_was_lost_is_entered_once(service, credentials):
    proxy = Proxy(service.url, lose=2, path=b"/v1/waybills/sealed")
    proxy.start()
    order = made()
    with RemoteShop(Link(proxy.url, Credentials.read(credentials(SHOP, plain=True)), sleep=lambda _: None)) as shop:
        [outcome] = shop.checkout([order])
        found = shop.find(reference=order.reference)
    proxy.stop()
    assert proxy.passed >= 3
    assert [each.id for each in found] == [outcome.id]
    assert outcome.created is False  # the first try had entered it


def test_view_whose_answer_was_lost_is_not_repeated_by_itself(service, credentials):
    proxy = Proxy(service.url, lose=1, path=b"/v1/resolve")
    proxy.start()
    courier = Courier(Link(proxy.url, Credentials.read(credentials(COURIER, plain=True)), sleep=lambda _: None))
    with courier, pytest.raises(UnavailableError, match="answer was lost"):
        courier.resolve(["YT000000000000"], purpose="deliver")
    proxy.stop()
    assert proxy.passed == 1


def keys_of(service: Service) -> tuple[int, str]:
    """What the service answers when it is asked for its sealing keys."""
    return 200, json.dumps({"note": sealed_orders.directory(service.clock.world, service.store), "merchant": SHOP.unit})


def with_a_secret(service: Service, folder: Path) -> Path:
    """Credentials of a program without a device, accepted by any server that pretends to be this service."""
    path = folder / "caller.json"
    path.touch(mode=0o600)
    key = str(journal.log_key(service.clock.world, service.store))
    path.write_text(json.dumps({"secret": "wbs1_" + "A" * 43, "ledger_key": key}), "utf-8")
    return path


@contextmanager
def pretending(answers: dict[str, tuple[int, str]], headers: dict[str, str] | None = None) -> Iterator[str]:
    """A service that says what a test wants."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = answers.get(self.path, (404, "{}"))
            self.send_response(status)
            for header in (headers or {}).items():
                self.send_header(*header)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    with answering(Handler) as url:
        yield url


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, "<html>金丝雀</html>"), IntegrityError),
        ((200, "[]"), IntegrityError),
        ((200, '{"outcomes": []}'), IntegrityError),
        (
            (200, '{"outcomes": [{"outcome": "scanned", "kind": "金丝雀", "at": "2026-11-24T00:00:00Z"}]}'),
            IntegrityError,
        ),
        ((200, '{"outcomes": [{"金丝雀": 1}]}'), IntegrityError),
        ((302, "{}"), IntegrityError),
        ((413, "{}"), InputError),
        ((422, '{"errors": [{"field": "orders.0", "rule": "missing"}]}'), InputError),
    ],
)
def test_foreign_answer_is_an_error_that_repeats_nothing(service, tmp_path, answer, error):
    path = with_a_secret(service, tmp_path)
    answers = {"/v1/token": (200, '{"token": "t"}'), "/v1/sources": keys_of(service), "/v1/waybills/sealed": answer}
    with pretending(answers) as url, RemoteShop(Link(url, Credentials.read(path), sleep=lambda _: None)) as shop:
        with pytest.raises(error) as caught:
            shop.checkout([made()])
        assert "金丝雀" not in str(caught.value)


@pytest.mark.parametrize(
    "answer", [(500, '{"type": "urn:waybill-masking:problem:internal"}'), (500, "[]"), (520, "<html>金丝雀</html>")]
)
def test_service_fault_is_not_called_damage_and_orders_wait(service, tmp_path, answer):
    answers = {"/v1/token": (200, '{"token": "t"}'), "/v1/sources": keys_of(service)}
    answers |= dict.fromkeys(("/v1/waybills/sealed", "/v1/calls"), answer)
    with (
        pretending(answers) as url,
        RemoteShop(Link(url, Credentials.read(with_a_secret(service, tmp_path)))) as shop,
    ):
        assert [each.state for each in shop.checkout([made()])] == ["pending"]
        with pytest.raises(UnavailableError, match=f"status {answer[0]}") as caught:
            shop.link.ask("POST", "/v1/calls", {})
        assert "金丝雀" not in str(caught.value)
        answers["/v1/waybills/sealed"] = (500, '{"type": "urn:waybill-masking:problem:integrity"}')
        with pytest.raises(IntegrityError):
            shop.flush()


def test_order_waits_while_the_service_finds_its_data_damaged(service, tmp_path):
    answers = {"/v1/token": (200, '{"token": "t"}'), "/v1/sources": keys_of(service)}
    answers["/v1/waybills/sealed"] = (500, '{"type": "urn:waybill-masking:problem:integrity"}')
    with (
        pretending(answers) as url,
        RemoteShop(Link(url, Credentials.read(with_a_secret(service, tmp_path)))) as shop,
    ):
        assert [each.state for each in shop.checkout([made()])] == ["pending"]
        assert shop.pending().count == 1


@pytest.mark.parametrize(
    ("status", "told", "twice", "pauses"),
    [
        (503, "1", True, [1.0, 1.0, 1.0]),
        (503, "1", False, [1.0, 1.0, 1.0]),  # nothing has happened there
        (502, "1", False, []),  # who knows what has
        (503, "60", True, []),  # longer than a caller waits unasked
        (503, "", True, [0.2, 0.4, 0.8]),
        (503, "\N{SUPERSCRIPT TWO}", True, [0.2, 0.4, 0.8]),  # a digit, and no number
    ],
)
def test_busy_service_is_retried_when_it_says_and_a_limited_time(service, tmp_path, status, told, twice, pauses):
    path, slept = with_a_secret(service, tmp_path), []
    answers = {"/v1/token": (200, '{"token": "t"}'), "/v1/calls": (status, "{}")}
    with pretending(answers, {"Retry-After": told}) as url:
        link = Link(url, Credentials.read(path), sleep=slept.append)
        with pytest.raises(UnavailableError):
            link.ask("POST", "/v1/calls", {}, twice=twice)
        link.close()
    assert slept == pauses


@pytest.mark.parametrize(
    ("theirs", "fault"),
    [
        ({"recipient": Party(name="赵二", phone="13811112222", address="北京市朝阳区1号")}, "view is not this order's"),
        ({"reference": "another"}, "answered for another order"),
    ],
)
def test_answer_to_another_order_is_not_accepted(service, shop, tmp_path, theirs, fault):
    [first] = shop.checkout([made()])
    from masking.values.json import outcome_to_json

    other = made(**({"reference": first.reference} | theirs))
    path = with_a_secret(service, tmp_path)
    body = json.dumps({"outcomes": [outcome_to_json(first)]})
    answers = {
        "/v1/token": (200, '{"token": "t"}'),
        "/v1/sources": keys_of(service),
        "/v1/waybills/sealed": (200, body),
    }
    with (
        pretending(answers) as url,
        RemoteShop(Link(url, Credentials.read(path))) as liar,
        pytest.raises(IntegrityError, match=fault),
    ):
        liar.checkout([other])


def test_ledger_key_other_than_the_first_seen_is_noticed(service, credentials):
    path = credentials(SHOP)
    with RemoteShop.connect(service.url, credentials=path) as shop:
        shop.checkout([made()])
    known = json.loads(path.with_suffix(".ledger.json").read_text("utf-8"))["key"]
    for key, fault in ((known, None), (str(VerifierKey.of_seed("waybill-masking/other", bytes(32))), "seen before")):
        path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | {"ledger_key": key}), "utf-8")
        with nullcontext() if fault is None else pytest.raises(IntegrityError, match=fault):
            RemoteShop.connect(service.url, credentials=path).close()


def test_truncated_ledger_is_noticed_and_both_notes_are_kept(service, credentials, tmp_path):
    path = credentials(SHOP)
    with RemoteShop.connect(service.url, credentials=path) as shop:
        shop.checkout([made()])
        journal.sequence(service.clock.world, service.store)
        service.store.close()
        service.store = open_folder(service.folder, service.clock.world)
        copy = tmp_path / "yesterday"
        shutil.copytree(service.folder, copy)
        shop.checkout([made() for _ in range(3)])
        journal.sequence(service.clock.world, service.store)
        note = shop.link.ask("GET", "/v1/ledger/checkpoint")["note"]
        shop.link._session.get().watch.see(base64.b64encode(note.encode()).decode(), shop.link.consistency)
    with (
        run_service(copy) as yesterday,
        RemoteShop.connect(yesterday.url, credentials=path) as shop,
        pytest.raises(IntegrityError, match=r"the ledger is not what it was: (shrunk|forked)"),
    ):
        shop.find(reference="C-1")
    assert set(json.loads(path.with_suffix(".ledger.fault.json").read_text("utf-8"))) == {
        "key",
        "kept",
        "losses",
        "shown",
    }
