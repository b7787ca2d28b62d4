"""Supervisors enrol and revoke; everybody who is enrolled buys tokens with the secret they were given."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.auth import CHALLENGE
from api.documents import PeopleIn, RevocationsIn, TokenIn
from api.problems import ProblemError
from api.routes.called import OUTCOMES, BodyRoute, called, document, outcomes
from masking.access.people import Role
from masking.enrol import Enrol, Revoke
from masking.order import Plain
from masking.wire import time_to_json

router = APIRouter(tags=["supervisor"], route_class=BodyRoute)

_TOKEN: dict[int | str, dict[str, Any]] = {200: {"model": answers.TokenOut, "description": "A token for an hour"}}


@router.post("/v1/token", responses=_TOKEN, tags=["everybody"])
async def token(body: TokenIn, request: Request) -> Response:
    """A token for a secret."""
    issued = await request.app.state.service.issue.submit(Plain(body.secret), None)
    if issued is None:
        raise ProblemError("unauthenticated", headers=CHALLENGE)
    request.scope["actor"] = issued.actor
    return document({"token": issued.token.reveal(), "expires": time_to_json(issued.expires)})


@router.post("/v1/people", responses=OUTCOMES)
async def people(body: PeopleIn, request: Request) -> Response:
    """Enrol up to 20. Somebody who is enrolled already gets a new secret; the old one is then good for nothing."""
    login, service = called(request)
    asked = [
        Enrol(
            actor=login.actor,
            id=each.id,
            role=Role(each.role),
            unit=each.unit,
            phone=Plain(each.phone) if each.phone else None,
        )
        for each in body.items
    ]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/revocations", responses=OUTCOMES)
async def revocations(body: RevocationsIn, request: Request) -> Response:
    """End enrolments for good; felt by the next request. Safe to repeat."""
    login, service = called(request)
    return outcomes(
        service, await service.enrol.submit_many([Revoke(actor=login.actor, id=id_) for id_ in body.ids], login)
    )
