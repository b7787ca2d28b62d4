"""`waybill redact`: masks names, phones, addresses and free text. Each JSON line in gives one JSON line out at once.

In: {"id", "field": address | name | phone | text, "value", "profile": label | screen | strict, "party": {"name", "phone", "address"}}.
With a party, its name, phone and door are hidden in every shape in addresses and texts. Out: {"id", "masked",
"hidden": [[start, end], ...]} with character offsets in the value, and for addresses "region" and "segments":
[[start, end, kind], ...]. An unreadable line ends the run; the error names its number, never its content.
"""

from __future__ import annotations

import argparse
import json
import sys

from masking.errors import InputError
from masking.redact.addresses import Profile, mask_read, read_address
from masking.redact.facts import ParsedParty, read_party
from masking.redact.freetext import mask_text
from masking.redact.names import mask_name
from masking.redact.phones import mask_phone
from masking.redact.regions import find_region, find_town
from masking.redact.segments import segments
from masking.redact.spans import cover_from

from ...terminal import quoted

_LINES = """Each line is an object with "field" (address, name, phone or text) and "value". It may have "id", "profile"
(label, screen or strict) and "party" (name, phone, address), which is hidden in addresses and texts. For example
  {"id": 1, "field": "text", "value": "call 13800000001 first", "party": {"phone": "13800000001"}}
gives
  {"id": 1, "masked": "call *********** first", "hidden": [[5, 16]]}"""
_REGION = ("province", "city", "district", "town", "code")


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command has no options: it reads standard input."""
    parser.epilog = _LINES


def run(args: argparse.Namespace) -> int:  # noqa: ARG001  commands share one signature
    """Mask every line of standard input."""
    for row, line in enumerate(sys.stdin, 1):
        if line.strip():
            print(quoted(_answer(row, line)), flush=True)
    return 0


def _party(fields: dict[str, object]) -> ParsedParty:
    """The analysed party of a request; an empty one without a party."""
    return read_party(*(str(fields.get(name) or "") for name in ("name", "phone", "address")))


def _answer(row: int, line: str) -> dict[str, object]:
    try:
        request = json.loads(line)
        field, value, profile = request["field"], str(request["value"]), Profile(request.get("profile", "label"))
        party = _party(request.get("party") or {})
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError("line", "not a request. 'waybill redact --help' shows one", row=row) from None
    region: dict[str, object] = {}
    match field:
        case "address":
            address = read_address(value)
            masked = mask_read(address, party.words, profile)
            found = find_town(address.normal.text, find_region(address.normal.text))
            region = {"region": dict(zip(_REGION, found, strict=False)), "segments": segments(value)}
        case "name" | "phone" | "text" if profile is Profile.STRICT:
            masked = cover_from(value, 0)
        case "name":
            masked = mask_name(value)
        case "phone":
            masked = mask_phone(value)
        case "text":
            masked = mask_text(value, party.words + party.rooms, (party.called,), party.phone.numbers)
        case _:
            raise InputError("field", "not-address-name-phone-or-text", row=row)
    return {"id": request.get("id"), "masked": masked.text, "hidden": masked.hidden} | region
