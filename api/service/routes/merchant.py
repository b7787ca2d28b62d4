"""Routes for merchants: enter orders, and find, ship, amend and cancel their own waybills."""

from __future__ import annotations

import base64
from typing import Any

import anyio.to_thread
from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from masking.errors import InputError, UnknownWaybillError
from masking.steps.change import Amend, Cancel, Change, Ship
from masking.steps.checkout import Checkout
from masking.steps.find import Find
from masking.store import sealed_orders
from masking.store.sealed_orders import Opened
from masking.values.json import order_from_json, waybill_to_json
from masking.values.plaintext import Plain
from masking.values.printable import WaybillId
from masking.words.request_rules import RequestRule

from .. import outcome_models, response_models
from ..request_models import AmendIn, CancelIn, CheckoutIn, FindIn, SealedIn, ShipIn
from .fast_path import BodyRoute
from .responses import current_login, json_response, outcomes, outcomes_of

router = APIRouter(tags=["waybills"], route_class=BodyRoute)

_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.FoundWaybills, "description": "Masked views, oldest first"}
}
_SOURCES: dict[int | str, dict[str, Any]] = {
    200: {"model": response_models.SealingKeys, "description": "The signed directory"}
}
_ONE: dict[int | str, dict[str, Any]] = {200: {"model": outcome_models.Waybill, "description": "The masked view"}}


@router.post("/v1/waybills", operation_id="checkout", responses=outcomes_of(outcome_models.CheckoutOutcome))
async def checkout(body: CheckoutIn, request: Request) -> Response:
    """Mask up to 100 orders. Safe to repeat: the same reference and content give the same waybill."""
    login, service = current_login(request)
    orders = [order_from_json(order.model_dump()) for order in body.orders]
    asked = [Checkout(merchant=login.actor, order=order) for order in orders]
    return outcomes(service, await service.checkout.submit_many(asked, login))


@router.get("/v1/sources", operation_id="getSealingKeys", responses=_SOURCES)
async def keys(request: Request) -> Response:
    """The keys to seal orders to before they leave your process. Each is valid for a week."""
    login, service = current_login(request)
    note = await anyio.to_thread.run_sync(sealed_orders.directory, service.world, service.store)
    return json_response({"note": note, "merchant": login.actor.unit})


@router.post(
    "/v1/waybills/sealed", operation_id="checkoutSealed", responses=outcomes_of(outcome_models.CheckoutOutcome)
)
async def checkout_sealed(body: SealedIn, request: Request) -> Response:
    """Mask up to 100 orders that were sealed at their source. Safe to repeat: each envelope gives one waybill."""
    login, service = current_login(request)
    blobs = [_bytes(text) for text in body.envelopes]
    opened = await anyio.to_thread.run_sync(sealed_orders.open_orders, service.world, service.store, login.actor, blobs)
    good = [Checkout(merchant=login.actor, order=o.order, envelope=o.envelope) for o in opened if isinstance(o, Opened)]
    done = iter(await service.checkout.submit_many(good, login) if good else [])
    return outcomes(service, [next(done) if isinstance(each, Opened) else each for each in opened])


@router.post("/v1/waybills/find", operation_id="find", responses=_FOUND)
async def find(body: FindIn, request: Request) -> Response:
    """Your waybills for a complete phone or for one of your own references, up to 100 in one answer."""
    if (body.phone is None) == (body.reference is None):
        raise InputError("find", RequestRule.PHONE_OR_REFERENCE)
    login, service = current_login(request)
    phone = Plain(body.phone) if body.phone else None
    after = WaybillId(body.after) if body.after is not None else None
    asked = Find(merchant=login.actor, phone=phone, reference=body.reference, limit=body.limit, after=after)
    found = await service.find.submit(asked, login)
    more = found[-1].id if len(found) == asked.limit else None
    return json_response({"waybills": [waybill_to_json(waybill) for waybill in found], "next": more})


@router.get("/v1/waybills/{id}", operation_id="getWaybill", responses=_ONE)
async def status(id: str, request: Request) -> Response:  # noqa: A002  the member's name
    """One of your waybills by its waybill id."""
    login, service = current_login(request)
    found = await service.find.submit(Find(merchant=login.actor, id=WaybillId(id)), login)
    if not found:
        raise UnknownWaybillError
    return json_response(waybill_to_json(found[0]))


@router.post("/v1/waybills/ship", operation_id="ship", responses=outcomes_of(outcome_models.ChangeOutcome))
async def ship(body: ShipIn, request: Request) -> Response:
    """Enter waybill numbers and routing codes. Safe to repeat."""
    login, _ = current_login(request)
    items = [(WaybillId(each.id), each.waybill_number, each.routing_code) for each in body.items]
    return await _change(
        request, [Ship(merchant=login.actor, id=id_, waybill_number=n, routing_code=r) for id_, n, r in items]
    )


@router.post("/v1/waybills/amend", operation_id="amend", responses=outcomes_of(outcome_models.ChangeOutcome))
async def amend(body: AmendIn, request: Request) -> Response:
    """Correct orders that have not been sent. Safe to repeat; each time the waybill gets a new key."""
    login, _ = current_login(request)
    items = [(WaybillId(each.id), order_from_json(each.order.model_dump())) for each in body.items]
    return await _change(request, [Amend(merchant=login.actor, id=id_, order=order) for id_, order in items])


@router.post("/v1/waybills/cancel", operation_id="cancel", responses=outcomes_of(outcome_models.CancelOutcome))
async def cancel(body: CancelIn, request: Request) -> Response:
    """Destroy the data of orders that will not be sent. Safe to repeat."""
    login, _ = current_login(request)
    return await _change(request, [Cancel(merchant=login.actor, id=WaybillId(id_)) for id_ in body.ids])


async def _change(request: Request, changes: list[Change]) -> Response:
    login, service = current_login(request)
    return outcomes(service, await service.change.submit_many(changes, login))


def _bytes(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""  # refused as an invalid envelope
