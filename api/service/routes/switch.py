"""Routes for the telephone switch: whom to connect a call to, and reports of calls."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from masking.steps.report import CallReport
from masking.steps.route import Route
from masking.values.plaintext import Plain

from .. import outcome_models
from ..request_models import ReportsIn, RouteIn
from .fast_path import BodyRoute
from .responses import current_login, outcomes, outcomes_of

router = APIRouter(tags=["calls"], route_class=BodyRoute)


@router.post("/v1/calls/route", operation_id="routeCalls", responses=outcomes_of(outcome_models.RouteOutcome))
async def route(body: RouteIn, request: Request) -> Response:
    """Connect or refuse calls. Each answer uses up the intent that allowed it, and is on the ledger before it is given."""
    login, service = current_login(request)
    asked = [
        Route(actor=login.actor, caller=Plain(each.caller), main=each.main, extension=each.extension)
        for each in body.items
    ]
    return outcomes(service, await service.route.submit_many(asked, login))


@router.post("/v1/calls/reports", operation_id="reportCalls", responses=outcomes_of(outcome_models.ReportOutcome))
async def reports(body: ReportsIn, request: Request) -> Response:
    """Report events of calls, repeatedly and in any order. Answered events are stored and need not be sent again."""
    login, service = current_login(request)
    asked = [
        CallReport(
            actor=login.actor,
            call=each.call,
            event=each.event,
            at=each.at,
            seconds=each.seconds,
            caller=Plain(each.caller) if each.caller else None,
        )
        for each in body.items
    ]
    return outcomes(service, await service.report.submit_many(asked, login))
