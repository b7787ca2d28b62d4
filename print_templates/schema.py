"""Validation of a template against its published JSON schema (`templates/schema.json`), which editors use too.

It implements the keywords that the schema uses and rejects others, so that the published file itself is the rule.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

FILE = Path(__file__).parent / "templates" / "schema.json"
_TYPES: dict[str, tuple[type, ...]] = {
    "object": (dict,), "array": (list,), "string": (str,), "number": (int, float), "boolean": (bool,),
}  # fmt: skip
_LIMITS: dict[str, tuple[Callable[[Any, Any], bool], str]] = {
    "enum": (lambda value, wanted: value in wanted, "must be one of {}"),
    "minimum": (lambda value, wanted: value >= wanted, "must be at least {}"),
    "maximum": (lambda value, wanted: value <= wanted, "must be at most {}"),
    "minItems": (lambda value, wanted: len(value) >= wanted, "needs at least {} {}"),
    "maxItems": (lambda value, wanted: len(value) <= wanted, "takes at most {} {}"),
    "minLength": (lambda value, wanted: len(value) >= wanted, "needs at least {} {}"),
    "maxLength": (lambda value, wanted: len(value) <= wanted, "takes at most {} {}"),
    "pattern": (lambda value, wanted: re.search(wanted, value) is not None, "must match {}"),
}
_UNDERSTOOD = _LIMITS.keys() | {
    "$schema", "$id", "$defs", "title", "description", "type", "required", "additionalProperties", "properties", "items",
}  # fmt: skip


class TemplateFault(NamedTuple):
    """A fault of a template and its place. The 3 in "text 3" counts from 1 in the order of the file."""

    where: str
    rule: str


@cache
def schema() -> dict[str, Any]:
    """Load the published schema."""
    loaded: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
    return loaded


def faults(source: object) -> list[TemplateFault]:
    """All violations of the schema in a parsed template."""
    return list(_faults(source, schema(), "template"))


def _faults(value: Any, rule: dict[str, Any], where: str) -> Iterator[TemplateFault]:
    if "$ref" in rule:
        rule = schema()["$defs"][rule["$ref"].removeprefix("#/$defs/")]
    if unknown := rule.keys() - _UNDERSTOOD:
        raise TypeError(f"the schema uses {unknown}, which print_templates.schema doesn't implement")
    kind = rule.get("type")
    if kind and (not isinstance(value, _TYPES[kind]) or (kind == "number" and isinstance(value, bool))):
        yield TemplateFault(where, f"must be of type {kind}")
        return
    for word, (holds, says) in _LIMITS.items():
        if word in rule and not holds(value, rule[word]):
            wanted = ", ".join(rule[word]) if word == "enum" else rule[word]
            yield TemplateFault(where, says.format(wanted, "characters" if kind == "string" else "items"))
    if kind == "object":
        yield from (TemplateFault(where, f"needs {name}") for name in rule.get("required", ()) if name not in value)
        yield from (TemplateFault(where, f"does not know {name}") for name in value if name not in rule["properties"])
        for name in rule["properties"].keys() & value.keys():
            inner = name if where == "template" else f"{where}, {name}"
            yield from _faults(value[name], rule["properties"][name], inner)
    if kind == "array":
        for n, each in enumerate(value, 1):
            yield from _faults(each, rule["items"], f"{where} {n}")
