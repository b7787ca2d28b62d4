"""The models of request bodies, for validation and for the OpenAPI description.

They define the number of items and the members with their types. The content of a member is checked by the steps, so
that one faulty order is rejected and the others are entered. `masking.values.json` converts values.
"""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from masking.access.duty import Purpose
from masking.steps.enrol import PERSON_ID
from masking.steps.label import JOB_OR_STATION
from masking.values.arguments import PAGE
from masking.values.plaintext import LIMITS, ROUTING_CODE, WAYBILL_NUMBER
from masking.values.printable import CallEvent, ScanKind

Short = Annotated[str, StringConstraints(max_length=128, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""A name, code or number: one line."""
Text = Annotated[str, StringConstraints(max_length=4000)]
"""Free text of a request. The steps check the exact length, so that one faulty item is rejected and not its neighbours."""


def _text(kind: str, least: int = 1) -> Any:
    """The described limits of a field of an order, which `masking.values.plaintext` checks."""
    return Field(json_schema_extra={"minLength": least, "maxLength": LIMITS[kind][0]})


def _form(pattern: re.Pattern[str], longest: int) -> Any:
    """The described form of a name, which a step checks."""
    return Field(json_schema_extra={"pattern": f"^{pattern.pattern}$", "maxLength": longest})


Number = Annotated[Text, _form(WAYBILL_NUMBER, 32), Field(examples=["YT0000000001001"])]
Route = Annotated[Text, _form(ROUTING_CODE, 32), Field(examples=["342-081-00 052"])]
Reference = Annotated[Text, _text("reference")]
PersonId = Annotated[Short, _form(PERSON_ID, 63)]


def _written_out(value: object) -> object:
    """Refuse a time that is not written as in RFC 3339, such as a number, which Pydantic would read as seconds."""
    if not isinstance(value, str) or not re.match(r"\d{4}-\d\d-\d\d[Tt ]\d\d:", value):
        raise ValueError("not a time")
    return value


Time = Annotated[AwareDatetime, Field(strict=False), BeforeValidator(_written_out)]

ID = "wb1_034agrwbr02t2h0pb9k5ndwr4m"
CODE = "WB1" + "0" * 56


class Document(BaseModel):
    """A strict model: an unknown member is an error, and errors never repeat what was sent."""

    model_config = ConfigDict(extra="forbid", strict=True, hide_input_in_errors=True)


class PartyIn(Document):
    """A recipient or a sender, in plain text."""

    name: Annotated[Text, _text("name")]
    phone: Annotated[Text, _text("phone")]
    address: Annotated[Text, _text("address")]


class OrderIn(Document):
    """One order, in plain text. `reference` is your own order number; the same one again gives the same waybill."""

    reference: Reference
    recipient: PartyIn
    sender: PartyIn
    goods: Annotated[Text, _text("goods", 0)] = ""
    remark: Annotated[Text, _text("remark", 0)] = ""
    waybill_number: Number | None = None
    routing_code: Route | None = None
    show_goods: bool = False


ORDER: dict[str, Any] = {
    "reference": "A-1001",
    "recipient": {"name": "欧阳测试", "phone": "13800000001", "address": "上海市浦东新区世纪大道100号3栋2单元501室"},
    "sender": {"name": "样例店", "phone": "13700000002", "address": "浙江省杭州市西湖区文三路90号5号楼301室"},
    "goods": "书",
}


class CheckoutIn(Document):
    """Up to 100 orders."""

    orders: Annotated[list[OrderIn], Field(min_length=1, max_length=100, examples=[[ORDER]])]


class SealedIn(Document):
    """Up to 100 orders, each sealed to a key of `GET /v1/sources` (FORMAT.md section 6), in base64."""

    envelopes: Annotated[list[Annotated[str, StringConstraints(max_length=20000)]], Field(min_length=1, max_length=100)]


class FindIn(Document):
    """A complete phone, or one of your own references: exactly one of the two. The answer is one page.

    `after` is the member `next` of the page before.
    """

    phone: Annotated[Short | None, Field(examples=["13800000001"])] = None
    reference: Short | None = None
    limit: Annotated[int, Field(ge=1, le=PAGE)] = PAGE
    after: Annotated[Short | None, Field(examples=[ID])] = None


class ShipItem(Document):
    """The carrier's number and routing code of one waybill."""

    id: Annotated[Short, Field(examples=[ID])]
    waybill_number: Number
    routing_code: Route


class ShipIn(Document):
    """Up to 100 waybills."""

    items: Annotated[list[ShipItem], Field(min_length=1, max_length=100)]


class AmendItem(Document):
    """A corrected order under its unchanged reference."""

    id: Annotated[Short, Field(examples=[ID])]
    order: Annotated[OrderIn, Field(examples=[ORDER])]


class AmendIn(Document):
    """Up to 100 waybills."""

    items: Annotated[list[AmendItem], Field(min_length=1, max_length=100)]


class CancelIn(Document):
    """Up to 100 waybills."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[[ID]])]


ReprintReason = Literal["damaged", "printer-jam", "repacked"]


class ReprintItem(Document):
    """Why the label of one waybill, named as in `ids`, is printed again."""

    id: Short
    reason: ReprintReason


class PrinterIn(Document):
    """Printer settings. Without a member the printer keeps its own. `gap` is the height in mm between two labels."""

    right: Annotated[int, Field(ge=-400, le=400, description="Dots by which the picture is moved.")] = 0
    down: Annotated[int, Field(ge=-400, le=400)] = 0
    darkness: Annotated[int, Field(ge=0, le=15)] | None = None
    speed: Annotated[int, Field(ge=1, le=14, description="Inches a second.")] | None = None
    media: Literal["keep", "gap", "mark", "continuous"] = "keep"
    gap: Annotated[float, Field(gt=0, le=20)] = 2


class LabelsIn(Document):
    """Up to 100 labels, by waybill id or waybill number. The same job gives the same labels, counted once.

    `to` is `pdf` for one document, or a printer's language for one part for each label. `printer` is for the latter.

    `reason` is the reason for reprints, and `reprints` overrides it for single `ids`. A first print needs no reason.
    """

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[[ID]])]
    job: Annotated[Short, _form(JOB_OR_STATION, 64), Field(examples=["2026-11-24-a"])]
    station: Annotated[Short, _form(JOB_OR_STATION, 64), Field(examples=["printer-1"])] = "shop"
    reason: ReprintReason | None = None
    reprints: Annotated[list[ReprintItem], Field(max_length=100)] = []
    template: Annotated[
        str,
        StringConstraints(max_length=40, pattern=r"^[A-Za-z0-9_-]+$"),
        Field(description="100x180, 100x150, 100x100, 76x130 or 60x40; or a template of the deployment."),
    ] = "100x180"
    to: Literal["pdf", "tspl", "zpl", "cpcl"] = "pdf"
    dpi: Annotated[int, Field(ge=203, le=300, description="The printer's resolution, 203 or 300.")] = 203
    printer: PrinterIn | None = None


class ScanItem(Document):
    """`what` is a label code or, for outlets, a waybill number. `to` is the unit that a parcel is sent or diverted to."""

    what: Annotated[Short, Field(examples=["YT0000000001001"])]
    kind: Annotated[ScanKind, Field(strict=False)]
    to: Annotated[Short | None, Field(examples=["sh-02"])] = None


class ScansIn(Document):
    """Up to 100 scans."""

    items: Annotated[list[ScanItem], Field(min_length=1, max_length=100)]


class AssignItem(Document):
    """One parcel, by label code or waybill number, for one courier."""

    what: Annotated[Short, Field(examples=["YT0000000001001"])]
    courier: Annotated[Short, Field(examples=["courier-7"])]


class AssignmentsIn(Document):
    """Up to 100 parcels."""

    items: Annotated[list[AssignItem], Field(min_length=1, max_length=100)]


class ResolveItem(Document):
    """A label code as scanned, and the purpose."""

    code: Annotated[Short, Field(examples=[CODE])]
    purpose: Annotated[Purpose, Field(strict=False)]


class ResolveIn(Document):
    """Up to 20 label codes."""

    items: Annotated[list[ResolveItem], Field(min_length=1, max_length=20)]


class LookItem(Document):
    """A label code and, at a hand-over, the complete phone that the person who asks for the parcel has given."""

    code: Annotated[Short, Field(examples=[CODE])]
    phone: Annotated[Short | None, Field(examples=["13800000001"])] = None


class LooksIn(Document):
    """Up to 20 label codes."""

    items: Annotated[list[LookItem], Field(min_length=1, max_length=20)]


class CallItem(Document):
    """The parcel whose recipient is to be called."""

    code: Annotated[Short, Field(examples=[CODE])]


class CallsIn(Document):
    """Up to 20 calls to announce."""

    items: Annotated[list[CallItem], Field(min_length=1, max_length=20)]


class RouteItem(Document):
    """`caller` has dialled `main` and `extension`. The extension is empty until it is dialled."""

    caller: Annotated[Short, Field(examples=["13900000007"])]
    main: Annotated[Short, Field(examples=["17000000000"])]
    extension: Annotated[Short, Field(examples=["1234"])]


class RouteIn(Document):
    """Up to 20 calls to connect."""

    items: Annotated[list[RouteItem], Field(min_length=1, max_length=20)]


class ReportItem(Document):
    """An event of the call that an answer of `routeCalls` named. `caller` is compared and not stored."""

    call: Annotated[Short, Field(examples=["0193ad6b2c3d4e5f6a7b8c9d0e1f2a3b"])]
    event: Annotated[CallEvent, Field(strict=False)]
    at: Time
    seconds: Annotated[int, Field(ge=0, le=86_400)] = 0
    caller: Short | None = None


class ReportsIn(Document):
    """Up to 100 events of calls, in any order. Each may be sent again."""

    items: Annotated[list[ReportItem], Field(min_length=1, max_length=100)]


class PersonIn(Document):
    """A person or program to enrol. `phone` is the verified phone that a courier calls from."""

    id: Annotated[PersonId, Field(examples=["courier-7"])]
    role: Literal["merchant", "outlet", "courier", "switch"]
    unit: Annotated[PersonId, Field(examples=["sh-01"])]
    phone: Annotated[Short | None, Field(examples=["13900000007"])] = None


class PeopleIn(Document):
    """Up to 20 people or programs."""

    items: Annotated[list[PersonIn], Field(min_length=1, max_length=20)]


class RevocationsIn(Document):
    """Up to 100 people or programs whose access ends."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[["courier-8"]])]


class ReinstatementsIn(Document):
    """Up to 100 people or programs whose revocation of the last hour was a mistake."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[["courier-8"]])]


class LostDevicesIn(Document):
    """Up to 100 people or programs whose device is lost."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[["courier-8"]])]


class UnlocksIn(Document):
    """Up to 100 people to unlock, who were refused too often."""

    ids: Annotated[list[Short], Field(min_length=1, max_length=100, examples=[["courier-8"]])]


class ConfirmItem(Document):
    """A person you vouch for: identity, unit and phone. Ask the person for the phone, not the supervisor."""

    id: Annotated[PersonId, Field(examples=["courier-7"])]
    role: Literal["merchant", "outlet", "courier", "switch"]
    unit: Annotated[PersonId, Field(examples=["sh-01"])]
    phone: Annotated[Short | None, Field(examples=["13900000007"])] = None


class ConfirmationsIn(Document):
    """Up to 20 enrolments to confirm, which a person of another unit made."""

    items: Annotated[list[ConfirmItem], Field(min_length=1, max_length=20)]


class ShiftItem(Document):
    """A courier of your outlet, and the shift's hours from now. 0 ends the shift."""

    courier: Annotated[Short, Field(examples=["courier-7"])]
    hours: Annotated[int, Field(ge=0, le=14)]


class ShiftsIn(Document):
    """Up to 100 couriers whose shift starts or ends."""

    items: Annotated[list[ShiftItem], Field(min_length=1, max_length=100)]


class TokenIn(Document):
    """The enrolment code the first time, and only the proof after that. A program that can't sign sends its secret."""

    code: Annotated[Short | None, Field(examples=["wbc1_" + "A" * 43])] = None
    secret: Short | None = None
    statement: Annotated[
        Annotated[str, StringConstraints(max_length=20000)] | None,
        Field(description="The attestation of the key by the device's key store, if the operator verifies it."),
    ] = None


def member_names() -> frozenset[str]:
    """The names of all members of requests. An error may repeat these and no other name."""
    found = {"body", "query", "path", "header", "id", "from", "to", "Idempotency-Key"}
    for kind in Document.__subclasses__():
        found |= kind.model_fields.keys()
    return frozenset(found)
