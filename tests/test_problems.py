"""To every request of a client, the answer is a problem document that repeats nothing of it, and so is the log."""

from __future__ import annotations

import json
import logging
import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.service.logs import JsonLines
from api.service.problems import PROBLEMS, answer
from api.service.request_models import ORDER
from api.service.response_models import ProblemRule
from api.service.settings import MEGABYTE
from masking.errors import InputError, IntegrityError, MaskingError, RefusedError, UnavailableError
from tests.support.people import COURIER, SHOP, SWITCH
from tests.support.running_service import SUPERVISOR, Service, run_service
from tests.support.waiting import wait_until

CANARY = "金丝雀九八七六"
CANARIES = (CANARY, "13812349876", "canary-9876")
ROUTES = {
    "/v1/token": None,
    "/v1/waybills": SHOP,
    "/v1/waybills/find": SHOP,
    "/v1/waybills/ship": SHOP,
    "/v1/waybills/amend": SHOP,
    "/v1/waybills/cancel": SHOP,
    "/v1/labels": SHOP,
    "/v1/scans": COURIER,
    "/v1/assignments": COURIER,
    "/v1/resolve": COURIER,
    "/v1/calls": COURIER,
    "/v1/calls/route": SWITCH,
    "/v1/calls/reports": SWITCH,
    "/v1/people": SUPERVISOR,
    "/v1/revocations": SUPERVISOR,
    "/v1/unlocks": SUPERVISOR,
}


class Lines(logging.Handler):
    """Keeps what would go to the log, formatted."""

    def __init__(self) -> None:
        super().__init__()
        self.setFormatter(JsonLines())
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines.append(self.format(record))


@pytest.fixture(scope="module")
def log() -> Iterator[list[str]]:
    handler = Lines()
    root = logging.getLogger()
    before = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for noisy in ("httpcore", "httpx", "asyncio", "sqlalchemy"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    yield handler.lines
    root.removeHandler(handler)
    root.setLevel(before)


@pytest.fixture(scope="module")
def service(tmp_path_factory, log) -> Iterator[Service]:
    with run_service(tmp_path_factory.mktemp("service") / "deployment", body_seconds=0.5) as running:
        yield running


def is_clean(answer: httpx.Response) -> bool:
    return not any(canary in text for canary in CANARIES for text in (answer.text, str(answer.headers)))


def is_problem(answer: httpx.Response, name: str) -> bool:
    document = answer.json()
    return (
        answer.headers["content-type"] == "application/problem+json"
        and document["type"] == f"urn:waybill-masking:problem:{name}"
        and document["status"] == answer.status_code == PROBLEMS[name].status
        and answer.headers["cache-control"] == "no-store"
        and answer.headers["x-content-type-options"] == "nosniff"
        and is_clean(answer)
    )


odd_values = st.sampled_from([*CANARIES, None, 10**40, 1.5, True, [], [CANARY], {CANARY: CANARY}, "\x00" + CANARY])
odd_bodies = st.dictionaries(
    st.sampled_from(["orders", "items", "ids", "phone", "secret", "job", CANARY]),
    odd_values | st.lists(odd_values | st.dictionaries(st.sampled_from(["id", "what", "code", CANARY]), odd_values)),
    max_size=3,
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=st.sampled_from(sorted(ROUTES)), body=odd_bodies)
def test_invalid_body_is_answered_by_field_and_rule_only(service, path, body):
    answer = service.ask(ROUTES[path], path, content=json.dumps(body), headers={"Content-Type": "application/json"})
    assert answer.status_code in {200, 401, 422}, answer.text
    if answer.status_code == 422:
        assert is_problem(answer, "input")
        assert all(set(each) <= {"field", "rule", "row", "detail"} for each in answer.json()["errors"])
        assert {each["rule"] for each in answer.json()["errors"]} <= set(ProblemRule)
    assert is_clean(answer) or path == "/v1/waybills/find"


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"null",
        b'"' + CANARY.encode() + b'"',
        b"[" * 100_000,
        b'{"items": [' + b'{"a":' * 5000,
        b'{"phone": "\\ud800"}',
        b'{"phone": NaN}',
        b'{"phone": 1e999}',
        b"\x00",
    ],
)
def test_body_that_is_not_json_is_a_problem(service, raw):
    for kind in ("application/json", "text/plain", "application/json; charset=utf-16", "multipart/form-data", "x"):
        answer = service.ask(SHOP, "/v1/waybills", content=raw, headers={"Content-Type": kind})
        assert is_problem(answer, "input") or is_problem(answer, "body-unreadable")


