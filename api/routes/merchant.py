"""Merchants: orders in, masked waybills out; find, ship, amend, cancel what is theirs."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from api import answers
from api.documents import AmendIn, CancelIn, CheckoutIn, FindIn, ShipIn
from api.routes.called import OUTCOMES, called, document, outcomes
from masking.change import Amend, Cancel, Change, Ship
from masking.checkout import Checkout
from masking.errors import InputError, UnknownWaybillError
from masking.find import Find
from masking.order import Plain
from masking.waybill import Token
from masking.wire import order_from_json, waybill_to_json

router = APIRouter(tags=["merchant"])

_FOUND: dict[int | str, dict[str, Any]] = {
    200: {"model": answers.Waybills, "description": "Masked views, oldest first"}
}
_ONE: dict[int | str, dict[str, Any]] = {200: {"model": answers.WaybillOut, "description": "The masked view"}}


@router.post("/v1/waybills", responses=OUTCOMES)
async def checkout(body: CheckoutIn, request: Request) -> Response:
    """Mask up to 100 orders. Safe to repeat: the same reference and content give the same waybill."""
    actor, service = called(request)
    orders = [order_from_json(order.model_dump()) for order in body.orders]
    return outcomes(service, await service.checkout.submit_many([Checkout(merchant=actor, order=o) for o in orders]))


@router.post("/v1/waybills/find", responses=_FOUND)
async def find(body: FindIn, request: Request) -> Response:
    """Your waybills of one phone, in full, or of one of your own references."""
    if (body.phone is None) == (body.reference is None):
        raise InputError("find", "give-a-phone-or-a-reference")
    actor, service = called(request)
    phone = Plain(body.phone) if body.phone else None
    found = await service.find.submit(Find(merchant=actor, phone=phone, reference=body.reference))
    return document({"waybills": [waybill_to_json(waybill) for waybill in found]})


@router.get("/v1/waybills/{id}", responses=_ONE)
async def status(id: str, request: Request) -> Response:  # noqa: A002  the member's name
    """One of your waybills by its token."""
    actor, service = called(request)
    found = await service.find.submit(Find(merchant=actor, id=Token(id)))
    if not found:
        raise UnknownWaybillError
    return document(waybill_to_json(found[0]))


@router.post("/v1/waybills/ship", responses=OUTCOMES)
async def ship(body: ShipIn, request: Request) -> Response:
    """Enter the carrier's numbers. Safe to repeat."""
    actor, _ = called(request)
    items = [(Token(each.id), each.waybill_number, each.routing_code) for each in body.items]
    return await _change(
        request, [Ship(merchant=actor, id=id_, waybill_number=n, routing_code=r) for id_, n, r in items]
    )


@router.post("/v1/waybills/amend", responses=OUTCOMES)
async def amend(body: AmendIn, request: Request) -> Response:
    """Correct orders that have not left. Safe to repeat; each time the waybill takes a new key."""
    actor, _ = called(request)
    items = [(Token(each.id), order_from_json(each.order.model_dump())) for each in body.items]
    return await _change(request, [Amend(merchant=actor, id=id_, order=order) for id_, order in items])


@router.post("/v1/waybills/cancel", responses=OUTCOMES)
async def cancel(body: CancelIn, request: Request) -> Response:
    """Destroy the data of orders that will not be sent. Safe to repeat."""
    actor, _ = called(request)
    return await _change(request, [Cancel(merchant=actor, id=Token(id_)) for id_ in body.ids])


async def _change(request: Request, changes: list[Change]) -> Response:
    _, service = called(request)
    return outcomes(service, await service.change.submit_many(changes))
