"""The same facade over a connection: same outcomes; and what it does when the service is down, lies, or forgets."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest

import masking
from masking import Order, Party, Rejected, Waybill
from masking.client import Courier, Outlet, RemoteShop
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.errors import (
    InputError,
    IntegrityError,
    RefusedError,
    SettingsError,
    UnavailableError,
    UnknownWaybillError,
)
from masking.order import Grant
from masking.vault import journal, sources
from masking.waybill import Delivered, Dial, LabelData, OnPage, Refusal, Scanned, Token
from print_templates.read import read_pdf
from tests.cast import COURIER, DISPATCHER, RECEIVER, SHOP
from tests.serving import Service, serving

counter = iter(range(2000, 9999))


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    with serving(tmp_path_factory.mktemp("service") / "deployment") as running:
        yield running


@pytest.fixture
def credentials(service, tmp_path) -> Callable[[Any], Path]:
    def write(who: Any, *, plain: bool = False) -> Path:
        """Of a device that signs; `plain` for one that can't, as behind a proxy that the service knows nothing of."""
        path = tmp_path / f"{who.id}-{next(counter)}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"secret": service.secret(who)} if plain else {"code": service.code(who)}), "utf-8")
        return path

    return write


@pytest.fixture
def shop(service, credentials) -> Iterator[RemoteShop]:
    with masking.connect(service.url, credentials=credentials(SHOP)) as connected:
        assert isinstance(connected, RemoteShop)
        yield connected


def made(**changes: Any) -> Order:
    reference = f"C-{next(counter)}"
    values: dict[str, Any] = {
        "reference": reference,
        "recipient": Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"),
        "sender": Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室"),
        "waybill_number": f"YT00000000{reference[2:]}",
        "routing_code": "342-081-00 052",
    }
    return Order(**(values | changes))


def without_what_differs(outcome: Any) -> Any:
    if not isinstance(outcome, Waybill):
        return outcome
    return outcome.masked, outcome.reference, outcome.state, outcome.waybill_number, outcome.created


def test_a_service_and_a_folder_give_the_same_outcomes(shop, tmp_path):
    masked = Party(name="王**", phone="138****0001", address="某市")
    orders = [made(), made(recipient=masked), made(reference=""), made(goods="手机", remark="放门卫")]
    seen = []
    with masking.connect(tmp_path / "folder") as embedded:
        for each in (embedded, shop):
            first, *_, last = outcomes = each.checkout(orders)
            steps = [
                *outcomes,
                *each.checkout(orders[:1]),
                *each.ship([(first.id, "YT999999999999", "1-2-3"), (Token("wb1_x"), "YT999999999998", "1-2-3")]),
                *each.amend([(last.id, made(reference=last.reference, goods="书"))]),
                *each.cancel([last.id, last.id]),
                *each.find(reference=first.reference),
                each.status(first.id),
            ]
            seen.append([without_what_differs(step) for step in steps])
            with pytest.raises(UnknownWaybillError):
                each.status(Token("wb1_034agrwbr02t2h0pb9k5ndwr4m"))
            with pytest.raises(InputError):
                each.find()
    assert seen[0] == seen[1]
    assert isinstance(seen[0][1], Rejected)


def test_more_orders_than_fit_into_one_request_keep_their_order(shop):
    orders = [made() for _ in range(130)]
    outcomes = shop.checkout(iter(orders))
    assert [outcome.reference for outcome in outcomes] == [order.reference for order in orders]


def test_outlet_and_courier_walk_a_parcel_to_its_door(service, shop, credentials):
    [waybill] = shop.checkout([made()])
    with (
        Outlet.connect(service.url, credentials=credentials(RECEIVER)) as receiver,
        Outlet.connect(service.url, credentials=credentials(DISPATCHER)) as dispatcher,
        Courier.connect(service.url, credentials=credentials(COURIER)) as courier,
    ):
        labels = shop.labels([waybill.id, Token("wb1_x")], job="job-1")
        assert labels.outcomes == [OnPage(page=1), Refusal(reason="unknown")]
        [page] = read_pdf(labels.pdf)
        [code] = [each for each in set(page.codes) if each.startswith("WB1")]
        [scanned] = receiver.scan([waybill.waybill_number], "arrived")
        assert isinstance(scanned, Scanned)
        [assigned] = dispatcher.assign([waybill.waybill_number], COURIER.id)
        assert assigned.courier == COURIER.id
        [grant, unknown] = courier.resolve([code, "YT000000000000"], purpose="deliver")
        assert isinstance(grant, Grant)
        assert grant.fields["recipient.address"].reveal().endswith("501室")
        assert "501" not in repr(grant)
        assert unknown == Refusal(reason="unknown")
        assert isinstance(courier.call(code), Dial)
        [done] = courier.deliver([code])
        assert isinstance(done, Delivered)
        assert courier.deliver([code]) == [done]
        arrived = receiver.scan(["YT000000000000"], "arrived", event="gate-1/0001")
        assert arrived == [Refusal(reason="unknown")]


