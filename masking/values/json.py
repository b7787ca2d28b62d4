"""JSON forms of values, shared by the store, the client and the routes.

An outcome names its kind in the member `outcome`: {"outcome": "refused", "reason": ...}. An order from outside is parsed
strictly: a missing or wrong member is an `InputError` that names the member.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar, cast

from masking.errors import InputError, IntegrityError
from masking.values.outcomes import (
    Assigned,
    CallBacks,
    Confirmed,
    Delivered,
    DeviceEnded,
    Dial,
    MaskedLookup,
    Reinstated,
    Reported,
    Revoked,
    Scanned,
    ShiftSet,
    Unlocked,
)
from masking.values.plaintext import Connect, Enrolled, Grant, Order, Party, Plain
from masking.values.printable import (
    CallEvent,
    Masked,
    MaskedParty,
    MaskedView,
    Note,
    PrintedPage,
    Refusal,
    Rejected,
    ScanKind,
    VirtualNumber,
    Waybill,
    WaybillId,
    WaybillState,
)
from masking.words.reasons import Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule

Outcome = (
    Waybill | PrintedPage | Rejected | Refusal | Grant | Dial | Connect | Reported | CallBacks | MaskedLookup | Scanned | Assigned
    | Delivered | Enrolled | Confirmed | ShiftSet | Revoked | Reinstated
    | DeviceEnded | Unlocked
)  # fmt: skip

_Word = TypeVar("_Word", bound=StrEnum)
_HALF = re.compile("[\ud800-\udfff]")  # a lone surrogate: JSON can spell it, but UTF-8 can't encode it


def order_to_json(order: Order) -> dict[str, Any]:
    """An order in plaintext. Only for the connection to the service."""
    recipient, sender = (
        {"name": p.name.reveal(), "phone": p.phone.reveal(), "address": p.address.reveal()}
        for p in (order.recipient, order.sender)
    )
    return {
        "reference": order.reference,
        "recipient": recipient,
        "sender": sender,
        "goods": order.goods.reveal(),
        "remark": order.remark.reveal(),
        "waybill_number": order.waybill_number,
        "routing_code": order.routing_code,
        "show_goods": order.show_goods,
    }


def order_from_json(value: Mapping[str, Any]) -> Order:
    """An order from its JSON form.

    Raises:
        InputError: a member is missing or has the wrong type.
    """
    return Order(
        reference=_text(value, "reference"),
        recipient=_party(value, "recipient"),
        sender=_party(value, "sender"),
        goods=_text(value, "goods", ""),
        remark=_text(value, "remark", ""),
        waybill_number=_text(value, "waybill_number", "") or None,
        routing_code=_text(value, "routing_code", "") or None,
        show_goods=value.get("show_goods") is True,
    )


def outcome_to_json(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a JSON object that names its kind. Plaintext of a grant, connection or enrolment is revealed."""
    name, write, _ = _FORMS[type(outcome)]
    return {"outcome": name, **write(outcome)}


def outcome_from_json(value: Mapping[str, Any]) -> Outcome:
    """An outcome from its JSON form.

    Raises:
        IntegrityError: the object is not an outcome.
    """
    try:
        return _READERS[value["outcome"]](value)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise IntegrityError("the service's answer is not an outcome") from error.with_traceback(None)


def view_to_json(view: MaskedView) -> dict[str, Any]:
    """A masked view: each field's string with its hidden spans, under the names of `MaskedView`."""
    return {
        "stamp": view.stamp,
        "recipient": _party_to_json(view.recipient),
        "sender": _party_to_json(view.sender),
        "goods": _masked_to_json(view.goods),
        "remark": _masked_to_json(view.remark),
    }


def view_from_json(value: Mapping[str, Any]) -> MaskedView:
    """A masked view from its JSON form."""
    return MaskedView(
        recipient=_party_from_json(value["recipient"]),
        sender=_party_from_json(value["sender"]),
        goods=_masked_from_json(value["goods"]),
        remark=_masked_from_json(value["remark"]),
        stamp=str(value["stamp"]),
    )


def dump_view(view: MaskedView) -> str:
    """A masked view as JSON text for the store."""
    return json.dumps(view_to_json(view), ensure_ascii=False, separators=(",", ":"))


