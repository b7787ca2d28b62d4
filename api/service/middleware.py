"""The outermost layer, which every request and answer passes.

It limits a body's size and time of arrival. Every answer carries its request id and `no-store`, and answers to merchants,
outlets and couriers the latest checkpoint. Every exception becomes a problem document. Each request is logged in one
line and counted.
"""

from __future__ import annotations

import asyncio
import re
import secrets
import time
from collections.abc import Awaitable, Callable, Mapping

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from masking.access.people import Role
from masking.errors import StoreFault, UnavailableError

from .limits import NO_BODY
from .logs import LOG, named, where
from .metrics import method_word
from .problems import HANDLED, ProblemError, answer

CHECKPOINT = b"waybill-checkpoint"
_REQUEST_ID = re.compile(rb"(?!.*[0-9]{9})[0-9a-f]{16}")  # it is logged: nine digits in a row could be a phone
_SHOWN_TO = frozenset({Role.MERCHANT, Role.OUTLET, Role.COURIER})


class Edge:
    """The ASGI middleware of this module. `most` maps an address to its largest body; the default is `NO_BODY`."""

    def __init__(self, app: ASGIApp, most: Mapping[str, int]) -> None:
        self.app = app
        self._most = most

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; other kinds of connection are passed on."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        service, began = scope["app"].state.service, time.perf_counter()
        headers = dict(scope["headers"])
        request_id = _request_id(headers.get(b"request-id"))
        scope["request_id"] = request_id
        faults: list[StoreFault | None] = []
        scope["faults"] = faults  # a list, since layers inside work on copies of the scope
        status = 0

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message["headers"], *self._headers(scope, request_id, service.note)]
            await send(message)

        try:
            most = self._most.get(scope["path"], NO_BODY)
            body = _limited(headers.get(b"content-length", b""), receive, most, service.settings.body_seconds)
            await self.app(scope, body, sending)
        except Exception as error:  # noqa: BLE001  the outermost place that can still send an answer
            if not isinstance(error, HANDLED):
                name, places = where(error)
                LOG.error("error", extra={"waybill": {"request": request_id, "error": name, "at": places}})
            if isinstance(error, UnavailableError):
                faults.append(error.fault)
            if not status:
                await answer(error)(scope, receive, sending)
        finally:
            route = getattr(scope.get("route"), "path", "-")
            seconds = time.perf_counter() - began
            service.metrics.count(scope["method"], route, status, seconds)
            role = scope["actor"].role.value if "actor" in scope else "-"
            line = {"request": request_id, "method": method_word(scope["method"]), "route": route, "status": status}
            line |= {"ms": round(seconds * 1000, 1), "role": role}
            for fault in filter(None, faults):
                service.metrics.unavailable(fault)
                line |= named(fault)
            service.lines.add(line)

    @staticmethod
    def _headers(scope: Scope, request_id: str, note: bytes) -> list[tuple[bytes, bytes]]:
        headers = [
            (b"request-id", request_id.encode()),
            (b"cache-control", b"no-store"),
            (b"x-content-type-options", b"nosniff"),
        ]
        if note and "actor" in scope and scope["actor"].role in _SHOWN_TO:
            headers.append((CHECKPOINT, note))
        return headers


def _request_id(given: bytes | None) -> str:
    """The caller's own `Request-Id` if it is well-formed, else a new one."""
    return given.decode() if given and _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _limited(announced: bytes, receive: Receive, most: int, seconds: float) -> Callable[[], Awaitable[Message]]:
    """A `receive` that raises a problem for a body that is too large or too slow.

    Raises:
        ProblemError: `Content-Length` is too large. The body is not read.
    """
    if announced.isdigit() and int(announced) > most:
        raise ProblemError("too-large", headers={"Connection": "close"})
    taken, ends = 0, asyncio.get_running_loop().time() + seconds
    whole = False

    async def receiving() -> Message:
        nonlocal taken, whole
        if whole:  # only a disconnect can follow
            return await receive()
        try:
            async with asyncio.timeout_at(ends):
                message = await receive()
        except TimeoutError:
            raise ProblemError("too-slow", headers={"Connection": "close"}) from None
        if message["type"] == "http.disconnect":
            raise ProblemError("body-unreadable")
        taken += len(message.get("body", b""))
        whole = not message.get("more_body", False)
        if taken > most:
            raise ProblemError("too-large", headers={"Connection": "close"})
        return message

    return receiving
