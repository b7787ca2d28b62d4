"""What every route begins and ends with: who called which service, and outcomes as an answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine, Iterable, Sequence
from typing import Any, get_type_hints

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from pydantic import ValidationError, create_model
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from masking.errors import InputError
from masking.values.json import Outcome, outcome_to_json
from masking.values.printable import Refusal, Rejected

from .. import problems
from ..container import Service
from ..limits import body_of, size_of
from ..login import Login
from ..problems import HANDLED, SHOWN
from ..request_models import Document

_json = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode

Responses = dict[int | str, dict[str, Any]]
"""What the description says of a route's answers."""


TOO_MANY = "too-many-faults"
"""The rule that a body breaks of which no single fault is named."""

WORDED = 1000
"""Faults beyond which none is put into words: each costs the event loop some microseconds."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]
"""What a route does with a request."""


class BodyRoute(APIRoute):
    """A route that takes a document and the request, and nothing else: read from the bytes in one go.

    What FastAPI does for any kind of parameter costs a third of a small request; the description stays its own.
    """

    def get_route_handler(self) -> Handler:
        """The handler; FastAPI's own, behind a look at the body's size, where the endpoint takes other parameters."""
        return self.straight() or self._measured(super().get_route_handler())

    def _measured(self, handler: Handler) -> Handler:
        model = body_of(self)
        if model is None:
            return handler
        size = size_of(model)

        async def measured(request: Request) -> Response:
            if not size.admits(await request.body()):
                raise InputError("body", TOO_MANY)
            return await handler(request)

        return measured

    def straight(self) -> Handler | None:
        """The handler that needs nothing of FastAPI's; None where the endpoint takes other parameters."""
        kinds = get_type_hints(self.endpoint)
        endpoint, model = self.endpoint, kinds.pop("body", None)
        if model is None or kinds.keys() != {"request", "return"}:
            return None

        size = size_of(model)

        async def handler(request: Request) -> Response:
            raw = await request.body()
            if not size.admits(raw):
                raise InputError("body", TOO_MANY)
            try:
                body = model.model_validate_json(raw)
            except ValidationError as error:
                if error.error_count() > WORDED:
                    raise InputError("body", TOO_MANY) from None
                found = error.errors(include_url=False, include_context=False, include_input=False)[:SHOWN]
                raise RequestValidationError([{**each, "loc": ("body", *each["loc"])} for each in found]) from None
            answer: Response = await endpoint(body, request)
            return answer

        return handler


class FastPath:
    """ASGI: a document posted to an exact address goes to its handler at once, whatever else to the router.

    The layers in between (looking for the route, stacks of things to close, FastAPI's answers to errors) cost a twentieth
    of a look, and these routes use none of them.
    """

    def __init__(self, app: ASGIApp, routes: Iterable[BaseRoute]) -> None:
        self.app = app
        posted = [each for each in routes if isinstance(each, BodyRoute) and each.methods == {"POST"}]
        found = ((each, each.straight()) for each in posted if "{" not in each.path)
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


def outcomes_of(kind: Any) -> Responses:
    """The description of a route that answers with an outcome of this union for each item."""
    said = "An outcome for each item, in the same order"
    outcomes: Any = (list[kind], ...)
    model = create_model(f"{kind.__name__}s", __base__=Document, __doc__=f"{said}.", outcomes=outcomes)
    return {200: {"model": model, "description": said}}


def current_login(request: Request) -> tuple[Login, Service]:
    """The caller, whose login the step has yet to check, and the service."""
    return request.scope["login"], request.app.state.service


def outcomes(service: Service, found: Sequence[Outcome]) -> Response:
    """The outcomes of a request beside each other, in its order. This reveals what they grant."""
    return json_response({"outcomes": serialise_outcomes(service, found)})


def serialise_outcomes(service: Service, found: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Outcomes as JSON, counted by kind and reason, which are words of closed lists."""
    forms = [outcome_to_json(outcome) for outcome in found]
    for form, outcome in zip(forms, found, strict=True):
        reason = (
            outcome.reason if isinstance(outcome, Refusal) else outcome.rule if isinstance(outcome, Rejected) else ""
        )
        service.metrics.outcome(form["outcome"], reason)
    return forms


def json_response(value: Any) -> Response:
    """An answer as JSON."""
    return Response(_json(value), media_type="application/json")
