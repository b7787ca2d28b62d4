"""The models of the outcomes of single items, for the OpenAPI description. `masking.values.json` writes them.

A test compares the two. Each operation has its own union of possible outcomes, discriminated by the member `outcome`.
"""

from __future__ import annotations

from typing import Annotated, Literal, TypeVar

from pydantic import Field
from typing_extensions import TypeAliasType  # Pydantic needs it below Python 3.12

from masking.values.printable import CallEvent, ScanKind, WaybillState
from masking.words.reasons import Reason
from masking.words.rules import Rule

from .request_models import ID, Document

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T00:30:00.000Z"])]


class VirtualNumber(Document):
    """A virtual number: dial `main`, then `extension`."""

    main: Annotated[str, Field(examples=["17000000000"])]
    extension: Annotated[str, Field(examples=["1234"])]
    expires: Time


class HiddenSpan(Document):
    """Characters `start` to `end` of the text, `end` not included, replace hidden characters."""

    start: int
    end: int


class MaskedText(Document):
    """A masked text, and the spans in it that replace hidden characters."""

    text: Annotated[str, Field(examples=["欧阳**"])]
    hidden: Annotated[list[HiddenSpan], Field(examples=[[{"start": 2, "end": 4}]])]


class MaskedParty(Document):
    """A recipient or a sender as it may be shown."""

    name: MaskedText
    phone: MaskedText
    address: MaskedText


class MaskedView(Document):
    """An order as it may be shown. `stamp` names the rules that it was checked against."""

    stamp: str
    recipient: MaskedParty
    sender: MaskedParty
    goods: MaskedText
    remark: MaskedText


class Waybill(Document):
    """A waybill as its merchant sees it. `masked` is null after destruction."""

    id: Annotated[str, Field(examples=[ID])]
    reference: str | None
    masked: MaskedView | None
    number: VirtualNumber | None
    merge: str | None
    state: WaybillState
    waybill_number: str | None
    routing_code: str | None
    created: bool


class WaybillOutcome(Waybill):
    """The waybill as it is now."""

    outcome: Literal["waybill"]


class Rejected(Document):
    """An order or entry that was not accepted: the field and the rule that it breaks."""

    outcome: Literal["rejected"]
    reference: str | None
    field: str
    rule: Rule
    row: int | None
    sizes: Annotated[
        list[str],
        Field(
            description="The built-in label sizes that have room, if a label has too little.", examples=[["100x180"]]
        ),
    ]


class Refused(Document):
    """A well-formed item that is refused. `retry_after` is in seconds, if waiting helps."""

    outcome: Literal["refused"]
    reason: Reason
    retry_after: int | None


class Granted(Document):
    """What the next step of this parcel needs, in plain text. Draw `view_ref` over it; keep it in memory only."""

    outcome: Literal["granted"]
    fields: dict[str, str]
    view_ref: str
    valid_until: Time
    remaining: int


class Note(Document):
    """A defect of a label that is printed nevertheless."""

    field: str
    rule: Rule


class Printed(Document):
    """The label is on this page of the document. Show its notes to the clerk."""

    outcome: Literal["printed"]
    page: int
    notes: list[Note]


class DialNumber(Document):
    """The number to dial from your own verified phone until `valid_until`."""

    outcome: Literal["dial"]
    number: VirtualNumber
    valid_until: Time


class ConnectCall(Document):
    """Call `to`, show `shown` to both sides, and report events of this call under the id `call`."""

    outcome: Literal["connect"]
    to: str
    shown: str
    call: str


class Reported(Document):
    """This event of this call is recorded, now or before."""

    outcome: Literal["reported"]
    call: str
    event: CallEvent


class CallBack(Document):
    """A parcel whose recipient missed a call, and when another phone called back."""

    waybill_number: str
    at: Time


class CallBacks(Document):
    """Recipients to call again, because another phone called back after a missed call."""

    outcome: Literal["call_backs"]
    calls: list[CallBack]


