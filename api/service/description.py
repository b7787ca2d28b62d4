"""The OpenAPI description: what FastAPI derives from the routes, completed with what holds for all of them.

A client must be able to call the service from this document alone, so it defines the proof (RFC 9449) and lists the words
of answers. `python -m scripts.openapi` writes it to `api/openapi.json`; tests generate clients from it and compile them.
"""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from pydantic import TypeAdapter

from masking.access.proof import AHEAD, PAST
from masking.words.reasons import Reason
from masking.words.rules import Rule

from . import problems, response_models
from .auth import OPEN

INTRODUCTION = f"""Every request but those of health, `issueToken` and the provider's push carries a token and a proof
that its device sends it (DPoP, RFC 9449, https://www.rfc-editor.org/rfc/rfc9449):

1. A supervisor enrols a person or program (`enrol`), whose one-time code is confirmed by a second person (`confirm`).
2. The device makes a P-256 key and sends the code to `issueToken` with a proof. The answer is a token for an hour, bound
   to that key. Further tokens need a proof only; couriers get them within their shift.
3. Each request carries `Authorization: DPoP <token>` and a new proof in the header `DPoP`.

A proof is valid once, and for {PAST} seconds. The service hands out no `nonce`. Where a proof is refused because of its time
(`reason` is `stale` or `future`), the problem's member `now` is the service's time: correct the clock by it and send a new
proof.

A request with items answers 200 with one outcome for each, in the same order; the member `outcome` tells them apart. All
other answers are problems (RFC 9457). Reasons and rules, with what helps, are listed in docs/reasons.md.
"""

PROOF = f"""A proof of possession: a JWT in the compact form, made anew for each request and signed with ES256.

Header: exactly `typ` = `dpop+jwt`, `alg` = `ES256`, `jwk` = the public P-256 key with exactly `kty`, `crv`, `x`, `y`.

Claims:

- `jti`: 16 to 128 printable ASCII characters, different in each proof.
- `iat`: the time in whole seconds since 1970, at most {PAST} seconds old and {AHEAD} seconds ahead.
- `htm`: the method, e.g. `POST`.
- `htu`: the address without query and fragment, under the public origin that the service is configured with.
- `ath`: the SHA-256 of the token, base64url without padding. Not for `issueToken`, which takes no token.
- `bsh`: the SHA-256 of the body's bytes as they are sent, base64url without padding. Required where there is a body; it is
  an addition of this service to RFC 9449, so that a body can't be changed under a proof.
"""

SERVERS: list[dict[str, Any]] = [
    {
        "url": "https://{host}",
        "description": "Your deployment. Proofs are made for this origin.",
        "variables": {"host": {"default": "waybills.example", "description": "Host, with the port if it is not 443"}},
    }
]

TAGS = [
    {"name": "waybills", "description": "For merchants: orders in, masked waybills out."},
    {"name": "labels", "description": "For merchants and outlets: labels as one document."},
    {"name": "parcels", "description": "Outlets scan and assign; couriers scan, look and resolve."},
    {"name": "calls", "description": "Couriers announce calls; the switch or a provider connects and reports them."},
    {"name": "people", "description": "Tokens for all callers; enrolment by supervisors, shifts by outlets."},
    {"name": "ledger", "description": "For all enrolled callers: checkpoints and proofs of the ledger."},
    {"name": "operations", "description": "For operators. No personal data."},
]

SECURITY = {
    "dpop": {
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`DPoP <token>`, together with a proof in the header `DPoP` (RFC 9449). The scheme is described as a"
        " key in a header because generators don't know the HTTP scheme `DPoP`.",
    },
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "A token without a proof, for roles that the operator allows it for (`bearer_roles`).",
    },
}


def description(app: FastAPI) -> str:
    """The OpenAPI description as JSON text, as in `api/openapi.json`."""
    return json.dumps(app.openapi(), ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def completed(document: dict[str, Any]) -> dict[str, Any]:
    """Add token, proof and problems to every route, and simplify schemas for client generators."""
    components = document.setdefault("components", {})
    if "securitySchemes" in components:
        return document
    components["securitySchemes"] = SECURITY
    components["parameters"] = {
        "DPoP": {
            "name": "DPoP",
            "in": "header",
            "required": False,
            "description": PROOF,
            "schema": {"type": "string"},
        }
    }
    schemas = components.setdefault("schemas", {})
    _add_problem(schemas)
    content = {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    for path, methods in document["paths"].items():
        for operation in methods.values():
            operation["responses"].pop("422", None)
            operation["responses"]["default"] = {"description": "A problem (RFC 9457)", "content": content}
            if path not in OPEN:
                operation["security"] = [{"dpop": []}, {"bearer": []}]
            if path not in OPEN or operation["operationId"] == "issueToken":
                operation.setdefault("parameters", []).append({"$ref": "#/components/parameters/DPoP"})
            for parameter in operation.get("parameters", []):
                _not_null(parameter)
    for schema in schemas.values():
        _simplify(schema)
    for register in (Reason, Rule):
        schemas[register.__name__]["x-enum-descriptions"] = [word.meaning for word in register]
    return document


def _add_problem(schemas: dict[str, Any]) -> None:
    problem = TypeAdapter(response_models.Problem).json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs", {})
    problem["properties"]["type"] |= {"enum": [f"urn:waybill-masking:problem:{name}" for name in problems.PROBLEMS]}
    schemas["Problem"] = problem
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)


def _not_null(parameter: dict[str, Any]) -> None:
    """Remove `null` from a parameter's types: a parameter is sent or left out."""
    for schema in parameter.get("schema", {}).pop("anyOf", []):
        if schema != {"type": "null"}:
            parameter["schema"] |= schema
    parameter.get("schema", {}).pop("title", None)


def _simplify(schema: dict[str, Any]) -> None:
    """Remove what generators misread: for some a default makes a member required, and a title becomes a type."""
    for each in schema.get("properties", {}).values():
        default = each.pop("default", None)
        each.pop("title", None)
        if default:
            each["description"] = f"{each.get('description', '')} Default: {default}.".strip()
        _simplify(each)
    schema.pop("title", None)
