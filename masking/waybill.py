"""What may be printed: masked views, virtual numbers, waybills, and the data of a label.

Nothing here can hold plaintext: printers import this module and `masking.errors`, and no other part of `masking`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType, final

from masking.reasons import Reason
from masking.rules import Rule

STAMP = "label-1 GB/T 41833-2022"
"""Borne by views that were compared with their orders and passed: the rule set, and the standard that it exceeds."""

Token = NewType("Token", str)
"""The opaque id of a waybill: what a merchant keeps in place of the personal data (FORMAT.md section 1)."""


class WaybillState(StrEnum):
    """How a waybill stands, as its merchant sees it: the states of `masking.lifecycle`, and two of the answer alone."""

    ACTIVE = "active"
    """Resolvable by those with a duty."""
    SEALED_AWAY = "sealed_away"
    """Kept under the offline archive key only."""
    DESTROYED = "destroyed"
    """Nobody can open it."""
    PENDING = "pending"
    """A remote service has not answered yet."""
    DAMAGED = "damaged"
    """What is stored of it can't be read: `amend` or `cancel` it, or ask the operator."""


class ScanKind(StrEnum):
    """What a scan says of a parcel."""

    ARRIVED = "arrived"
    DEPARTED = "departed"
    RETURNED = "returned"
    DIVERTED = "diverted"
    COLLECTED = "collected"
    ATTEMPTED = "attempted"
    DELIVERED = "delivered"


class CallEvent(StrEnum):
    """What can be reported of a call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    MISSED = "missed"
    ENDED = "ended"


@final
@dataclass(frozen=True, slots=True)
class Masked:
    """A text after masking. A type of its own, so that it can't be sent on as an address or a phone.

    `hidden` are the spans of `text` that stand for hidden characters, as [start, end) pairs, for printers that draw
    solid blocks.
    """

    text: str
    hidden: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedParty:
    """A recipient or sender as it may be shown."""

    name: Masked
    phone: Masked
    address: Masked


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedView:
    """An order as it may be shown, with the rule set that it was checked against (`stamp`)."""

    recipient: MaskedParty
    sender: MaskedParty
    goods: Masked
    remark: Masked
    stamp: str

    def fields(self) -> dict[str, Masked]:
        """The eight fields by the names of `masking.order.FIELDS`."""
        r, s = self.recipient, self.sender
        return {
            "recipient.name": r.name,
            "recipient.phone": r.phone,
            "recipient.address": r.address,
            "sender.name": s.name,
            "sender.phone": s.phone,
            "sender.address": s.address,
            "goods": self.goods,
            "remark": self.remark,
        }


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VirtualNumber:
    """A number that reaches the recipient while the parcel is under way: a main number and an extension."""

    main: str
    extension: str
    expires: datetime

    def __str__(self) -> str:
        return f"{self.main} 转 {self.extension}" if self.extension else self.main


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Waybill:
    """A checked-out order, as its merchant sees it ever after.

    Attributes:
        id: the token to keep.
        reference: the merchant's own order number, None once destroyed.
        masked: the masked view, None once destroyed, and where it is damaged.
        number: the leased virtual number, None while none is leased.
        merge: equal for orders of one buyer at this merchant in this week (FORMAT.md section 5).
        state: see `WaybillState`.
        waybill_number, routing_code: the carrier's.
        created: whether this call made it, or found it under the same reference.
    """

    id: Token
    reference: str | None
    masked: MaskedView | None
    number: VirtualNumber | None
    merge: str | None
    state: WaybillState
    waybill_number: str | None = None
    routing_code: str | None = None
    created: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected:
    """An order that was not taken: the field and the rule it breaks, never the value."""

    reference: str | None
    field: str
    rule: Rule
    row: int | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """Orders that wait for a service that has not answered them: how many, and when their envelopes expire.

    Attributes:
        count: how many wait.
        expiring: how many of them expire within a day.
        first_expires: when the first one does, None if none waits.
    """

    count: int
    expiring: int = 0
    first_expires: datetime | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A well-formed request that is refused; `retry_after` in seconds, where waiting helps."""

    reason: Reason
    retry_after: int | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class OnPage:
    """The label is in the document that came with this, on that page, counted from 1."""

    page: int


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """A parcel's masked view; `matches` says whether it is for whoever said a phone, None where none was said."""

    view: MaskedView
    matches: bool | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scanned:
    """The scan is recorded."""

    kind: ScanKind
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """The courier has the duty since then."""

    courier: str
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The number to dial, from the courier's own phone, until then."""

    number: VirtualNumber
    valid_until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """Recorded; access has ended."""

    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """This event of this call is recorded, now or before."""

    call: str
    event: CallEvent


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CallBacks:
    """Parcels whose recipient has missed a call that somebody tried to answer from another phone, and when: ring again."""

    calls: tuple[tuple[str, datetime], ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A second person has vouched for this enrolment: its code is good now."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Working:
    """This courier's shift ends then; in the past if it has ended."""

    courier: str
    until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """Nothing that this person holds is valid any more; for an hour it can be taken back."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstated:
    """The revocation of this person is taken back: they act again, with the device and the phone that they had."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEnded:
    """The device that this person had is invalid, and so is the phone that was confirmed with it."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """This person's refusals are counted from nought again."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelData:
    """Everything that a label shows: masked values, the carrier's numbers, this print's own code.

    Attributes:
        waybill_number: the carrier's, drawn as Code 128.
        routing_code: the carrier's three-part code, e.g. "342-081-00 052".
        code: the label code, drawn as QR (FORMAT.md section 4); it names this print.
        view: the stamped masked view.
        number: the virtual number, or None: the label then says "contact through the app".
        print_number: 1 for the first print of this waybill.
        job: the print job that this print is counted in.
        station: where it was printed.
        printed: when it was released (UTC).
        carrier: the carrier's name, drawn as text.
    """

    waybill_number: str
    routing_code: str
    code: str = field(repr=False)
    view: MaskedView
    number: VirtualNumber | None
    print_number: int
    job: str
    station: str
    printed: datetime
    carrier: str = ""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Labels:
    """Drawn labels: a PDF, empty if nothing could be drawn, and what became of each label, same order as asked."""

    pdf: bytes
    outcomes: list[OnPage | Rejected | Refusal]
