"""All error answers of the service: RFC 9457 problem documents, made from one table.

A problem names a field and a rule, or a word of this table, and never repeats a value of the request. The framework's own
errors about a path, method or body are turned into the same documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, final

from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from masking.errors import (
    InputError,
    IntegrityError,
    RefusedError,
    UnavailableError,
    UnknownWaybillError,
)
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from masking.words.word import Word

from . import request_models

SHOWN = 50
"""The most faults of one body that an answer names."""

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One row of the table: the HTTP status and a sentence for a person."""

    status: int
    title: str


PROBLEMS: dict[str, Kind] = {
    "body-unreadable": Kind(400, "The body could not be read."),
    "unauthenticated": Kind(401, "No valid token came with the request."),
    "proof-refused": Kind(401, "The proof by the token's device is missing, or not valid for this request."),
    "signature-refused": Kind(401, "The body's signature is missing, not valid, or too old."),
    "not-found": Kind(404, "There is nothing at this address that you may see."),
    "method-not-allowed": Kind(405, "This address does not support this method."),
    "too-slow": Kind(408, "The body took too long to arrive."),
    "refused": Kind(409, "The request is valid and is refused; 'reason' says why."),
    "too-large": Kind(413, "The body is too large."),
    "input": Kind(422, "The request breaks a rule; 'errors' names field and rule."),
    "internal": Kind(500, "The service failed. Nothing was revealed. Give the operator the request id."),
    "integrity": Kind(500, "The service's stored data was changed. Give the operator the request id."),
    "unavailable": Kind(503, "The store is not available. Nothing was revealed. Send the request again."),
}
"""All problems by name."""

FORM_RULES: dict[str, Word] = {
    "missing": Rule.MISSING,
    "extra_forbidden": RequestRule.UNKNOWN_MEMBER,
    **dict.fromkeys(
        ("string_type", "int_type", "float_type", "bool_type", "list_type", "model_type", "model_attributes_type"),
        RequestRule.WRONG_TYPE,
    ),
    **dict.fromkeys(("int_parsing", "int_from_float", "string_unicode"), RequestRule.WRONG_TYPE),
    "string_too_long": RequestRule.STRING_TOO_LONG,
    "string_too_short": RequestRule.STRING_TOO_SHORT,
    "too_long": RequestRule.TOO_MANY_ITEMS,
    "too_short": RequestRule.TOO_FEW_ITEMS,
    "string_pattern_mismatch": RequestRule.WRONG_FORM,
    **dict.fromkeys(("literal_error", "enum"), RequestRule.NOT_LISTED),
    **dict.fromkeys(
        ("greater_than", "greater_than_equal", "less_than", "less_than_equal", "finite_number", "int_parsing_size"),
        RequestRule.OUT_OF_RANGE,
    ),
    **dict.fromkeys(
        ("value_error", "timezone_aware", "datetime_type", "datetime_parsing", "datetime_from_date_parsing"),
        RequestRule.NOT_A_TIME,
    ),
    "json_invalid": RequestRule.NOT_JSON,
}
"""The rule for each type of Pydantic's validation errors that the models in `request_models` can give."""

_OF_STATUS = {kind.status: name for name, kind in reversed(PROBLEMS.items())}
_NAMES = request_models.member_names()


@final
class ProblemError(HTTPException):
    """A problem that a route or middleware raises. A subclass of the framework's exception, so that it is passed on."""

    def __init__(self, name: str, *, headers: Mapping[str, str] | None = None, **more: str) -> None:
        super().__init__(PROBLEMS[name].status, headers=headers)
        self.name = name
        self.more = more


def problem(
    name: str,
    errors: Sequence[Mapping[str, Any]] = (),
    headers: Mapping[str, str] | None = None,
    **more: Any,
) -> Response:
    """The response for a problem of the table."""
    kind = PROBLEMS[name]
    document: dict[str, Any] = {
        "type": f"urn:waybill-masking:problem:{name}",
        "title": kind.title,
        "status": kind.status,
    }
    if errors:
        document["errors"] = list(errors)
    document |= {key: value for key, value in more.items() if value is not None}
    return Response(json.dumps(document), kind.status, dict(headers or {}), MEDIA_TYPE)


def answer(error: Exception) -> Response:
    """The response for any exception. An unexpected one becomes `internal`, without its message."""
    match error:
        case ProblemError(name=name, more=more, headers=headers):
            return problem(name, (), headers, **more)
        case RequestValidationError():
            return problem("input", errors=[_broken(each) for each in error.errors()[:SHOWN]])
        case HTTPException(status_code=status, headers=headers):
            return problem(_OF_STATUS.get(status, "internal" if status >= 500 else "body-unreadable"), headers=headers)
        case InputError(field=field, rule=rule, row=row, detail=detail):
            found = {"field": field, "rule": rule, "row": row, "detail": detail or None}
            return problem("input", errors=[{name: value for name, value in found.items() if value is not None}])
        case RefusedError(reason=reason, state=state, retry_after=after):
            return problem("refused", reason=reason, state=state, headers=_retry(after))
        case UnknownWaybillError():
            return problem("not-found")
        case UnavailableError():
            return problem("unavailable", headers=_retry(1))
        case IntegrityError():
            return problem("integrity")
        case _:
            return problem("internal")


async def handle(request: Request, error: Exception) -> Response:
    """FastAPI's handler for the exceptions in `HANDLED`."""
    if isinstance(error, UnavailableError):
        request.scope["faults"].append(error.fault)  # `middleware` logs and counts it
    return answer(error)


HANDLED: tuple[type[Exception], ...] = (
    HTTPException,
    RequestValidationError,
    InputError,
    RefusedError,
    UnknownWaybillError,
    UnavailableError,
)
"""Expected exceptions, answered by `handle`. Any other one reaches `middleware`, which logs its source lines."""


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _broken(error: Mapping[str, Any]) -> dict[str, Any]:
    """Field and rule of a validation error. A member's name is repeated only if a model has it."""
    path = [part if isinstance(part, int) or part in _NAMES else "unknown-member" for part in error["loc"]]
    inner = path[1:] if len(path) > 1 else path
    return {"field": ".".join(map(str, inner)), "rule": FORM_RULES.get(error["type"], RequestRule.MALFORMED)}
