"""Routes about people: tokens for all callers; enrolment, confirmation and revocation; shifts of an outlet's couriers."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from masking.access.people import Role
from masking.access.proof import ProofError
from masking.errors import RefusedError
from masking.steps.enrol import Confirm, Enrol, Lost, Reinstate, Revoke, Unlock
from masking.steps.redeem import REPLAYED, UNAUTHENTICATED, Redeem
from masking.steps.shift import Shift
from masking.values.json import time_to_json
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from masking.words.proof_rules import ProofRule

from .. import outcome_models, response_models
from ..auth import prove
from ..login import refused, unauthenticated
from ..request_models import (
    ConfirmationsIn,
    LostDevicesIn,
    PeopleIn,
    ReinstatementsIn,
    RevocationsIn,
    ShiftsIn,
    TokenIn,
    UnlocksIn,
)
from .fast_path import BodyRoute
from .responses import current_login, json_response, outcomes, outcomes_of

router = APIRouter(tags=["people"], route_class=BodyRoute)

_TOKEN: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.IssuedToken, "description": "A token for an hour"}
}


@router.post("/v1/token", operation_id="issueToken", responses=_TOKEN)
async def token(body: TokenIn, request: Request) -> Response:
    """Issue a token that is bound to the key of the `DPoP` proof. The first request also sends the enrolment code."""
    service, proof = request.app.state.service, None
    if "dpop" in request.headers:
        proof = prove(service, request.scope, None)
        try:
            proof.covers(await request.body())
        except ProofError as error:
            raise refused(error) from None
    text = body.code or body.secret
    asked = Redeem(shown=Plain(text) if text else None, proof=proof, statement=body.statement)
    found = await service.redeem.submit(asked, None)
    if isinstance(found, Refusal):
        raise _refusal(found)
    request.scope["actor"] = found.actor
    return json_response(
        {
            "token": found.token.reveal(),
            "type": "DPoP" if proof else "Bearer",
            "expires": time_to_json(found.expires),
            "secret": found.secret.reveal() if found.secret else None,
        }
    )


def _refusal(refusal: Refusal) -> Exception:
    if refusal == REPLAYED:
        return refused(ProofError(ProofRule.REPLAYED))
    return unauthenticated() if refusal == UNAUTHENTICATED else RefusedError(refusal.reason)


def _plain(text: str | None) -> Plain | None:
    return Plain(text) if text else None


@router.post("/v1/people", operation_id="enrol", responses=outcomes_of(outcome_models.EnrolOutcome))
async def people(body: PeopleIn, request: Request) -> Response:
    """Enrol up to 20 people. An enrolled person gets a new code, and keeps device and phone until it is used."""
    login, service = current_login(request)
    asked = [
        Enrol(
            actor=login.actor,
            id=each.id,
            role=Role(each.role),
            unit=each.unit,
            phone=_plain(each.phone),
        )
        for each in body.items
    ]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/confirmations", operation_id="confirm", responses=outcomes_of(outcome_models.ConfirmOutcome))
async def confirmations(body: ConfirmationsIn, request: Request) -> Response:
    """Confirm people enrolled by a supervisor of another unit, as a person of their unit or a second supervisor."""
    login, service = current_login(request)
    asked = [
        Confirm(actor=login.actor, id=each.id, role=Role(each.role), unit=each.unit, phone=_plain(each.phone))
        for each in body.items
    ]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/shifts", operation_id="setShifts", responses=outcomes_of(outcome_models.ShiftOutcome))
async def shifts(body: ShiftsIn, request: Request) -> Response:
    """Start or end shifts of your outlet's couriers, who get no token outside a shift. A courier may end their own."""
    login, service = current_login(request)
    asked = [Shift(actor=login.actor, courier=each.courier, hours=each.hours) for each in body.items]
    return outcomes(service, await service.shift.submit_many(asked, login))


@router.post("/v1/revocations", operation_id="revoke", responses=outcomes_of(outcome_models.RevokeOutcome))
async def revocations(body: RevocationsIn, request: Request) -> Response:
    """End enrolments from the next request on, reversibly for an hour. Safe to repeat."""
    login, service = current_login(request)
    asked = [Revoke(actor=login.actor, id=id_) for id_ in body.ids]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/reinstatements", operation_id="reinstate", responses=outcomes_of(outcome_models.ReinstateOutcome))
async def reinstatements(body: ReinstatementsIn, request: Request) -> Response:
    """Undo revocations of the last hour. An alarm names the caller. Safe to repeat."""
    login, service = current_login(request)
    asked = [Reinstate(actor=login.actor, id=id_) for id_ in body.ids]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/lost-devices", operation_id="endDevices", responses=outcomes_of(outcome_models.EndDeviceOutcome))
async def lost_devices(body: LostDevicesIn, request: Request) -> Response:
    """Invalidate lost devices from the next request on. Their owners have to be enrolled again. Safe to repeat."""
    login, service = current_login(request)
    asked = [Lost(actor=login.actor, id=id_) for id_ in body.ids]
    return outcomes(service, await service.enrol.submit_many(asked, login))


@router.post("/v1/unlocks", operation_id="unlock", responses=outcomes_of(outcome_models.UnlockOutcome))
async def unlocks(body: UnlocksIn, request: Request) -> Response:
    """Unlock people who were refused too often, but not yourself. Safe to repeat."""
    login, service = current_login(request)
    asked = [Unlock(actor=login.actor, id=id_) for id_ in body.ids]
    return outcomes(service, await service.enrol.submit_many(asked, login))
