"""Limits the size of each route's request body to what its model can hold.

The limits are derived from the models in `api.service.request_models`. A body is parsed in the event loop, so the number
of strings and of characters between them is limited as well.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, get_type_hints

from fastapi.routing import APIRoute
from starlette.routing import BaseRoute

from .auth import OPEN, PUSHED
from .request_models import Document

OPEN_BYTES = 32 * 1024
"""The largest body at an address that needs no token."""

PUSHED_BYTES = 256 * 1024
"""The largest push of a provider, about 300 records. Its signature is verified before it is parsed."""

NO_BODY = 1024
"""The largest body where no body is read: some clients send an empty document with every request."""

SMALL = 4 * 1024
"""Bodies up to this size are not measured, because parsing and refusing one takes a millisecond at most."""

SPARE = 50
"""Extra strings, and characters between them, so that a body with a few mistakes still gets an error that names them."""

_ESCAPED = 12
"""The most bytes of one escaped character: `\\ud83d\\ude00`."""
_INDENT = 32
"""Bytes of white space allowed next to each mark."""
_TIME = 64
_NUMBER = 20

_STRING = re.compile(rb'"[^"]*"?')
_SPACE = b" \t\r\n"


class Size(NamedTuple):
    """The largest size of a JSON document.

    Attributes:
        strings: number of member names and quoted values.
        text: bytes in these strings.
        marks: characters between them except white space: brackets, commas, colons, numbers, `true`, `null`.
    """

    strings: int
    text: int
    marks: int

    @property
    def length(self) -> int:
        """The document's length with generous indentation."""
        return self.text + self.marks * (1 + _INDENT)

    def admits(self, body: bytes) -> bool:
        """Whether a body is within this size, with some room for mistakes."""
        if len(body) <= SMALL:
            return True
        most = self.strings + SPARE
        plain = body.replace(rb"\\", b"").replace(rb"\"", b"")  # an escaped quotation mark does not end its string
        rest, found = _STRING.subn(b"", plain, count=most + 1)
        return found <= most and len(rest.translate(None, _SPACE)) <= self.marks + SPARE


def size_of(model: type[Document]) -> Size:
    """The largest size of a document of this model.

    Raises:
        ValueError: the model has a string, a list or an object without a limit.
    """
    schema = model.model_json_schema()
    return _size(schema, schema.get("$defs", {}))


def body_of(route: BaseRoute) -> type[Document] | None:
    """The model of a route's body; None if the route takes no body."""
    found = get_type_hints(route.endpoint).get("body") if isinstance(route, APIRoute) else None
    return found if isinstance(found, type) and issubclass(found, Document) else None


def body_limits(routes: Iterable[BaseRoute], most: int) -> dict[str, int]:
    """The largest body in bytes by path, for each route that takes a body. `most` is the deployment's own limit."""
    found = {PUSHED: min(PUSHED_BYTES, most)}
    for route in routes:
        model = body_of(route)
        if isinstance(route, APIRoute) and model:
            found[route.path] = min(size_of(model).length, OPEN_BYTES if route.path in OPEN else most, most)
    return found


def _size(schema: Mapping[str, Any], named: Mapping[str, Any]) -> Size:
    match schema:
        case {"$ref": str(name)}:
            return _size(named[name.rsplit("/", 1)[-1]], named)
        case {"anyOf": [*choices]}:
            return Size(*map(max, zip(*(_size(each, named) for each in choices), strict=True)))
        case {"type": "object", "properties": dict(members)}:
            inside = [_size(each, named) for each in members.values()]
            names = sum(len(name) + 2 for name in members)
            strings, text, marks = (sum(part) for part in zip(*inside, strict=True))
            return Size(strings + len(members), text + names, marks + 2 * len(members) + 2)
        case {"type": "array", "items": dict(item), "maxItems": int(many)}:
            each = _size(item, named)
            return Size(each.strings * many, each.text * many, (each.marks + 1) * many + 2)
        case {"enum": [*words]}:
            return Size(1, max(map(len, words)) + 2, 0)
        case {"type": "string", "maxLength": int(long)}:
            return Size(1, long * _ESCAPED + 2, 0)
        case {"type": "string", "format": "date-time"}:
            return Size(1, _TIME, 0)
        case {"type": "boolean" | "integer" | "number" | "null"}:
            return Size(0, 0, _NUMBER)
        case _:
            raise ValueError("a shape without a limit")