def test_rejected_order_repeats_no_value(service):
    order = ORDER | {"reference": "X-1", "recipient": ORDER["recipient"] | {"phone": "canary-9876"}}
    [outcome] = service.outcomes(SHOP, "/v1/waybills", {"orders": [order]})
    assert outcome["field"] == "recipient.phone"
    assert "canary" not in json.dumps(outcome)


def test_at_most_fifty_broken_rules_are_named(service):
    answer = service.ask(COURIER, "/v1/scans", {"items": [{}] * 100})
    assert is_problem(answer, "input")
    assert len(answer.json()["errors"]) == 50


def test_unknown_paths_and_methods_are_problems(service):
    for path in (f"/v1/waybills/{CANARY}", "/v1/waybills/13812349876", "/v1/nothing/canary-9876", "/v1/waybills/"):
        assert is_problem(service.ask(SHOP, path), "not-found")
    for path in ("/v1/waybills/wb1_%00", "/v1/waybills/..%2f..%2fhealthz", "//v1//waybills"):
        assert is_problem(service.ask(SHOP, path), "not-found")
    headers = {"Authorization": f"Bearer {service.token(SHOP)}"}
    for method in ("PUT", "PATCH", "DELETE", "OPTIONS"):
        answer = service.http.request(method, "/v1/waybills", headers=headers)
        assert is_problem(answer, "method-not-allowed")
        assert answer.headers["allow"] == "POST"


def test_request_without_a_token_gets_401_except_on_open_routes(service):
    for path in (*ROUTES, "/v1/ledger/checkpoint", "/docs", f"/v1/{CANARY}", "/V1/TOKEN", "/v1/token/"):
        if path != "/v1/token":
            assert is_problem(service.ask(None, path), "unauthenticated")
            assert is_problem(service.ask(None, path, {"x": CANARY}), "unauthenticated")
    for hostile in ("Basic eDp5", "Bearer", f"bearer {'A' * 9000}", "Bearer wbt1_" + "é" * 43):
        refused = service.ask(None, "/v1/ledger/checkpoint", headers={"Authorization": hostile.encode("latin-1")})
        assert is_problem(refused, "unauthenticated")


def test_request_with_two_tokens_gets_401(service):
    token = f"Bearer {service.token(SHOP)}"
    headers = [("Authorization", token), ("Authorization", token)]
    assert is_problem(service.http.get("/v1/ledger/checkpoint", headers=headers), "unauthenticated")


def raw(service: Service, *parts: bytes, pause: float = 0) -> bytes:
    """What the service answers to these bytes, until it closes."""
    host, port = service.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        for part in parts:
            connection.sendall(part)
            time.sleep(pause)  # a slow client is slow
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
    return answer


def post(service: Service, *headers: str) -> bytes:
    lines = ["POST /v1/waybills HTTP/1.1", "Host: x", "Connection: close"]
    lines += [f"Authorization: Bearer {service.token(SHOP)}", *headers, "", ""]
    return "\r\n".join(lines).encode()


def test_body_announced_too_large_is_refused_before_it_is_read(service):
    answer = raw(service, post(service, f"Content-Length: {10 * MEGABYTE}", "Content-Type: application/json"))
    assert answer.startswith(b"HTTP/1.1 413")
    assert b"urn:waybill-masking:problem:too-large" in answer


