"""`waybill redact`: masks names, phones, addresses and free text, one JSON line in, one out, at once.

In: {"id", "field": address | name | phone | text, "value", "profile"}. Out: {"id", "masked", "hidden": [[start, end], ...]}
with offsets of characters in the value. A line that can't be read ends the run with its number, never its content.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable

from masking.errors import InputError
from masking.redact.addresses import mask_address
from masking.redact.freetext import mask_text
from masking.redact.names import mask_name
from masking.redact.phones import mask_phone
from masking.waybill import Masked

_MASKS: dict[str, Callable[[str], Masked]] = {
    "address": mask_address,
    "name": mask_name,
    "phone": mask_phone,
    "text": mask_text,
}


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options: it reads standard input."""


def run(args: argparse.Namespace) -> int:  # noqa: ARG001  commands share one signature
    """Mask every line of standard input."""
    for row, line in enumerate(sys.stdin, 1):
        if line.strip():
            print(json.dumps(_answer(row, line), ensure_ascii=False))
    return 0


def _answer(row: int, line: str) -> dict[str, object]:
    try:
        request = json.loads(line)
        field, value = request["field"], request["value"]
        mask = _MASKS[field]
    except (ValueError, KeyError, TypeError):
        raise InputError("line", "not-a-request", row=row) from None
    masked = mask(str(value))
    return {"id": request.get("id"), "masked": masked.text, "hidden": masked.hidden}
