"""Every error that leaves the service: RFC 9457 problem documents, made from one table.

A problem names a field and a rule, or a word of this table; never a value that somebody sent. What the framework itself
would say of a wrong path, method or body is put into the same words here.
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

from . import request_models

SHOWN = 50
"""Faults of one body that an answer names."""

MEDIA_TYPE = "application/problem+json"


class Kind(NamedTuple):
    """One row of the table: the HTTP status and a sentence for people."""

    status: int
    title: str


PROBLEMS: dict[str, Kind] = {
    "body-unreadable": Kind(400, "The body could not be read."),
    "unauthenticated": Kind(401, "No valid token came with the request."),
    "proof-refused": Kind(401, "The proof that the token's device sent this is missing, or none for this request."),
    "signature-refused": Kind(401, "No signature of this body, and of now, came with it."),
    "not-found": Kind(404, "There is nothing at this address for you."),
    "method-not-allowed": Kind(405, "This address does not take this method."),
    "too-slow": Kind(408, "The body took too long to arrive."),
    "refused": Kind(409, "Understood, and the answer is no."),
    "too-large": Kind(413, "The body is larger than the service takes."),
    "input": Kind(422, "Something in the request breaks a rule; 'errors' names field and rule."),
    "internal": Kind(500, "Something went wrong here. Nothing was revealed; the request id helps to find it."),
    "integrity": Kind(500, "The service's own data is not what it wrote. It stopped; the request id helps to find it."),
    "unavailable": Kind(503, "The store could not take this now. Nothing was revealed; ask again."),
}
"""Every problem there is, by its name."""

_OF_STATUS = {kind.status: name for name, kind in reversed(PROBLEMS.items())}
_NAMES = request_models.member_names()


@final
class ProblemError(HTTPException):
    """A problem that a route or a layer before it has found. The framework lets its own kind of exception through."""

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
    """The answer for a problem of the table."""
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
    """The answer for any exception; one that is not expected tells nothing but that."""
    match error:
        case ProblemError(name=name, more=more, headers=headers):
            return problem(name, (), headers, **more)
        case RequestValidationError():
            return problem("input", errors=[_broken(each) for each in error.errors()[:SHOWN]])
        case HTTPException(status_code=status, headers=headers):
            return problem(_OF_STATUS.get(status, "internal" if status >= 500 else "body-unreadable"), headers=headers)
        case InputError(field=field, rule=rule, row=row):
            found = {"field": field, "rule": rule} | ({"row": row} if row is not None else {})
            return problem("input", errors=[found])
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
    """What FastAPI calls for exceptions that are expected."""
    if isinstance(error, UnavailableError):
        request.scope["faults"].append(error.fault)  # for `middleware`, which logs and counts it
    return answer(error)


HANDLED: tuple[type[Exception], ...] = (
    HTTPException,
    RequestValidationError,
    InputError,
    RefusedError,
    UnknownWaybillError,
    UnavailableError,
)
"""What is answered where it is raised. Anything else is a fault here: it goes on to `middleware`, which logs where it came from."""


def _retry(seconds: int | None) -> dict[str, str]:
    return {} if seconds is None else {"Retry-After": str(seconds)}


def _broken(error: Mapping[str, Any]) -> dict[str, Any]:
    """Field and rule of a validation error; a member's name is repeated only if it is one of ours."""
    path = [part if isinstance(part, int) or part in _NAMES else "unknown-member" for part in error["loc"]]
    inner = path[1:] if len(path) > 1 else path
    return {"field": ".".join(map(str, inner)), "rule": str(error["type"]).replace("_", "-")}
