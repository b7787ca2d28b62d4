"""Turns values to and from JSON: the one place that does, for the store, the client and the routes alike."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from masking.errors import IntegrityError
from masking.waybill import Masked, MaskedParty, MaskedView, Refusal

_VIEW_FIELDS = (
    "recipient.name",
    "recipient.phone",
    "recipient.address",
    "sender.name",
    "sender.phone",
    "sender.address",
    "goods",
    "remark",
)


def view_to_json(view: MaskedView) -> dict[str, Any]:
    """A masked view as {"stamp", "fields": {name: [text, [[start, end], ...]]}}."""
    fields = {name: [masked.text, [list(span) for span in masked.hidden]] for name, masked in view.fields().items()}
    return {"stamp": view.stamp, "fields": fields}


def view_from_json(value: dict[str, Any]) -> MaskedView:
    """A masked view from its JSON form."""
    masked = [
        Masked(text, tuple((int(start), int(end)) for start, end in hidden))
        for text, hidden in (value["fields"][name] for name in _VIEW_FIELDS)
    ]
    recipient, sender = (MaskedParty(name=p[0], phone=p[1], address=p[2]) for p in (masked[0:3], masked[3:6]))
    return MaskedView(recipient=recipient, sender=sender, goods=masked[6], remark=masked[7], stamp=str(value["stamp"]))


def dump_view(view: MaskedView) -> str:
    """A masked view as the store keeps it."""
    return json.dumps(view_to_json(view), ensure_ascii=False, separators=(",", ":"))


def load_view(text: str) -> MaskedView:
    """A masked view from the store.

    Raises:
        IntegrityError: the stored text is no view.
    """
    try:
        return view_from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("a stored masked view can't be read") from error


def refusal_to_json(refusal: Refusal) -> dict[str, Any]:
    """A refusal as {"refused": reason, "retry_after": seconds or null}."""
    return {"refused": refusal.reason, "retry_after": refusal.retry_after}


def time_to_json(moment: datetime) -> str:
    """A time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