def test_body_that_grows_too_large_is_cut_off(service):
    def chunks() -> Iterator[bytes]:
        for sent in range(1000):  # 64 MB: far more than the sockets' buffers can hold
            yield b" " * 65536
            assert sent < 990, "the whole body was read"

    try:
        answer = service.ask(SHOP, "/v1/waybills", content=chunks())
    except httpx.TransportError:
        return  # cut off while sending is as good
    assert is_problem(answer, "too-large")


def test_body_that_does_not_arrive_times_out(service):
    answer = raw(service, post(service, "Content-Length: 100", "Content-Type: application/json"), b"{", b'"', pause=0.1)
    assert answer.startswith(b"HTTP/1.1 408")


def test_hostile_headers_are_refused_or_ignored(service):
    assert raw(service, post(service, "Content-Length: -1")).startswith(b"HTTP/1.1 400")
    assert raw(service, post(service, "Content-Length: 1", "Content-Length: 2")).startswith(b"HTTP/1.1 400")
    assert raw(service, post(service, "X-Big: " + "a" * 100_000)).startswith(b"HTTP/1.1 4")
    assert raw(service, b"GET / HTTP/9.9\r\nConnection: close\r\n\r\n").startswith(b"HTTP/1.1 401")
    assert raw(service, b"\x16\x03\x01\x02\x00\x01\x00\x01").startswith(b"HTTP/1.1 400")
    for name in ("X-Forwarded-For", "X-HTTP-Method-Override", "Host", "Cookie", "X-Request-Id", "Idempotency-Key"):
        for value in (CANARY.encode(), b"a" * 5000, b"'; DROP TABLE waybill; --"):
            answer = service.ask(SHOP, "/v1/ledger/checkpoint", headers={name: value})
            assert answer.status_code == 200
            assert is_clean(answer)


HOSTILE = (
    b"%s / HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /%s HTTP/1.1\r\nHost: x\r\n\r\n",
    b"POST /v1/token?%s HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}",
    b"GET http://%s/ HTTP/1.1\r\nHost: x\r\n\r\n",
    b"GET / HTTP/%s\r\nHost: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\n%s: x\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nRequest-Id: %sabcde\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nUser-Agent: %s\r\nX-Request-Id: %s\r\nCookie: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, %s\r\nUpgrade: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: %s %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nAuthorization: DPoP %s\r\nDPoP: %s\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: x\r\nContent-Length: %s\r\n\r\n",
    b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: %s\r\n\r\n",
    b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n2;a=%s\r\n{}\r\n0\r\n%s: %s\r\n\r\n",
    b"POST /v1/token HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%s",
    b"POST /v1/token HTTP/1.1\r\nHost: x\r\nContent-Length: 24\r\n\r\n{'%s':'%s'}",
    b"%s",
)


@pytest.mark.parametrize("canary", [b"13812349876", b"wbt1_canary-9876-" + b"A" * 43, b"GETcanary-9876" * 4000])
def test_request_parts_enter_logs_and_answers_escaped_only(service, log, canary):
    for request in HOSTILE:
        whole = request.replace(b"%s", canary)
        host, port = service.url.removeprefix("http://").split(":")
        answer = b""
        with (
            socket.create_connection((host, int(port)), timeout=10) as one,
            suppress(ConnectionError),  # the service may close before it has read everything
        ):
            one.sendall(whole)
            one.shutdown(socket.SHUT_WR)
            while part := one.recv(65536):
                answer += part
        assert canary[:11] not in answer, request
    service.app.state.service.lines.flush()
    assert len(log) > 0
    assert canary[:11].decode() not in "\n".join(log) + service.ask(None, "/metrics").text


