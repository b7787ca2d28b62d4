"""The fast path of small requests: the body is parsed from its bytes, and the router is bypassed."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from typing import Any, get_type_hints

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from masking.errors import InputError
from masking.words.request_rules import RequestRule

from .. import problems
from ..limits import body_of, size_of
from ..problems import HANDLED, SHOWN

WORDED = 1000
"""The most faults that are named, because each costs the event loop some microseconds."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
"""Turns a request into a response."""


class BodyRoute(APIRoute):
    """A route whose endpoint takes only a document and the request. The document is parsed directly from the bytes.

    FastAPI's handling of parameters would cost a third of a small request. The OpenAPI description is still FastAPI's.
    """

    def get_route_handler(self) -> Handler:
        """The handler. If the endpoint takes other parameters: FastAPI's own, after a check of the body's size."""
        return self.fast_handler() or self._measured(super().get_route_handler())

    def _measured(self, handler: Handler) -> Handler:
        model = body_of(self)
        if model is None:
            return handler
        size = size_of(model)

        async def measured(request: Request) -> Response:
            if not size.admits(await request.body()):
                raise InputError("body", RequestRule.TOO_MANY_FAULTS)
            return await handler(request)

        return measured

    def fast_handler(self) -> Handler | None:
        """The handler that bypasses FastAPI; None if the endpoint takes other parameters."""
        kinds = get_type_hints(self.endpoint)
        endpoint, model = self.endpoint, kinds.pop("body", None)
        if model is None or kinds.keys() != {"request", "return"}:
            return None

        size = size_of(model)

        async def handler(request: Request) -> Response:
            raw = await request.body()
            if not size.admits(raw):
                raise InputError("body", RequestRule.TOO_MANY_FAULTS)
            try:
                body = model.model_validate_json(raw)
            except ValidationError as error:
                if error.error_count() > WORDED:
                    raise InputError("body", RequestRule.TOO_MANY_FAULTS) from None
                found = error.errors(include_url=False, include_context=False, include_input=False)[:SHOWN]
                raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None
            answer: Response = await endpoint(body, request)
            return answer

        return handler


class FastPath:
    """ASGI middleware: a document posted to an exact address goes to its handler at once. The router serves all else.

    The layers in between (looking for the route, stacks of things to close, FastAPI's answers to errors) cost a twentieth
    of a look, and these routes use none of them.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        posted = [each for each in routes if isinstance(each, BodyRoute) and each.methods == {"POST"}]
        found = ((each, each.fast_handler()) for each in posted if "{" not in each.path)
        self._handlers = {route.path: (route, handler) for route, handler in found if handler}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        post = scope["type"] == "http" and scope["method"] == "POST"
        found = self._handlers.get(scope["path"]) if post else None
        if found is None:
            await self.app(scope, receive, send)
            return
        scope["route"], handler = found
        try:
            answer = await handler(request := Request(scope, receive))
        except HANDLED as error:
            answer = await problems.handle(request, error)
        await answer(scope, receive, send)
