"""Parcels that are made through a service's addresses."""

from __future__ import annotations

import base64
from itertools import count
from typing import Any

from api.service.request_models import ORDER
from masking import Order, Party
from masking.access.people import Actor
from print_templates.read import read_pdf
from tests.support.people import COURIER, DISPATCHER, RECEIVER, SHOP
from tests.support.running_service import Service

counter = count(1000)
"""Numbers that no other parcel of this process has."""


def made(**changes: Any) -> Order:
    """An order with a reference and a waybill number of its own."""
    n = next(counter)
    values: dict[str, Any] = {
        "reference": f"C-{n}",
        "recipient": Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"),
        "sender": Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室"),
        "waybill_number": f"YT00000000{n}",
        "routing_code": "342-081-00 052",
    }
    return Order(**(values | changes))


def ordered(service: Service, **changes: object) -> dict[str, Any]:
    """The waybill of an order, as the service answers it."""
    order = ORDER | {"reference": f"R-{next(counter)}"} | changes
    [outcome] = service.outcomes(SHOP, "/v1/waybills", {"orders": [order]})
    assert outcome.pop("outcome") == "waybill"
    return outcome


def labelled(service: Service, waybill: dict[str, Any], job: str = "job-1", who: Actor = SHOP) -> str:
    """The code on the parcel's label, read from the printed page."""
    answer = service.ask(who, "/v1/labels", {"ids": [waybill["id"]], "job": job})
    assert answer.json()["outcomes"] == [{"outcome": "printed", "page": 1, "notes": []}]
    [page] = read_pdf(base64.b64decode(answer.json()["pdf"]))
    [code] = [code for code in set(page.codes) if code.startswith("WB1")]
    return code


def on_the_van(service: Service, **more: object) -> tuple[dict[str, Any], str]:
    """A parcel on its courier's van, and the code on its label."""
    number = f"YT{next(counter):012}"
    waybill = ordered(service, waybill_number=number, routing_code="342-081-00 052", **more)
    code = labelled(service, waybill)
    [scanned] = service.outcomes(RECEIVER, "/v1/scans", {"items": [{"what": number, "kind": "arrived"}]})
    assert scanned["kind"] == "arrived"
    given = {"items": [{"what": code, "courier": COURIER.id}]}
    [assigned] = service.outcomes(DISPATCHER, "/v1/assignments", given)
    assert assigned["courier"] == COURIER.id
    return waybill, code
