"""The service as an ASGI application: `create_app(settings)`.

A request passes `middleware` (limits, headers, log), `auth` (the caller), FastAPI (validation), a route and a step.
`api/service/routes` has one module for each kind of caller. Rules about parcels are in `masking`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from masking.runtime import SteadyClock, World
from masking.steps.redeem import Attest, software

from . import problems
from .auth import Authenticate
from .container import running
from .description import INTRODUCTION, SERVERS, TAGS, completed
from .limits import body_limits
from .middleware import Edge
from .routes import courier, health, ledger, merchant, outlet, page, people, provider, switch
from .routes.fast_path import FastPath
from .settings import ServiceSettings

VERSION = "1"

ROUTERS = (courier, merchant, outlet, switch, provider, people, ledger, health, page)
"""Tried in this order, busiest first."""


def create_app(settings: ServiceSettings, world: World | None = None, attest: Attest = software) -> FastAPI:
    """The application for one deployment. Its store is opened at startup.

    `attest` judges how well a device protects its key. By default every key counts as a file that can be copied.
    """

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        async with running(settings, world or World(now=SteadyClock(World().now)), attest) as service:
            app.state.service = service
            app.state.checked = health.Checked()
            yield

    app = FastAPI(
        title="waybill-masking",
        version=VERSION,
        summary="An order loses its personal data and still arrives.",
        description=INTRODUCTION,
        servers=SERVERS,
        openapi_tags=TAGS,
        lifespan=lifespan,
        openapi_url=None,  # `page` serves `api/openapi.json`
        docs_url=None,  # it would load scripts from another origin
        redoc_url=None,
        redirect_slashes=False,  # a redirect would repeat the path
        telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
        exception_handlers=dict.fromkeys(problems.HANDLED, problems.handle),
    )
    for each in ROUTERS:
        app.router.routes += each.router.routes  # an included router would be searched again for each request
    app.add_middleware(FastPath, routes=app.router.routes)
    app.add_middleware(Authenticate)
    app.add_middleware(Edge, most=body_limits(app.router.routes, settings.body_bytes))  # added last, so outermost
    plain = app.openapi
    app.openapi = lambda: completed(plain())  # type: ignore[method-assign]  # FastAPI's documented way
    return app