def test_an_event_is_recorded_once_however_often_it_is_sent(service, shop, credentials):
    [waybill] = shop.checkout([made()])
    with Outlet.connect(service.url, credentials=credentials(RECEIVER)) as outlet:
        first = outlet.scan([waybill.waybill_number], "arrived", event="gate-1/0002")
        service.clock.ahead += timedelta(seconds=3)
        assert outlet.scan([waybill.waybill_number], "arrived", event="gate-1/0002") == first
        assert outlet.scan([waybill.waybill_number], "arrived") != first


def test_a_token_that_has_ended_is_replaced_unseen(service, shop):
    shop.checkout([made()])
    service.clock.ahead += timedelta(minutes=61)
    [outcome] = shop.checkout([made()])
    assert isinstance(outcome, Waybill)


def test_a_revoked_enrolment_is_a_refusal_and_no_endless_try(service, shop):
    shop.checkout([made()])
    service.code(SHOP)  # ends what was held before
    with pytest.raises(RefusedError, match="unauthenticated"):
        shop.checkout([made()])


def unused_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_before_a_key_to_seal_to_is_known_nothing_is_stored_and_the_caller_is_told(service, credentials, tmp_path):
    path = credentials(SHOP, plain=True)
    pauses: list[float] = []
    before = sorted(tmp_path.iterdir())
    shop = RemoteShop(Link(f"http://127.0.0.1:{unused_port()}", Credentials.read(path), sleep=pauses.append))
    with shop, pytest.raises(UnavailableError, match="nothing was sent"):
        shop.checkout([made()])
    assert len(pauses) == 3
    assert pauses == sorted(pauses)
    assert sorted(tmp_path.iterdir()) == before


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


def test_an_order_whose_answer_was_lost_is_entered_once(service, credentials):
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


def test_a_look_whose_answer_was_lost_is_not_repeated_unasked(service, credentials):
    proxy = Proxy(service.url, lose=1, path=b"/v1/resolve")
    proxy.start()
    courier = Courier(Link(proxy.url, Credentials.read(credentials(COURIER, plain=True)), sleep=lambda _: None))
    with courier, pytest.raises(UnavailableError, match="answer was lost"):
        courier.resolve(["YT000000000000"], purpose="deliver")
    proxy.stop()
    assert proxy.passed == 1


def keys_of(service: Service) -> tuple[int, str]:
    """What the service answers when it is asked for its sealing keys."""
    return 200, json.dumps({"note": sources.directory(service.clock.world, service.store), "merchant": SHOP.unit})


