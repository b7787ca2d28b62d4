"""A body that is not a request costs the event loop next to nothing, for any caller and content."""

from __future__ import annotations

import asyncio
import itertools
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from api.service.app import create_app
from api.service.auth import OPEN, PUSHED
from api.service.limits import NO_BODY, OPEN_BYTES, body_limits, body_of, size_of
from api.service.request_models import CheckoutIn, LooksIn, ReportsIn, TokenIn
from api.service.routes.fast_path import BodyRoute
from api.service.settings import MEGABYTE, ServiceSettings
from masking.access.people import Actor, Role
from masking.deployment import open_folder
from masking.runtime import World
from tests.support.people import COURIER, DISPATCHER, SHOP, SWITCH
from tests.support.running_service import SUPERVISOR, make_deployment, sign_in

LARGE = 2 * MEGABYTE
MOST = 0.05
"""Seconds of processor time that any body may cost."""


def filled(start: bytes, unit: bytes, end: bytes = b"") -> Callable[[int], bytes]:
    """Bodies of any length, made of one thing again and again."""
    return lambda length: start + unit * ((length - len(start) - len(end)) // len(unit)) + end


BODIES: dict[str, Callable[[int], bytes]] = {
    "unknown members": lambda length: b"{" + b",".join(b'"%06x":1' % n for n in range(length // 11 - 1)) + b"}",
    "the same member again": filled(b"{", b'"items":1,', b'"items":1}'),
    "members of one item": filled(b'{"items":[{', b'"a":1,', b'"a":1}]}'),
    "numbers": filled(b"[", b"1,", b"1]"),
    "empty lists": filled(b'{"x":[', b"[],", b"1]}"),
    "empty objects": filled(b'{"orders":[', b"{},", b"1]}"),
    "empty strings": filled(b'{"ids":[', b'"",', b"1]}"),
    "nested lists": filled(b"", b"["),
    "nested objects": filled(b"", b'{"a":'),
    "one string": filled(b'{"ids":["', b"a", b'"]}'),
    "escapes": filled(b'{"ids":["', b"\\u4e00", b'"]}'),
    "quotation marks": filled(b'{"ids":["', b'\\"', b'"]}'),
    "a string without an end": filled(b'"', b'\\"'),
    "backslashes": filled(b'"', b"\\"),
    "one number": filled(b'{"items":', b"1", b"}"),
    "one fraction": filled(b'{"items":0.', b"1", b"}"),
    "huge numbers": filled(b'{"items":[', b"9" * 4000 + b",", b"1]}"),
    "exponents": filled(b'{"items":[', b"1e9999,", b"1]}"),
    "no UTF-8": filled(b'{"ids":["', b"\xff", b'"]}'),
    "white space": filled(b"{", b" ", b"}"),
}


class Running:
    """An application without a socket, and tokens for it."""

    def __init__(self, folder: Path) -> None:
        world = World()
        make_deployment(folder, world)
        store = open_folder(folder, world)
        self._tokens = {who.id: sign_in(world, store, who) for who in (SHOP, DISPATCHER, COURIER, SWITCH, SUPERVISOR)}
        store.close()
        self.app = create_app(ServiceSettings(folder=folder, bearer_roles=frozenset(Role)), world)
        self._runner = asyncio.Runner()
        self._context = self.app.router.lifespan_context(self.app)
        self._runner.run(self._context.__aenter__())

    def close(self) -> None:
        self._runner.run(self._context.__aexit__(None, None, None))
        self._runner.close()

    def post(self, path: str, body: bytes, who: Actor | None, *, announced: bool) -> tuple[int, float]:
        """The answer's status, and the processor's seconds that it took."""
        headers = [(b"authorization", f"Bearer {self._tokens[who.id]}".encode())] if who else []
        headers += [(b"content-length", str(len(body)).encode())] if announced else []
        scope: dict[str, Any] = {"type": "http", "method": "POST", "path": path, "raw_path": path.encode()}
        scope |= {"query_string": b"", "headers": headers, "server": ("127.0.0.1", 1), "scheme": "http"}
        parts = [body[at : at + 65536] for at in range(0, len(body), 65536)]
        messages = iter([*({"type": "http.request", "body": part, "more_body": True} for part in parts)])
        status = 0

        async def receive() -> Any:
            return next(messages, {"type": "http.request", "body": b"", "more_body": False})

        async def send(message: Any) -> None:
            nonlocal status
            status = message.get("status", status)

        began = time.process_time()
        self._runner.run(self.app(scope, receive, send))
        return status, time.process_time() - began


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    made = Running(tmp_path_factory.mktemp("bodies") / "deployment")
    yield made
    made.close()


@pytest.mark.parametrize("kind", BODIES)
def test_two_megabytes_are_refused_everywhere_in_little_processor_time(running, kind):
    limits = body_limits(running.app.router.routes, LARGE)
    for path in (*limits, "/healthz", "/v1/nothing"):
        body, fitting = BODIES[kind](LARGE), BODIES[kind](limits.get(path, NO_BODY))
        assert len(fitting) <= limits.get(path, NO_BODY)
        for who, sent, announced in itertools.product((None, SHOP), (body, fitting), (True, False)):
            found = [running.post(path, sent, who, announced=announced) for _ in range(2)]
            status, took = min(found, key=lambda each: each[1])  # what else runs here is not its cost
            assert status in {401, 404, 405, 413, 422}, path
            assert took < MOST, (path, took)


def test_unauthenticated_callers_can_send_at_most_32_kilobytes(running):
    inside, beyond = (b'{"code":"' + b" " * (size - 11) + b'"}' for size in (OPEN_BYTES, OPEN_BYTES + 1))
    assert running.post("/v1/token", inside, None, announced=False)[0] == 422
    assert running.post("/v1/token", beyond, None, announced=False)[0] == 413
    limits = body_limits(running.app.router.routes, LARGE)
    assert {path: limits[path] for path in OPEN & limits.keys()} == {"/v1/token": OPEN_BYTES, PUSHED: 256 * 1024}


def test_each_route_with_a_body_has_its_own_limit(running):
    limits = body_limits(running.app.router.routes, LARGE)
    taking = [route for route in running.app.router.routes if isinstance(route, BodyRoute) and body_of(route)]
    assert {route.path for route in taking} | {PUSHED} == limits.keys()
    assert max(limits.values()) == LARGE
    assert limits["/v1/looks"] == size_of(LooksIn).length < 100_000
    assert running.post("/v1/nothing", b" " * (NO_BODY + 1), None, announced=True)[0] == 413


def test_body_of_the_full_shape_is_accepted_and_a_few_mistakes_named():
    emoji = "\\ud83d\\ude00" * 128
    item = f'{{\n        "code": "{emoji}",\n        "phone": "{emoji}"\n    }}'
    full = '{\n    "items": [\n        ' + ",\n".join([item] * 20) + "\n]}"
    assert LooksIn.model_validate_json(full)
    size = size_of(LooksIn)
    assert size.admits(full.encode())
    assert len(full) <= size.length
    odd = full[:-1] + "".join(f', "odd-{n}": "\\\\"' for n in range(20)) + "}"
    assert size.admits(odd.encode())
    assert not size.admits((full[:-1] + ', "odd": 1' * 100 + "}").encode())


def test_body_limits_follow_from_the_models():
    assert size_of(TokenIn).strings == 6
    assert size_of(ReportsIn).strings == 1 + 100 * (5 + 4)
    assert size_of(CheckoutIn).length > LARGE  # so the deployment's own limit holds
