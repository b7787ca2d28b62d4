"""Parses a service's answer into a document, or into the error of a problem document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx

from masking.errors import InputError, IntegrityError, RefusedError, UnavailableError, UnknownWaybillError
from masking.words.request_rules import RequestRule


class FaultError(UnavailableError):
    """The service failed, perhaps only on this request."""


class DamageError(IntegrityError):
    """Stored data of the service is damaged, perhaps only the data that this request needed."""


def document_of(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer.

    Raises:
        MaskingError: the error of a problem document.
        IntegrityError: the answer does not come from this service.
    """
    try:
        document = answer.json()
    except ValueError:
        document = None
    if not isinstance(document, dict):
        if answer.status_code >= 500:  # a proxy in front of the service
            raise _error(answer.status_code, {})
        raise IntegrityError("the answer does not come from the service")
    if answer.status_code == httpx.codes.OK:
        return document
    raise _error(answer.status_code, document)


def quiet(error: Exception) -> Exception:
    """An exception with only the type of another library's exception, whose request could hold an order."""
    return RuntimeError(type(error).__name__)


def _error(status: int, document: Mapping[str, Any]) -> Exception:
    """The error of a problem document."""
    errors = document.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    match status:
        case 422:
            return InputError(
                str(first.get("field")),
                str(first.get("rule")),
                row=first.get("row"),
                detail=str(first.get("detail", "")),
            )
        case 413:
            return InputError("body", RequestRule.TOO_LARGE)
        case 401:
            return RefusedError(str(document.get("reason") or "unauthenticated"))
        case 404:
            return UnknownWaybillError()
        case 409:
            return RefusedError(str(document.get("reason")), state=document.get("state"))
        case _ if status >= 500 and not str(document.get("type")).endswith(":integrity"):
            return FaultError(f"the service has a fault, status {status}. Try again later")
        case _ if status >= 500:
            return DamageError(f"the service answered with status {status}")
        case _:
            return IntegrityError(f"the service answered with status {status}")