def load_view(text: str) -> MaskedView:
    """A masked view from JSON text of the store.

    Raises:
        IntegrityError: the stored text is not a masked view.
    """
    try:
        return view_from_json(json.loads(text))
    except (ValueError, KeyError, TypeError) as error:
        raise IntegrityError("a stored masked view can't be read") from error


def time_to_json(moment: datetime) -> str:
    """A time as RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def time_from_json(text: str) -> datetime:
    """A time from its JSON form, in UTC."""
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError("a time needs a time zone")
    return found.astimezone(UTC)


def _text(value: Mapping[str, Any], name: str, default: str | None = None) -> str:
    found = value.get(name)
    if found is None and default is not None:
        return default
    if not isinstance(found, str) or _HALF.search(found):
        raise InputError(name, Rule.MISSING if found is None else RequestRule.WRONG_TYPE)
    return found


def _party(value: Mapping[str, Any], who: str) -> Party:
    party = value.get(who)
    if not isinstance(party, Mapping):
        raise InputError(who, Rule.MISSING)
    name, phone, address = (_text({f"{who}.{k}": party.get(k)}, f"{who}.{k}") for k in ("name", "phone", "address"))
    return Party(name=name, phone=phone, address=address)


def _party_to_json(party: MaskedParty) -> dict[str, Any]:
    return {
        "name": _masked_to_json(party.name),
        "phone": _masked_to_json(party.phone),
        "address": _masked_to_json(party.address),
    }


def _party_from_json(value: Mapping[str, Any]) -> MaskedParty:
    name, phone, address = (_masked_from_json(value[each]) for each in ("name", "phone", "address"))
    return MaskedParty(name=name, phone=phone, address=address)


def _masked_to_json(masked: Masked) -> dict[str, Any]:
    return {"text": masked.text, "hidden": [{"start": start, "end": end} for start, end in masked.hidden]}


def _masked_from_json(value: Mapping[str, Any]) -> Masked:
    if not isinstance(value["text"], str):
        raise TypeError("not a string")
    return Masked(value["text"], tuple((int(span["start"]), int(span["end"])) for span in value["hidden"]))


def _word(register: type[_Word], word: str) -> _Word:
    """A member of the enum `register`. An unknown word stays a string, since a newer service may use new words."""
    if not isinstance(word, str):
        raise TypeError("not a word")
    try:
        return register(word)
    except ValueError:
        return cast("_Word", word)


def _number_to_json(number: VirtualNumber) -> dict[str, str]:
    return {"main": number.main, "extension": number.extension, "expires": time_to_json(number.expires)}


def _number_from_json(value: Mapping[str, str]) -> VirtualNumber:
    return VirtualNumber(main=value["main"], extension=value["extension"], expires=time_from_json(value["expires"]))


def waybill_to_json(waybill: Waybill) -> dict[str, Any]:
    """A waybill as its merchant sees it."""
    return {
        "id": waybill.id,
        "reference": waybill.reference,
        "masked": view_to_json(waybill.masked) if waybill.masked else None,
        "number": _number_to_json(waybill.number) if waybill.number else None,
        "merge": waybill.merge,
        "state": waybill.state,
        "waybill_number": waybill.waybill_number,
        "routing_code": waybill.routing_code,
        "created": waybill.created,
    }


def waybill_from_json(value: Mapping[str, Any]) -> Waybill:
    """A waybill from its JSON form."""
    number, view = value["number"], value["masked"]
    return Waybill(
        id=WaybillId(value["id"]),
        reference=value["reference"],
        masked=view_from_json(view) if view else None,
        number=_number_from_json(number) if number else None,
        merge=value["merge"],
        state=_word(WaybillState, value["state"]),
        waybill_number=value["waybill_number"],
        routing_code=value["routing_code"],
        created=value["created"],
    )


def _grant_to_json(grant: Grant) -> dict[str, Any]:
    return {
        "fields": {name: plain.reveal() for name, plain in grant.fields.items()},
        "view_ref": grant.view_ref,
        "valid_until": time_to_json(grant.valid_until),
        "remaining": grant.remaining,
    }


def _grant_from_json(value: Mapping[str, Any]) -> Grant:
    return Grant(
        fields={name: Plain(text) for name, text in value["fields"].items()},
        view_ref=value["view_ref"],
        valid_until=time_from_json(value["valid_until"]),
        remaining=value["remaining"],
    )


_FORMS: dict[type[Outcome], tuple[str, Callable[[Any], dict[str, Any]], Callable[[Any], Outcome]]] = {
    Waybill: ("waybill", waybill_to_json, waybill_from_json),
    Rejected: (
        "rejected",
        lambda o: {"reference": o.reference, "field": o.field, "rule": o.rule, "row": o.row, "sizes": list(o.sizes)},
        lambda v: Rejected(
            reference=v["reference"],
            field=v["field"],
            rule=_word(Rule, v["rule"]),
            row=v["row"],
            sizes=tuple(v["sizes"]),
        ),
    ),
    Refusal: (
        "refused",
        lambda o: {"reason": o.reason, "retry_after": o.retry_after},
        lambda v: Refusal(reason=_word(Reason, v["reason"]), retry_after=v["retry_after"]),
    ),
    PrintedPage: (
        "printed",
        lambda o: {"page": o.page, "notes": [each._asdict() for each in o.notes]},
        lambda v: PrintedPage(
            page=v["page"], notes=tuple(Note(each["field"], _word(Rule, each["rule"])) for each in v["notes"])
        ),
    ),
    Grant: ("granted", _grant_to_json, _grant_from_json),
    Dial: (
        "dial",
        lambda o: {"number": _number_to_json(o.number), "valid_until": time_to_json(o.valid_until)},
        lambda v: Dial(number=_number_from_json(v["number"]), valid_until=time_from_json(v["valid_until"])),
    ),
    Connect: (
        "connect",
        lambda o: {"to": o.to.reveal(), "shown": o.shown, "call": o.call},
        lambda v: Connect(to=Plain(v["to"]), shown=v["shown"], call=v["call"]),
    ),
    Reported: (
        "reported",
        lambda o: {"call": o.call, "event": o.event},
        lambda v: Reported(call=v["call"], event=_word(CallEvent, v["event"])),
    ),
    CallBacks: (
        "call_backs",
        lambda o: {"calls": [{"waybill_number": n, "at": time_to_json(at)} for n, at in o.calls]},
        lambda v: CallBacks(calls=tuple((c["waybill_number"], time_from_json(c["at"])) for c in v["calls"])),
    ),
    MaskedLookup: (
        "seen",
        lambda o: {"view": view_to_json(o.view), "matches": o.matches},
        lambda v: MaskedLookup(view=view_from_json(v["view"]), matches=v["matches"]),
    ),
    Scanned: (
        "scanned",
        lambda o: {"kind": o.kind, "at": time_to_json(o.at)},
        lambda v: Scanned(kind=_word(ScanKind, v["kind"]), at=time_from_json(v["at"])),
    ),
    Assigned: (
        "assigned",
        lambda o: {"courier": o.courier, "at": time_to_json(o.at)},
        lambda v: Assigned(courier=v["courier"], at=time_from_json(v["at"])),
    ),
    Delivered: (
        "delivered",
        lambda o: {"at": time_to_json(o.at)},
        lambda v: Delivered(at=time_from_json(v["at"])),
    ),
    Enrolled: (
        "enrolled",
        lambda o: {"id": o.id, "code": o.code.reveal(), "until": time_to_json(o.until)},
        lambda v: Enrolled(id=v["id"], code=Plain(v["code"]), until=time_from_json(v["until"])),
    ),
    Confirmed: ("confirmed", lambda o: {"id": o.id}, lambda v: Confirmed(id=v["id"])),
    ShiftSet: (
        "working",
        lambda o: {"courier": o.courier, "until": time_to_json(o.until)},
        lambda v: ShiftSet(courier=v["courier"], until=time_from_json(v["until"])),
    ),
    Revoked: ("revoked", lambda o: {"id": o.id}, lambda v: Revoked(id=v["id"])),
    Reinstated: ("reinstated", lambda o: {"id": o.id}, lambda v: Reinstated(id=v["id"])),
    DeviceEnded: ("device_ended", lambda o: {"id": o.id}, lambda v: DeviceEnded(id=v["id"])),
    Unlocked: ("unlocked", lambda o: {"id": o.id}, lambda v: Unlocked(id=v["id"])),
}
"""Outcome class -> its name in JSON, its writer, its reader."""

_READERS = {name: read for name, _, read in _FORMS.values()}
