"""Routes for couriers: the data that a parcel's next step needs, calls, and scans (also for outlets)."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Annotated

from fastapi import APIRouter, Header
from pydantic import StringConstraints
from starlette.requests import Request
from starlette.responses import Response

from masking.access.duty import Purpose
from masking.steps.call import Call
from masking.steps.deliver import Deliver
from masking.steps.look import Look
from masking.steps.report import Missed
from masking.steps.resolve import Resolve
from masking.steps.scan import Scan
from masking.values.json import Outcome
from masking.values.plaintext import Plain

from .. import outcome_models
from ..container import Service
from ..login import Login
from ..request_models import CallsIn, LooksIn, ResolveIn, ScanItem, ScansIn
from .fast_path import BodyRoute
from .responses import current_login, outcomes, outcomes_of

router = APIRouter(route_class=BodyRoute)

Key = Annotated[str | None, StringConstraints(min_length=8, max_length=125), Header(alias="Idempotency-Key")]
"""Key and an item's position make the scan's event name, which has at most 128 characters."""


@router.post(
    "/v1/resolve", operation_id="resolve", tags=["parcels"], responses=outcomes_of(outcome_models.ResolveOutcome)
)
async def resolve(body: ResolveIn, request: Request) -> Response:
    """The data that the purpose needs, for up to 20 scanned labels. Repeating the request counts as another look."""
    login, service = current_login(request)
    asked = [Resolve(actor=login.actor, code=each.code, purpose=Purpose(each.purpose)) for each in body.items]
    return outcomes(service, await service.resolve.submit_many(asked, login))


@router.post("/v1/looks", operation_id="look", tags=["parcels"], responses=outcomes_of(outcome_models.LookOutcome))
async def looks(body: LooksIn, request: Request) -> Response:
    """Masked views of parcels that are assigned to you. With a complete phone: whether it is the recipient's."""
    login, service = current_login(request)
    asked = [
        Look(actor=login.actor, code=each.code, phone=Plain(each.phone) if each.phone else None) for each in body.items
    ]
    return outcomes(service, await service.look.submit_many(asked, login))


@router.post(
    "/v1/calls", operation_id="announceCalls", tags=["calls"], responses=outcomes_of(outcome_models.CallOutcome)
)
async def calls(body: CallsIn, request: Request) -> Response:
    """A number to dial for each parcel, from your own phone, within two minutes and for one call."""
    login, service = current_login(request)
    return outcomes(
        service,
        await service.announce.submit_many([Call(actor=login.actor, code=each.code) for each in body.items], login),
    )


@router.get(
    "/v1/calls/missed",
    operation_id="listMissedCalls",
    tags=["calls"],
    responses=outcomes_of(outcome_models.MissedCallsOutcome),
)
async def missed(request: Request) -> Response:
    """Your recipients who missed a call, after which another phone called back."""
    login, service = current_login(request)
    return outcomes(service, await service.report.submit_many([Missed(actor=login.actor)], login))


@router.post("/v1/scans", operation_id="scan", tags=["parcels"], responses=outcomes_of(outcome_models.ScanOutcome))
async def scans(body: ScansIn, request: Request, key: Key = None) -> Response:
    """Record where parcels are. With an `Idempotency-Key` a repeated request is recorded once, with the same answer."""
    login, service = current_login(request)
    found: list[Outcome] = []
    numbered = enumerate(body.items)
    for delivered, run in groupby(numbered, lambda each: each[1].kind == "delivered"):
        items = list(run)
        found += await (_deliver(service, login, items) if delivered else _scan(service, login, items, key))
    return outcomes(service, found)


async def _scan(
    service: Service, login: Login, items: Sequence[tuple[int, ScanItem]], key: str | None
) -> Sequence[Outcome]:
    asked = [
        Scan(actor=login.actor, what=each.what, kind=each.kind, to=each.to, event=f"{key}/{n}" if key else None)
        for n, each in items
    ]
    return await service.scan.submit_many(asked, login)


async def _deliver(service: Service, login: Login, items: Sequence[tuple[int, ScanItem]]) -> Sequence[Outcome]:
    return await service.deliver.submit_many([Deliver(actor=login.actor, code=each.what) for _, each in items], login)