@contextmanager
def pretending(answers: dict[str, tuple[int, str]]) -> Iterator[str]:
    """A service that says what a test wants."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("content-length", 0)))
            status, text = answers.get(self.path, (404, "{}"))
            self.send_response(status)
            self.end_headers()
            self.wfile.write(text.encode())

        do_GET = do_POST

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ((200, "<html>金丝雀</html>"), IntegrityError),
        ((200, "[]"), IntegrityError),
        ((200, '{"outcomes": []}'), IntegrityError),
        ((200, '{"outcomes": [{"scanned": {"kind": "金丝雀", "at": "2026-11-24T00:00:00Z"}}]}'), IntegrityError),
        ((200, '{"outcomes": [{"金丝雀": 1}]}'), IntegrityError),
        ((500, "{}"), IntegrityError),
        ((302, "{}"), IntegrityError),
        ((413, "{}"), InputError),
        ((422, '{"errors": [{"field": "orders.0", "rule": "missing"}]}'), InputError),
    ],
)
def test_an_answer_that_is_not_the_services_own_is_an_error_that_repeats_nothing(service, tmp_path, answer, error):
    path = tmp_path / "shop.json"
    path.touch(mode=0o600)
    key = str(journal.log_key(service.clock.world, service.store))
    path.write_text(json.dumps({"secret": "wbs1_" + "A" * 43, "ledger_key": key}), "utf-8")
    answers = {"/v1/token": (200, '{"token": "t"}'), "/v1/sources": keys_of(service), "/v1/waybills/sealed": answer}
    with pretending(answers) as url, RemoteShop(Link(url, Credentials.read(path), sleep=lambda _: None)) as shop:
        with pytest.raises(error) as caught:
            shop.checkout([made()])
        assert "金丝雀" not in str(caught.value)


def test_a_masked_view_of_another_order_is_not_believed(service, shop, tmp_path):
    [first] = shop.checkout([made()])
    from masking.wire import outcome_to_json

    other = made(
        reference=first.reference, recipient=Party(name="赵二", phone="13811112222", address="北京市朝阳区1号")
    )
    path = tmp_path / "other.json"
    path.touch(mode=0o600)
    key = str(journal.log_key(service.clock.world, service.store))
    path.write_text(json.dumps({"secret": "wbs1_" + "A" * 43, "ledger_key": key}), "utf-8")
    body = json.dumps({"outcomes": [outcome_to_json(first)]})
    answers = {
        "/v1/token": (200, '{"token": "t"}'),
        "/v1/sources": keys_of(service),
        "/v1/waybills/sealed": (200, body),
    }
    with (
        pretending(answers) as url,
        RemoteShop(Link(url, Credentials.read(path))) as liar,
        pytest.raises(IntegrityError, match="not this order's"),
    ):
        liar.checkout([other])


def test_a_ledger_that_was_cut_back_is_noticed_and_both_notes_are_kept(service, credentials, tmp_path):
    path = credentials(SHOP)
    with RemoteShop.connect(service.url, credentials=path) as shop:
        shop.checkout([made()])
        journal.sequence(service.clock.world, service.store)
        service.store.close()
        copy = tmp_path / "yesterday"
        shutil.copytree(service.folder, copy)
        shop.checkout([made() for _ in range(3)])
        journal.sequence(service.clock.world, service.store)
        note = shop.link.ask("GET", "/v1/ledger/checkpoint")["note"]
        shop.link._watch.see(base64.b64encode(note.encode()).decode(), shop.link._proof)
    with (
        serving(copy) as yesterday,
        RemoteShop.connect(yesterday.url, credentials=path) as shop,
        pytest.raises(IntegrityError, match=r"the ledger is not what it was: (shrunk|forked)"),
    ):
        shop.find(reference="C-1")
    assert set(json.loads(path.with_suffix(".ledger.fault.json").read_text("utf-8"))) == {"key", "kept", "shown"}


@pytest.mark.parametrize(
    "where",
    [
        "http://mask.example",
        "http://127.0.0.1.example.com",
        "https://user:secret@mask.example",
        "https://mask.example/path",
        "https://mask.example?x=1",
        "http://0.0.0.0:80",
        "https://[bad",
    ],
)
def test_only_https_and_this_machine_are_connected_to(where, tmp_path, service, credentials):
    with pytest.raises(SettingsError):
        masking.connect(where, credentials=credentials(SHOP))


def test_credentials_that_others_can_read_are_refused(tmp_path):
    path = tmp_path / "shop.json"
    with pytest.raises(SettingsError, match="needs credentials"):
        masking.connect("https://mask.example")
    with pytest.raises(SettingsError, match="can't be read"):
        masking.connect("https://mask.example", credentials=path)
    path.write_text('{"secret": "wbs1_canary"}')
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="can be read by others"):
        masking.connect("https://mask.example", credentials=path)
    path.chmod(0o600)
    for text in ("", "[]", "{}", '{"secret": 7}', "wbs1_canary"):
        path.write_text(text)
        with pytest.raises(SettingsError) as caught:
            masking.connect("https://mask.example", credentials=path)
        assert "canary" not in str(caught.value)


def test_a_label_never_comes_as_data_over_a_connection(shop):
    [waybill] = shop.checkout([made()])
    assert not isinstance(shop.labels([waybill.id], job="job-9").outcomes[0], LabelData)
