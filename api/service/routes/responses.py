"""What routes share: the caller's login, and outcomes as a response."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import create_model
from pydantic_core import to_json
from starlette.requests import Request
from starlette.responses import Response

from masking.values.json import Outcome, outcome_to_json
from masking.values.printable import Refusal, Rejected

from ..container import Service
from ..login import Login
from ..request_models import Document

Responses = dict[int | str, dict[str, Any]]
"""FastAPI's description of a route's responses."""


def outcomes_of(kind: Any) -> Responses:
    """The description of a route whose answer has an outcome of this union for each item."""
    said = "An outcome for each item, in the same order"
    outcomes: Any = (list[kind], ...)
    model = create_model(f"{kind.__name__}s", __base__=Document, __doc__=f"{said}.", outcomes=outcomes)
    return {200: {"model": model, "description": said}}


def current_login(request: Request) -> tuple[Login, Service]:
    """The caller's login, which the step still has to check, and the service."""
    return request.scope["login"], request.app.state.service


def outcomes(service: Service, found: Sequence[Outcome]) -> Response:
    """The answer with a request's outcomes, in its order. It reveals the plaintext that they grant."""
    return json_response({"outcomes": serialise_outcomes(service, found)})


def serialise_outcomes(service: Service, found: Sequence[Outcome]) -> list[dict[str, Any]]:
    """Outcomes as JSON. Each is counted by kind and reason."""
    forms = [outcome_to_json(outcome) for outcome in found]
    for form, outcome in zip(forms, found, strict=True):
        reason = (
            outcome.reason if isinstance(outcome, Refusal) else outcome.rule if isinstance(outcome, Rejected) else ""
        )
        service.metrics.outcome(form["outcome"], reason)
    return forms


def json_response(value: Any) -> Response:
    """A JSON response."""
    return Response(to_json(value), media_type="application/json")