class MaskedLookup(Document):
    """The masked view. `matches`: whether the phone in the request is the recipient's; null without a phone."""

    outcome: Literal["seen"]
    view: MaskedView
    matches: bool | None


class Scanned(Document):
    """The scan is recorded, now or earlier under the same idempotency key."""

    outcome: Literal["scanned"]
    kind: ScanKind
    at: Time


class Assigned(Document):
    """The courier has had the duty since `at`."""

    outcome: Literal["assigned"]
    courier: str
    at: Time


class Delivered(Document):
    """The parcel is delivered, and access to its data has ended."""

    outcome: Literal["delivered"]
    at: Time


class Enrolled(Document):
    """The person is enrolled. The code is shown once, and is valid for one device until `until`."""

    outcome: Literal["enrolled"]
    id: str
    code: str
    until: Time


class Confirmed(Document):
    """A second person has confirmed the enrolment, so the code is valid now."""

    outcome: Literal["confirmed"]
    id: str


class ShiftSet(Document):
    """The time at which the courier's shift ends. It is in the past if the shift has ended."""

    outcome: Literal["working"]
    courier: str
    until: Time


class Revoked(Document):
    """The person's device and tokens are invalid. The revocation can be undone for an hour."""

    outcome: Literal["revoked"]
    id: str


class Reinstated(Document):
    """The revocation is undone. The person keeps device and phone."""

    outcome: Literal["reinstated"]
    id: str


class DeviceEnded(Document):
    """The person's device is invalid, and so is the phone that was confirmed with it."""

    outcome: Literal["device_ended"]
    id: str


class Unlocked(Document):
    """The person is unlocked, and refusals are counted from zero."""

    outcome: Literal["unlocked"]
    id: str


_Kinds = TypeVar("_Kinds")
_OneOf = Annotated[_Kinds, Field(discriminator="outcome")]

CheckoutOutcome = TypeAliasType("CheckoutOutcome", _OneOf[WaybillOutcome | Rejected])
ChangeOutcome = TypeAliasType("ChangeOutcome", _OneOf[WaybillOutcome | Rejected | Refused])
CancelOutcome = TypeAliasType("CancelOutcome", _OneOf[WaybillOutcome | Refused])
LabelOutcome = TypeAliasType("LabelOutcome", _OneOf[Printed | Rejected | Refused])
ResolveOutcome = TypeAliasType("ResolveOutcome", _OneOf[Granted | Refused])
LookOutcome = TypeAliasType("LookOutcome", _OneOf[MaskedLookup | Refused])
CallOutcome = TypeAliasType("CallOutcome", _OneOf[DialNumber | Refused])
MissedCallsOutcome = TypeAliasType("MissedCallsOutcome", _OneOf[CallBacks | Refused])
ScanOutcome = TypeAliasType("ScanOutcome", _OneOf[Scanned | Delivered | Refused])
AssignOutcome = TypeAliasType("AssignOutcome", _OneOf[Assigned | Refused])
RouteOutcome = TypeAliasType("RouteOutcome", _OneOf[ConnectCall | Refused])
ReportOutcome = TypeAliasType("ReportOutcome", _OneOf[Reported | Refused])
EnrolOutcome = TypeAliasType("EnrolOutcome", _OneOf[Enrolled | Rejected | Refused])
ConfirmOutcome = TypeAliasType("ConfirmOutcome", _OneOf[Confirmed | Refused])
ShiftOutcome = TypeAliasType("ShiftOutcome", _OneOf[ShiftSet | Refused])
RevokeOutcome = TypeAliasType("RevokeOutcome", _OneOf[Revoked | Refused])
ReinstateOutcome = TypeAliasType("ReinstateOutcome", _OneOf[Reinstated | Refused])
EndDeviceOutcome = TypeAliasType("EndDeviceOutcome", _OneOf[DeviceEnded | Refused])
UnlockOutcome = TypeAliasType("UnlockOutcome", _OneOf[Unlocked | Refused])
