"""A merchant whose record is damaged hears so over HTTP, of that record alone, on every route: never a 5xx."""

from __future__ import annotations

import pytest

from api.service.request_models import ORDER
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from tests.support.parcels import damage
from tests.support.people import SHOP
from tests.support.running_service import Service, carrier_numbers
from tests.support.service_parcels import counter

DAMAGED = {"outcome": "refused", "reason": "damaged", "retry_after": None}


@pytest.fixture
def orders() -> list[dict]:
    phone = f"1380000{next(counter)}"
    return [
        ORDER | {"reference": f"D-{next(counter)}", "recipient": ORDER["recipient"] | {"phone": phone}}
        for _ in range(3)
    ]


def entered(service: Service, orders: list[dict]) -> list[dict]:
    """As they are answered from the second time on."""
    outcomes = service.outcomes(SHOP, "/v1/waybills", {"orders": orders})
    assert {each.pop("outcome") for each in outcomes} == {"waybill"}
    return [each | {"created": False} for each in outcomes]


def spoil(service: Service, waybill: dict) -> None:
    """Leave neither the view nor the key of it in a state to be read."""
    record = record_of_waybill_id(waybill["id"])
    with service.store.data.begin() as connection:
        connection.execute(schema.waybill.update().where(schema.waybill.c.id == record).values(masked="{"))
    damage(service.store, record, "wrap")


def test_damaged_record_is_reported_by_every_route_and_amending_repairs_it(service, orders):
    first, middle, last = before = entered(service, orders)
    spoil(service, middle)
    seen = middle | {"state": "damaged", "masked": None}
    status = service.ask(SHOP, f"/v1/waybills/{middle['id']}")
    assert (status.status_code, status.json()) == (200, seen)
    by_phone = service.ask(SHOP, "/v1/waybills/find", {"phone": orders[0]["recipient"]["phone"]}).json()["waybills"]
    assert sorted(by_phone, key=lambda each: each["reference"]) == [first, seen, last]
    by_reference = service.ask(SHOP, "/v1/waybills/find", {"reference": middle["reference"]})
    assert by_reference.json() == {"waybills": [seen], "next": None}

    rejected = {
        "outcome": "rejected",
        "reference": middle["reference"],
        "field": "reference",
        "rule": "damaged",
        "row": None,
        "sizes": [],
    }
    again = service.outcomes(SHOP, "/v1/waybills", {"orders": orders})
    assert again == [{"outcome": "waybill"} | first, rejected, {"outcome": "waybill"} | last]

    numbers = [carrier_numbers(next(counter)) for _ in orders]
    items = [{"id": each["id"]} | given for each, given in zip(before, numbers, strict=True)]
    shipped = service.outcomes(SHOP, "/v1/waybills/ship", {"items": items})
    assert shipped == [{"outcome": "waybill"} | first | numbers[0], DAMAGED, {"outcome": "waybill"} | last | numbers[2]]

    amended = {
        "items": [{"id": each["id"], "order": order} for each, order in zip(before[1:], orders[1:], strict=True)]
    }
    whole = service.outcomes(SHOP, "/v1/waybills/amend", amended)
    assert [(each["state"], each["masked"]) for each in whole] == [("active", each["masked"]) for each in before[1:]]
    assert service.outcomes(SHOP, "/v1/waybills/ship", {"items": items})[1]["state"] == "active"


def test_label_of_a_damaged_record_is_left_out_of_the_document(service, orders):
    waybills = entered(service, [order | carrier_numbers(next(counter)) for order in orders])
    spoil(service, waybills[1])
    answer = service.ask(SHOP, "/v1/labels", {"ids": [each["id"] for each in waybills], "job": f"job-{next(counter)}"})
    assert answer.json()["outcomes"] == [
        {"outcome": "printed", "page": 1, "notes": []},
        DAMAGED,
        {"outcome": "printed", "page": 2, "notes": []},
    ]
