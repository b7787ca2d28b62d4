"""The models of answers, for the OpenAPI description. `masking.values.json` writes them, and a test compares the two.

Each operation has its own union of possible outcomes, discriminated by the member `outcome`.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Literal, NotRequired, TypeVar

from pydantic import Field
from typing_extensions import TypeAliasType, TypedDict  # Pydantic asks for these below Python 3.12

from masking.numbers.pushes import SignatureRule
from masking.values.printable import CallEvent, ScanKind, WaybillState
from masking.words.reasons import ProofRule, Reason
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule

from .request_models import ID, Document

Time = Annotated[str, Field(json_schema_extra={"format": "date-time"}, examples=["2026-11-24T00:30:00.000Z"])]

ProblemReason = StrEnum(  # type: ignore[misc]  # mypy wants literal names; these are the words of three lists
    "ProblemReason", {word.name: word.value for register in (SignatureRule, ProofRule, Reason) for word in register}
)
ProblemRule = StrEnum(  # type: ignore[misc]  # likewise, of two lists
    "ProblemRule", {word.name: word.value for register in (RequestRule, Rule) for word in register}
)
ProblemRule.__doc__ = "The rule that a request breaks as a whole: a `RequestRule` or a `Rule`."
ProblemReason.__doc__ = "Why a request is refused as a whole: a rule of proofs, of pushes' signatures, or a `Reason`."


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


class PushAcknowledged(Document):
    """The acknowledgement that the provider expects, and an outcome for each record."""

    code: Annotated[int, Field(examples=[0])]
    msg: Annotated[str, Field(examples=["接收成功"])]
    outcomes: list[ReportOutcome]


class Labels(Document):
    """The printed labels, and an outcome for each requested label."""

    outcomes: list[LabelOutcome]
    pdf: Annotated[
        str | None,
        Field(description="The document in base64; null if no label was printed, or `to` is not `pdf`."),
    ]
    parts: Annotated[
        list[str],
        Field(description="In a printer's language, the bytes of each printed label in base64; page 1 is the first."),
    ]


class FoundWaybills(Document):
    """A page of the matching waybills, oldest first. `next` is `after` of the next page, and null on the last one."""

    waybills: list[Waybill]
    next: Annotated[str | None, Field(examples=[ID])]


class IssuedToken(Document):
    """A token for the header `Authorization: DPoP ...` (or `Bearer`, as in `type`), and when it expires.

    `secret` gets further tokens for a program that sent its code without a proof. It is shown once.
    """

    token: str
    type: Literal["DPoP", "Bearer"]
    expires: Time
    secret: str | None


class AnnouncedLoss(Document):
    """Signed announcement of leaves that were lost in a failover or restore, and its leaf of the ledger in base64."""

    note: str
    leaf: str


class LedgerCheckpoint(Document):
    """The latest checkpoint as a C2SP signed note, the key that verifies it, and every announcement of lost leaves."""

    note: str
    key: str
    losses: list[AnnouncedLoss]


class SealingKeys(Document):
    """The directory of sealing keys, signed by the ledger's key, and the merchant to seal for."""

    note: str
    merchant: str


class ConsistencyProof(Document):
    """The hashes that prove that one ledger is the beginning of another, in base64."""

    proof: list[str]


class InclusionProof(Document):
    """The hashes that show a leaf to be in the ledger, in base64."""

    proof: list[str]


class Liveness(Document):
    """The process answers."""

    alive: bool


class Readiness(Document):
    """Whether the service is ready, and named risks and faults that an operator should know."""

    ready: bool
    risks: list[str]


class BrokenRule(TypedDict):
    """A field and the rule that it breaks. `detail` is a sentence for a person, such as the limits of a number."""

    field: str
    rule: ProblemRule
    row: NotRequired[int]
    detail: NotRequired[str]


class Problem(TypedDict):
    """A problem document of RFC 9457. `now` is the service's time, given if a proof's time was refused."""

    type: Annotated[str, Field(examples=["urn:waybill-masking:problem:input"])]
    title: str
    status: int
    reason: NotRequired[ProblemReason]
    state: NotRequired[WaybillState]
    now: NotRequired[Time]
    errors: NotRequired[list[BrokenRule]]
