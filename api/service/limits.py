"""How large the body of a request may be: what the shape of its route can hold, and not more.

One table for all routes, derived from the schemas of `api.service.request_models`. A body that passes is parsed in the event loop, so
its cost there is bounded too: a shape has only so many strings, and only so many characters between them.
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
"""The most that an address takes which answers anybody."""

PUSHED_BYTES = 256 * 1024
"""What a provider may push at once: about 300 records. Nothing of it is parsed before its signature has been checked."""

NO_BODY = 1024
"""What is tolerated where no body is read: some clients send an empty document with everything."""

SMALL = 4 * 1024
"""Bodies up to here are not measured: any of them is parsed and refused in a millisecond."""

SPARE = 50
"""Strings, and characters between them, beyond what the shape can hold: room for mistakes that are worth a name."""

_ESCAPED = 12
"""Bytes that one character takes at most: `\\ud83d\\ude00`."""
_INDENT = 32
"""Bytes of white space that may stand beside each mark."""
_TIME = 64
_NUMBER = 20

_STRING = re.compile(rb'"[^"]*"?')
_SPACE = b" \t\r\n"


class Size(NamedTuple):
    """What a JSON document holds at most.

    Attributes:
        strings: member names and values in quotation marks.
        text: bytes in these strings.
        marks: characters between them but white space: brackets, commas, colons, numbers, `true`, `null`.
    """

    strings: int
    text: int
    marks: int

    @property
    def length(self) -> int:
        """The document's length, indented as wide as anybody does it."""
        return self.text + self.marks * (1 + _INDENT)

    def admits(self, body: bytes) -> bool:
        """Whether a document of this size, or one with a few mistakes, can be this long and have so many parts."""
        if len(body) <= SMALL:
            return True
        most = self.strings + SPARE
        plain = body.replace(rb"\\", b"").replace(rb"\"", b"")  # else an escaped mark would end its string
        rest, found = _STRING.subn(b"", plain, count=most + 1)
        return found <= most and len(rest.translate(None, _SPACE)) <= self.marks + SPARE


def size_of(model: type[Document]) -> Size:
    """What a document of this shape holds at most.

    Raises:
        ValueError: the shape has a string, a list or an object without a limit.
    """
    schema = model.model_json_schema()
    return _size(schema, schema.get("$defs", {}))


def body_of(route: BaseRoute) -> type[Document] | None:
    """The shape of the body that a route takes; None where it takes none."""
    found = get_type_hints(route.endpoint).get("body") if isinstance(route, APIRoute) else None
    return found if isinstance(found, type) and issubclass(found, Document) else None


def body_limits(routes: Iterable[BaseRoute], most: int) -> dict[str, int]:
    """Bytes by path, for each route that takes a body; `most` is what the deployment allows in any case."""
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
