"""The service's description is checked in, is what the service says of itself, and is fit for generators of clients."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from api.service.app import create_app
from api.service.auth import OPEN
from api.service.description import description
from api.service.settings import ServiceSettings
from masking.values.plaintext import LIMITS
from masking.values.printable import CallEvent, ScanKind, WaybillState
from masking.words.proof_rules import ProofRule
from masking.words.reasons import Reason
from masking.words.rules import Rule
from tests.support.running_service import run_service

KEPT = Path(__file__).parents[1] / "api" / "openapi.json"
BUILT_IN = {
    "Number",
    "String",
    "Boolean",
    "Object",
    "Array",
    "Error",
    "Date",
    "Map",
    "Set",
    "Record",
    "List",
    "Integer",
}
"""Names that a generated class would hide in TypeScript, Java or Python."""


def app():
    return create_app(ServiceSettings(folder=Path("nowhere")))


@pytest.fixture(scope="module")
def document():
    return app().openapi()


@pytest.fixture(scope="module")
def schemas(document):
    return document["components"]["schemas"]


def operations(document):
    return [(path, operation) for path, methods in document["paths"].items() for operation in methods.values()]


def test_checked_in_description_is_the_services_own():
    """If this fails and the change is meant: python -m scripts.openapi."""
    assert KEPT.read_text("utf-8") == description(app())


def test_service_answers_the_kept_description_without_making_it_anew(tmp_path):
    with run_service(tmp_path / "deployment") as service:
        answer = service.ask(None, "/openapi.json")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/json")
    assert answer.content == KEPT.read_bytes()


def test_every_operation_has_one_tag_a_short_id_and_a_description(document):
    known = {tag["name"] for tag in document["tags"]}
    ids = [operation["operationId"] for _, operation in operations(document)]
    assert len(set(ids)) == len(ids)
    for path, operation in operations(document):
        assert len(operation["tags"]) == 1, path
        assert set(operation["tags"]) <= known, path
        assert re.fullmatch(r"[a-z]+([A-Z][a-z]+){0,2}", operation["operationId"]), path
        assert operation.get("description"), path
        assert "default" in operation["responses"]


def test_every_operation_that_needs_a_token_takes_a_proof(document):
    proof = {"$ref": "#/components/parameters/DPoP"}
    for path, operation in operations(document):
        assert ("security" in operation) == (path not in OPEN), path
        assert (proof in operation.get("parameters", [])) == (path not in OPEN or path == "/v1/token"), path
    said = document["components"]["parameters"]["DPoP"]["description"]
    assert all(f"`{word}`" in said for word in ("typ", "alg", "jwk", "jti", "iat", "htm", "htu", "ath", "bsh"))
    assert all(word in document["info"]["description"] for word in ("RFC 9449", "`nonce`", "`now`"))


def test_words_in_answers_are_enums(schemas):
    for register in (Reason, Rule, WaybillState, ScanKind, CallEvent):
        assert schemas[register.__name__]["enum"] == [word.value for word in register]
    assert set(schemas["ProblemReason"]["enum"]) > {word.value for word in (*Reason, *ProofRule)}
    assert len(schemas["Problem"]["properties"]["type"]["enum"]) > 10


def test_described_limits_are_those_of_the_checks(schemas):
    described = schemas["OrderIn"]["properties"] | schemas["PartyIn"]["properties"]
    assert {name: described[name]["maxLength"] for name in LIMITS} == {
        name: limit for name, (limit, _) in LIMITS.items()
    }


@pytest.mark.parametrize("name", ["waybill_number", "routing_code", "job", "station", "id", "unit"])
def test_name_matches_its_pattern_up_to_the_longest_length(schemas, name):
    shapes = ("ShipItem", "LabelsIn", "PersonIn")
    [found] = {
        (each["pattern"], each["maxLength"])
        for shape in shapes
        if (each := schemas[shape]["properties"].get(name)) and each["maxLength"] != 128
    }
    assert re.fullmatch(found[0], "1" * found[1])
    assert not re.fullmatch(found[0], "1" * (found[1] + 1))


def test_every_time_has_its_format(schemas):
    times = {"at", "until", "expires", "valid_until", "now"}
    found = [(name, each) for schema in schemas.values() for name, each in schema.get("properties", {}).items()]
    assert {each.get("format") for name, each in found if name in times} == {"date-time"}


def test_every_operation_with_items_has_a_union_of_its_own(document, schemas):
    unions = {name: schema for name, schema in schemas.items() if name.endswith("Outcome") and "oneOf" in schema}
    assert len(unions) == 19
    for name, union in unions.items():
        assert union["discriminator"]["propertyName"] == "outcome", name
        for kind, reference in union["discriminator"]["mapping"].items():
            kinds = schemas[reference.rpartition("/")[2]]
            assert kinds["properties"]["outcome"]["const"] == kind
            assert "outcome" in kinds["required"]
    refused = {name for name, union in unions.items() if "refused" not in union["discriminator"]["mapping"]}
    assert refused == {"CheckoutOutcome"}


def test_no_schema_shadows_a_built_in_type_or_has_a_default(schemas):
    assert BUILT_IN & schemas.keys() == set()
    for name, schema in schemas.items():
        assert not [each for each in schema.get("properties", {}).values() if "default" in each], name


def test_description_names_a_server(document):
    [server] = document["servers"]
    assert server["url"] == "https://{host}"
