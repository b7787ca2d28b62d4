"""The route to which a provider pushes records of calls. It needs no token; a push without a valid signature is refused."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from masking.numbers.pushes import HEADER, BadSignature, SignatureRule

from .. import response_models
from ..auth import PUSHED
from ..problems import ProblemError
from .responses import json_response, serialise_outcomes

TOGETHER = 100
"""Records that are committed together; a push may bring more."""

router = APIRouter(tags=["calls"])

_ACKNOWLEDGED: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.PushAcknowledged, "description": "All records are stored; don't push them again"}
}
_RECORD = {
    "type": "object",
    "properties": {
        **{name: {"type": "string"} for name in ("out_id", "phone_no", "peer_no", "ring_time", "start_time")},
        "call_type": {"type": ["integer", "string"]},
        "release_time": {"type": "string", "example": "2026-11-24 08:31:41"},
    },
}
_TAKES: dict[str, Any] = {
    "parameters": [{"name": HEADER, "in": "header", "required": True, "schema": {"type": "string"}}],
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": {"type": "array", "items": _RECORD}}},
    },
}


@router.post(PUSHED, operation_id="receiveAliyunReports", responses=_ACKNOWLEDGED, openapi_extra=_TAKES)
async def aliyun(request: Request) -> Response:
    """Receive Aliyun's call records (SecretReport), signed by the relay that forwards them, repeatedly and in any order.

    They are acknowledged in Aliyun's format once they are stored. After any other answer they have to be pushed again.
    """
    service = request.app.state.service
    given = request.headers.getlist(HEADER)
    if service.provider is None or not given:
        raise _unsigned(SignatureRule.NO_KEY if service.provider is None else SignatureRule.MISSING)
    told = service.provider.parse_push(given[0] if len(given) == 1 else None, await request.body())
    if isinstance(told, BadSignature):
        raise _unsigned(told.reason)
    found: list[Any] = []
    for first in range(0, len(told), TOGETHER):
        found += await service.report.submit_many(told[first : first + TOGETHER], None)
    return json_response({**service.provider.acknowledgement, "outcomes": serialise_outcomes(service, found)})


def _unsigned(reason: SignatureRule) -> ProblemError:
    return ProblemError("signature-refused", reason=reason, headers={"WWW-Authenticate": HEADER})
