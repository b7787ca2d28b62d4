"""A provider's pushes over HTTP: what is believed, and in which words it is acknowledged."""

from __future__ import annotations

import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from api.service.auth import PUSHED
from api.service.settings import MEGABYTE
from masking.database import schema
from masking.numbers.pushes import HEADER
from masking.runtime import World
from masking.steps.call import Call, announce
from masking.values.plaintext import Announced
from tests.support.aliyun_server import REPORT_KEY, add_account, record, signature
from tests.support.people import COURIER, SWITCH
from tests.support.running_service import Service, load_parcels_on_van, make_deployment, run_service

DOCUMENT = (Path(__file__).parents[1] / "docs" / "telephony.md").read_text("utf-8")
UNAUTHENTICATED = "http://127.0.0.1:1"
"""The address of an Aliyun that these tests never call."""


@pytest.fixture(scope="module")
def service(tmp_path_factory) -> Iterator[Service]:
    folder = tmp_path_factory.mktemp("pushes") / "d"
    make_deployment(folder, World())
    add_account(folder, UNAUTHENTICATED, report_key=REPORT_KEY)
    with run_service(folder) as service:
        yield service


def bound(service: Service, many: int, first: int = 0) -> list[str]:
    """The names of calls that a provider was told to connect."""
    world, store = service.clock.world, service.store
    labels = load_parcels_on_van(world, store, many, first=first)
    announced = announce(world, store, [Call(actor=COURIER, code=each.code) for each in labels], bind=True)
    assert {type(each) for each in announced} == {Announced}
    return [each.call.hex() for each in announced]


def push(service: Service, body: bytes | list, header: str | None = "", **more: str) -> httpx.Response:
    """A push; signed now, unless told otherwise."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    signed = signature(raw, int(service.clock.world.now().timestamp())) if header == "" else header
    headers = ({HEADER: signed} if signed is not None else {}) | more
    return service.http.post(PUSHED, content=raw, headers=headers)


def kept(service: Service) -> int:
    with service.store.data.connect() as connection:
        return len(connection.execute(schema.call_report.select()).all())


def test_push_is_acknowledged_once_on_disk_and_again_when_repeated(service):
    [name] = bound(service, 1)
    before = kept(service)
    body = json.dumps([record(name), record("f" * 32)]).encode()
    header = signature(body, int(service.clock.world.now().timestamp()))
    for _ in range(2):  # the second is a replay: it adds nothing
        answer = push(service, body, header)
        assert answer.status_code == 200
        assert answer.json() == {
            "code": 0,
            "msg": "接收成功",
            "outcomes": [
                {"outcome": "reported", "call": name, "event": "ended"},
                {"outcome": "refused", "reason": "unknown-call", "retry_after": None},
            ],
        }
        assert kept(service) == before + 2
    assert push(service, []).json()["code"] == 0


def test_push_larger_than_one_commit_is_recorded_whole(service):
    name, *_ = names = bound(service, 3, first=10)
    before = kept(service)
    records = [record(each) for each in names * 80]
    outcomes = push(service, records).json()["outcomes"]
    assert len(outcomes) == 240
    assert outcomes[0] == outcomes[-3] == {"outcome": "reported", "call": name, "event": "ended"}
    assert kept(service) == before + 6


def test_unsigned_or_stale_push_leaves_nothing_behind(service):
    [name] = bound(service, 1, first=20)
    before = kept(service)
    now = int(service.clock.world.now().timestamp())
    body = json.dumps([record(name)]).encode()
    header = signature(body, now)
    for raw, given, reason in (
        (body, None, "missing"),
        (body, "t=1,v1=2", "missing"),
        (body, f"t={now},v1={'0' * 64}", "wrong"),
        (body.replace(b"08:31:41", b"08:31:42"), header, "wrong"),
        (body + b" ", header, "wrong"),
        (body, signature(body, now, key="another-key-that-has-32-letters!"), "wrong"),
        (body, signature(body, now - 302), "stale"),
        (body, signature(body, now + 310), "future"),
    ):
        answer = push(service, raw, given)
        assert (answer.status_code, answer.json()["reason"]) == (401, reason)
        assert answer.json()["type"].endswith(":signature-refused")
        assert name not in answer.text
    twice = service.http.post(PUSHED, content=body, headers=[(HEADER, header), (HEADER, header)])
    assert (twice.status_code, twice.json()["reason"]) == (401, "missing")
    token = {"Authorization": f"Bearer {service.token(SWITCH)}"}  # a token is no signature
    assert service.http.post(PUSHED, content=body, headers=token).status_code == 401
    assert service.http.post("/v1/providers/another/reports", content=body, headers={HEADER: header}).status_code == 401
    assert kept(service) == before


def test_signed_body_that_is_huge_or_not_a_list_is_refused(service):
    assert push(service, b'{"code": 0}').status_code == 422
    assert push(service, b"[" * 100_000).status_code == 422
    assert push(service, b"[" + b" " * 2 * MEGABYTE + b"]").status_code == 413
    assert push(service, b"[" + b" " * 2 * MEGABYTE + b"]", f"t=1,v1={'0' * 64}").status_code == 413


@pytest.mark.parametrize("configured", [False, True])
def test_no_push_is_accepted_without_a_key_or_a_provider(tmp_path, configured):
    make_deployment(tmp_path / "d", World())
    if configured:
        add_account(tmp_path / "d", UNAUTHENTICATED)
    with run_service(tmp_path / "d") as service:
        for key in ("", "None", REPORT_KEY):
            answer = push(service, b"[]", signature(b"[]", int(time.time()), key=key))
            assert (answer.status_code, answer.json()["reason"]) == (401, "no-key")


@pytest.mark.system("bash", "openssl", "curl")
def test_documented_way_to_sign_a_push_works(service, tmp_path):
    [name] = bound(service, 1, first=30)
    (tmp_path / "report.key").write_text(REPORT_KEY + "\n")
    (tmp_path / "push.json").write_text(json.dumps([record(name)]))
    [code] = [each for each in re.findall(r"^```sh\n(.*?)^```$", DOCUMENT, re.DOTALL | re.MULTILINE) if HEADER in each]
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", code],
        env={"URL": service.url, "PATH": "/usr/bin:/bin"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert json.loads(done.stdout)["outcomes"] == [{"outcome": "reported", "call": name, "event": "ended"}], done.stderr
