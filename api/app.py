"""The service as an ASGI application: `create_app(settings)`.

Layers from the outside: `edge` (limits, headers, log), `auth` (who is calling), FastAPI (shapes), a route (values), a step.
Routes are grouped by kind of caller, one file each in `api/routes`; none of them holds a rule of the trade.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from masking.redeem import Attest, software
from masking.world import World

from . import answers, problems
from .auth import OPEN, Authenticate
from .edge import Edge
from .limits import body_limits
from .routes import courier, health, ledger, merchant, outlet, page, people, provider, switch
from .routes.called import Straight
from .settings import ServiceSettings
from .wiring import running

VERSION = "1"

ROUTERS = (courier, merchant, outlet, switch, provider, people, ledger, health, page)
"""Tried in this order, busiest first."""


def create_app(settings: ServiceSettings, world: World | None = None, attest: Attest = software) -> FastAPI:
    """The application for one deployment. Its store is opened when it starts, not before.

    `attest` says how well a device keeps its key; without one every key counts as a file that can be copied.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, world or World(), attest) as service:
            app.state.service = service
            yield

    app = FastAPI(
        title="waybill-masking",
        version=VERSION,
        summary="An order loses its personal data and still arrives.",
        lifespan=lifespan,
        openapi_url=None,  # `page` serves the description that is kept
        docs_url=None,  # it would load scripts from elsewhere
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the path
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        exception_handlers=dict.fromkeys(problems.HANDLED, problems.handle),
    )
    for each in ROUTERS:
        app.router.routes += each.router.routes  # as they are: including a router costs each request a search in it
    app.add_middleware(Straight, routes=app.router.routes)
    app.add_middleware(Authenticate)
    app.add_middleware(Edge, most=body_limits(app.router.routes, settings.body_bytes))  # added last, so outermost
    plain = app.openapi
    app.openapi = lambda: _with_problems(plain())  # type: ignore[method-assign]  # FastAPI's documented way
    return app


def description(app: FastAPI) -> str:
    """The OpenAPI description as `api/openapi.json` keeps it."""
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    """The description with what holds for every route: the token, and the problem documents."""
    if "securitySchemes" in document.get("components", {}):
        return document
    components = document.setdefault("components", {})
    components["securitySchemes"] = {"token": {"type": "http", "scheme": "dpop"}}
    schemas = components.setdefault("schemas", {})
    schema = TypeAdapter(answers.Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schema.pop("$defs", {})
    schemas["Problem"] = schema
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in document["paths"].items():
        for method in methods.values():
            answers_ = method["responses"]
            answers_.pop("422", None)
            if path not in OPEN:
                method["security"] = [{"token": []}]
            answers_["default"] = {"description": "A problem (RFC 9457)", "content": content}
    return document
