"""Routes for outlets, and for shops that print: labels and assignments."""

from __future__ import annotations

import base64
from functools import partial
from pathlib import Path
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from masking.errors import InputError, RefusedError
from masking.steps.assign import Assign
from masking.steps.label import Label
from masking.values.printable import LabelData, Refusal
from masking.words.request_rules import RequestRule
from print_templates.document import draw_labels
from print_templates.preview import preview as picture
from print_templates.preview import sample_drawing
from print_templates.printers import PLAIN, Setup, check_offset
from print_templates.template import template as load

from .. import outcome_models, response_models
from ..request_models import AssignmentsIn, LabelsIn, PrinterIn
from .fast_path import BodyRoute
from .responses import current_login, json_response, outcomes, outcomes_of, serialise_outcomes

router = APIRouter(route_class=BodyRoute)

PNG = "image/png"
_LABELS: dict[int | str, dict[str, Any]] = {
    200: {
        "model": response_models.Labels,
        "description": "The labels and an outcome for each, or a preview",
        "content": {PNG: {}},
    }
}


@router.post("/v1/labels", operation_id="printLabels", tags=["labels"], responses=_LABELS)
async def labels(body: LabelsIn, request: Request) -> Response:
    """Labels as one PDF, or in a printer's language. Safe to repeat: the same job gives the same prints, counted once.

    A label code appears only in the drawn label, never as data. With `Accept: image/png` the answer is a preview of one
    label, which is not counted as a print and has no label code.
    """
    login, service = current_login(request)
    preview = request.headers.get("accept") == PNG
    if preview and len(body.ids) != 1:
        raise InputError("ids", RequestRule.ONE_LABEL_ONLY)
    template, setup = service.templates.get(body.template, body.template), _setup(body.printer)
    await anyio.to_thread.run_sync(_check, template, body, setup)  # before a print is counted
    reasons = {each.id: each.reason for each in body.reprints}
    asked = [
        Label(
            actor=login.actor,
            id=id_,
            job=body.job,
            station=body.station,
            reason=reasons.get(id_, body.reason),
            preview=preview,
        )
        for id_ in body.ids
    ]
    found = await service.label.submit_many(asked, login)
    if preview:
        return Response(await anyio.to_thread.run_sync(_picture, found[0], template), media_type=PNG)
    drawn = await anyio.to_thread.run_sync(partial(draw_labels, found, template, to=body.to, dpi=body.dpi, setup=setup))
    pdf = base64.b64encode(drawn.pdf).decode() if drawn.pdf else None
    parts = [base64.b64encode(part).decode() for part in drawn.parts]
    return json_response({"outcomes": serialise_outcomes(service, drawn.outcomes), "pdf": pdf, "parts": parts})


@router.post(
    "/v1/assignments", operation_id="assign", tags=["parcels"], responses=outcomes_of(outcome_models.AssignOutcome)
)
async def assignments(body: AssignmentsIn, request: Request) -> Response:
    """Assign parcels that have arrived at the outlet to couriers. Safe to repeat."""
    login, service = current_login(request)
    asked = [Assign(actor=login.actor, what=each.what, courier=each.courier) for each in body.items]
    return outcomes(service, await service.assign.submit_many(asked, login))


def _check(template: str | Path, body: LabelsIn, setup: Setup) -> None:
    """Refuse print settings with which no label can be drawn.

    Raises:
        InputError: the template or the resolution is unknown, or the setup moves a symbol off the paper.
    """
    form = load(template, body.dpi)
    if body.to != "pdf":
        check_offset(sample_drawing(form), setup)


def _setup(printer: PrinterIn | None) -> Setup:
    return Setup(**printer.model_dump()) if printer else PLAIN


def _picture(found: LabelData | Refusal, template: str | Path) -> bytes:
    if isinstance(found, Refusal):
        raise RefusedError(found.reason, retry_after=found.retry_after)
    return picture(found, template)
