"""The shapes of answers, for the OpenAPI description; `masking.wire` writes them, and a test holds the two together."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired

from pydantic import ConfigDict, Field, with_config
from typing_extensions import TypedDict  # Pydantic asks for this one below Python 3.12

from .documents import CODE, ID, Document

Time = Annotated[str, Field(examples=["2026-11-24T00:30:00.000Z"])]


class Number(Document):
    """A virtual number: dial `main`, then `extension`."""

    main: Annotated[str, Field(examples=["17000000000"])]
    extension: Annotated[str, Field(examples=["1234"])]
    expires: Time


class View(Document):
    """A masked view: each field as its text and the spans of it that stand for hidden characters."""

    stamp: str
    fields: Annotated[
        dict[str, tuple[str, list[tuple[int, int]]]], Field(examples=[{"recipient.name": ["欧阳**", [[2, 4]]]}])
    ]


class WaybillOut(Document):
    """A waybill as its merchant sees it; `masked` is null once destroyed."""

    id: Annotated[str, Field(examples=[ID])]
    reference: str | None
    masked: View | None
    number: Number | None
    merge: str | None
    state: str
    waybill_number: str | None
    routing_code: str | None
    created: bool


class RejectedOut(Document):
    """An order or entry that was not taken: the field and the rule it breaks."""

    reference: str | None
    field: str
    rule: str
    row: int | None


class RefusedOut(Document):
    """Understood, and the answer is no."""

    reason: str
    retry_after: int | None


class GrantOut(Document):
    """What the next step of this parcel needs, in plain text. Draw `view_ref` over it; keep it in memory only."""

    fields: dict[str, str]
    view_ref: str
    valid_until: Time
    remaining: int


class PrintedOut(Document):
    """The label is on this page of the document."""

    page: int


class DialOut(Document):
    """The number to dial, from your own verified phone, until then."""

    number: Number
    valid_until: Time


class ConnectOut(Document):
    """Ring `to`; show both sides `shown`; name the call `call` in its reports."""

    to: str
    shown: str
    call: str


class ReportedOut(Document):
    """This event of this call is recorded, now or before."""

    call: str
    event: str


class CallBack(Document):
    """A parcel whose recipient has missed a call, and when somebody tried to answer it."""

    waybill_number: str
    at: Time


class CallBacksOut(Document):
    """Recipients to ring again: somebody tried to answer a missed call from another phone."""

    calls: list[CallBack]


class SeenOut(Document):
    """The masked view; `matches` says whether the parcel is for whoever said the phone, null where none was said."""

    view: View
    matches: bool | None


class ScannedOut(Document):
    """The scan is recorded, or was before under the same key."""

    kind: str
    at: Time


class AssignedOut(Document):
    """The courier has the duty since then."""

    courier: str
    at: Time


class DeliveredOut(Document):
    """Signed for; access has ended."""

    at: Time


class EnrolledOut(Document):
    """Enrolled. The code is shown this once, and lets one device in, once, until then."""

    id: str
    code: str
    until: Time


class ConfirmedOut(Document):
    """Vouched for by a second person: the code is good now."""

    id: str


class WorkingOut(Document):
    """The courier's shift ends then; in the past if it has ended."""

    courier: str
    until: Time


class RevokedOut(Document):
    """Nothing that this person holds is valid any more; for an hour it can be taken back."""

    id: str


class ReinstatedOut(Document):
    """The revocation is taken back: this person acts again, with the device and the phone that they had."""

    id: str


class DeviceEndedOut(Document):
    """The device that this person had is invalid, and so is the phone that was confirmed with it."""

    id: str


class UnlockedOut(Document):
    """This person's refusals are counted from nought again."""

    id: str


@with_config(ConfigDict(extra="forbid", json_schema_extra={"minProperties": 1, "maxProperties": 1}))
class OutcomeOut(TypedDict, total=False):
    """One outcome: exactly one of these members, which one depends on what was asked."""

    waybill: WaybillOut
    printed: PrintedOut
    rejected: RejectedOut
    refused: RefusedOut
    granted: GrantOut
    dial: DialOut
    connect: ConnectOut
    reported: ReportedOut
    call_backs: CallBacksOut
    seen: SeenOut
    scanned: ScannedOut
    assigned: AssignedOut
    delivered: DeliveredOut
    enrolled: EnrolledOut
    confirmed: ConfirmedOut
    working: WorkingOut
    revoked: RevokedOut
    reinstated: ReinstatedOut
    device_ended: DeviceEndedOut
    unlocked: UnlockedOut


class Outcomes(Document):
    """An outcome for each item, in the same order."""

    outcomes: list[OutcomeOut]


class PushedOut(Outcomes):
    """What the provider has to hear to push no more, and, for whoever reads it, an outcome for each record."""

    code: Annotated[int, Field(examples=[0])]
    msg: Annotated[str, Field(examples=["接收成功"])]


class Labels(Outcomes):
    """The labels that could be printed, as one document, and an outcome for each that was asked for."""

    pdf: Annotated[str | None, Field(description="The document in base64; null if there is no label in it.")]


class Waybills(Document):
    """The waybills that answer the question, oldest first."""

    waybills: list[WaybillOut]


class TokenOut(Document):
    """A token for the header `Authorization: DPoP ...` (`Bearer` where `type` says so), and when it ends.

    `secret` buys further tokens for a program that showed its code without a proof; it is shown this once.
    """

    token: str
    type: Literal["DPoP", "Bearer"]
    expires: Time
    secret: str | None


class CheckpointOut(Document):
    """The latest signed checkpoint, as a C2SP signed note, and the key that checks it."""

    note: str
    key: str


class SourcesOut(Document):
    """The directory of keys that orders are sealed to, signed by the ledger's key, and the merchant to seal for."""

    note: str
    merchant: str


class ConsistencyOut(Document):
    """The hashes that show one ledger to be the beginning of another, in base64."""

    proof: list[str]


class BrokenRule(TypedDict):
    """A field and the rule that it breaks."""

    field: str
    rule: str
    row: NotRequired[int]


class Problem(TypedDict):
    """RFC 9457."""

    type: Annotated[str, Field(examples=["urn:waybill-masking:problem:input"])]
    title: str
    status: int
    reason: NotRequired[str]
    state: NotRequired[str]
    now: NotRequired[Time]
    errors: NotRequired[list[BrokenRule]]


__all__ = ["CODE", "CheckpointOut", "ConsistencyOut", "Labels", "Outcomes", "Problem", "TokenOut", "Waybills"]
