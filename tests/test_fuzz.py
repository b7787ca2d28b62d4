"""Requests that fit or break the description, without a token, from a courier and a merchant: no crash, no leak, a described answer."""

from __future__ import annotations

from itertools import cycle
from pathlib import Path

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    negative_data_rejection,
    not_a_server_error,
    response_schema_conformance,
)

from api.service.request_models import ORDER
from tests.support.people import COURIER, RIVAL, SHOP
from tests.support.running_service import Service

schema = schemathesis.openapi.from_path(Path(__file__).parents[1] / "api" / "openapi.json")


def bad_items_are_rejected(ctx, response, case):
    """As the library's own check; but a request whose items are all rejected, each for itself, is answered with 200."""
    outcomes = (
        response.json().get("outcomes", []) if response.status_code == 200 and response.content[:1] == b"{" else []
    )
    if outcomes and all(each["outcome"] in {"rejected", "refused"} for each in outcomes):
        return None
    return negative_data_rejection(ctx, response, case)


CHECKS = [not_a_server_error, content_type_conformance, response_schema_conformance, bad_items_are_rejected]
TURNS = cycle((None, COURIER, RIVAL))
SESSION = requests.Session()
CANARIES = ("金丝雀九八七六", "13812349876", "九八七六号")


@pytest.fixture(scope="module")
def service(service) -> Service:
    party = {"name": CANARIES[0], "phone": CANARIES[1], "address": f"上海市浦东新区世纪大道{CANARIES[2]}501室"}
    order = ORDER | {"reference": "canary", "recipient": party, "sender": party}
    [outcome] = service.outcomes(SHOP, "/v1/waybills", {"orders": [order]})
    assert outcome["outcome"] == "waybill"
    return service


@schema.parametrize()
@settings(max_examples=3, deadline=None, suppress_health_check=list(HealthCheck))
def test_fuzzed_service_never_crashes_leaks_or_leaves_its_description(case, service):
    who = next(TURNS)
    headers = {"Authorization": f"Bearer {service.token(who)}"} if who else {}
    answer = case.call(base_url=service.url, headers=headers, session=SESSION)
    case.validate_response(answer, checks=CHECKS)
    assert not any(canary in answer.text for canary in CANARIES)
    if who is None and "security" in case.operation.definition.raw:
        assert answer.status_code == 401