def test_every_package_error_has_a_problem_and_others_reveal_nothing():
    told = {
        InputError("phone", "not-a-phone", row=3): 422,
        RefusedError("locked", retry_after=7): 409,
        UnavailableError("x"): 503,
        IntegrityError("x"): 500,
        MaskingError(CANARY): 500,
        ValueError(CANARY): 500,
    }
    for error, status in told.items():
        found = answer(error)
        assert found.status_code == status
        assert CANARY.encode() not in found.body
    assert answer(UnavailableError("x")).headers["retry-after"] == "1"
    assert answer(RefusedError("locked", retry_after=7)).headers["retry-after"] == "7"
    assert json.loads(answer(InputError("phone", "not-a-phone", row=3)).body)["errors"] == [
        {"field": "phone", "rule": "not-a-phone", "row": 3}
    ]


@pytest.mark.parametrize(("error", "name"), [(IntegrityError(CANARY), "integrity"), (ValueError(CANARY), "internal")])
def test_internal_error_is_found_in_the_log_by_the_request_id(service, log, error, name):
    class Broken:
        async def submit(self, *_):
            raise error

    running = service.app.state.service
    whole, running.find = running.find, Broken()
    try:
        found = service.ask(SHOP, "/v1/waybills/find", {"phone": "13812349876"})
    finally:
        running.find = whole
    assert is_problem(found, name)
    [said] = [json.loads(line) for line in log if found.headers["request-id"] in line and '"event": "error"' in line]
    assert said["error"] == type(error).__name__
    assert any(place.startswith("test_problems.py:") for place in said["at"])
    assert CANARY not in str(said)


def test_log_and_counts_hold_nothing_that_was_sent(service, log):
    party = {"name": CANARY, "phone": "13812349876", "address": f"上海市浦东新区世纪大道100号{CANARY}501室"}
    service.outcomes(SHOP, "/v1/waybills", {"orders": [ORDER | {"reference": "canary-9876", "recipient": party}]})
    found = service.ask(SHOP, "/v1/waybills/find?phone=13812349876", {"phone": "13812349876"}).json()["waybills"]
    assert len(found) == 1
    service.ask(SHOP, f"/v1/waybills/{found[0]['id']}?{CANARY}")
    assert service.ask(SHOP, "/v1/waybills", {"orders": CANARY, CANARY: 1}).status_code == 422
    assert service.ask(None, f"/v1/{CANARY}").status_code == 401
    assert (
        service.ask(None, "/v1/scans", {"items": []}, headers={"Authorization": f"Bearer {quote(CANARY)}"}).status_code
        == 401
    )

    def requests() -> int:
        service.app.state.service.lines.flush()
        return "\n".join(log).count('"event": "request"')

    wait_until(lambda: requests() >= 6, 10)  # a line is written after its answer was sent
    lines = "\n".join(log)
    everything = lines + service.ask(None, "/metrics").text
    for canary in (*CANARIES, found[0]["id"], service.token(SHOP)):
        assert canary not in everything
        assert json.dumps(canary)[1:-1] not in everything
    assert '"route": "/v1/waybills/{id}"' in lines


@pytest.mark.parametrize(
    ("template", "values", "event"),
    [
        ("Started server process [%d]", (4711,), "Started server process [4711]"),
        ("Uvicorn running on %s:%d", ("13800000001", 8440), "Uvicorn running on ...:8440"),
        ("Waiting for %d", ("13800000001",), "Waiting for %d"),
        ("Read %d", (13800000001,), "Read %d"),
        ("100 % done\nfor 13800000001", (), "100 % done"),
        (b"13800000001", (), "bytes"),
        ("Read %s", (b"13800000001",), "Read ..."),
        (ValueError("13800000001"), (), "ValueError"),
    ],
)
def test_server_log_keeps_only_its_own_numbers(template, values, event):
    record = logging.LogRecord("uvicorn.error", logging.INFO, __file__, 1, template, values, None)
    assert json.loads(JsonLines().format(record))["event"] == event


def test_bytes_in_an_own_log_line_appear_as_their_type_only():
    record = logging.LogRecord("waybill", logging.INFO, __file__, 1, "read", (), None)
    record.waybill = {"phone": b"13800000001"}
    assert json.loads(JsonLines().format(record))["phone"] == "bytes"
