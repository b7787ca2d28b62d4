"""Printable values: masked views, virtual numbers, waybills, refusals and label data.

No type in this module holds plaintext. Printers import this module and `masking.errors`, and no other part of `masking`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple, NewType, final

from masking.words.reasons import Reason
from masking.words.rules import Rule

STAMP = "label-1 GB/T 41833-2022"
"""The mark of views that passed the compliance check: the rule set, and the standard that it exceeds."""

WaybillId = NewType("WaybillId", str)
"""The opaque id of a waybill, which a merchant stores in place of the personal data (FORMAT.md section 1)."""


class WaybillState(StrEnum):
    """The state of a waybill, as its merchant sees it."""

    ACTIVE = "active"
    """Resolvable by those with a duty."""
    SEALED_AWAY = "sealed_away"
    """Kept under the offline archive key only."""
    DESTROYED = "destroyed"
    """Its keys are deleted, so it can't be opened any more."""
    PENDING = "pending"
    """A remote service has not answered yet."""
    DAMAGED = "damaged"
    """Its stored data can't be read. `amend` or `cancel` it, or ask the operator."""


class ScanKind(StrEnum):
    """What a scan reports about a parcel."""

    ARRIVED = "arrived"
    DEPARTED = "departed"
    RETURNED = "returned"
    DIVERTED = "diverted"
    COLLECTED = "collected"
    ATTEMPTED = "attempted"
    DELIVERED = "delivered"


class CallEvent(StrEnum):
    """What the switch or a provider can report about a call."""

    RINGING = "ringing"
    ANSWERED = "answered"
    MISSED = "missed"
    ENDED = "ended"


@final
@dataclass(frozen=True, slots=True)
class Masked:
    """A masked string, in a type of its own so that it can't be passed on as an address or a phone.

    `hidden` are the masked spans of `text` as [start, end) pairs, for printers that draw solid blocks.
    """

    text: str
    hidden: tuple[tuple[int, int], ...] = ()

    def __str__(self) -> str:
        return self.text


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedParty:
    """A masked recipient or sender."""

    name: Masked
    phone: Masked
    address: Masked


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedView:
    """A masked order. `stamp` names the rule set that it was checked against."""

    recipient: MaskedParty
    sender: MaskedParty
    goods: Masked
    remark: Masked
    stamp: str

    def fields(self) -> dict[str, Masked]:
        """The eight fields by the names of `masking.values.plaintext.FIELDS`."""
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
    """A main number and an extension that reach the recipient while the parcel is in transit."""

    main: str
    extension: str
    expires: datetime

    def __str__(self) -> str:
        return f"{self.main} 转 {self.extension}" if self.extension else self.main


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Waybill:
    """A checked-out order as its merchant sees it.

    Attributes:
        id: the waybill id to store.
        reference: the merchant's own order number, None once destroyed.
        masked: the masked view, None once destroyed or if it is damaged.
        number: the leased virtual number, None while no number is leased.
        merge: a reference that is equal for orders of one buyer at this merchant in one week (FORMAT.md section 5).
        state: see `WaybillState`.
        waybill_number, routing_code: the carrier's.
        created: True if this call created it, False if the reference existed already.
    """

    id: WaybillId
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
    """A rejected order or label: the field and the rule that it breaks, never the value.

    `sizes` are the built-in label sizes that have room for it, if a label has too little.
    """

    reference: str | None
    field: str
    rule: Rule
    row: int | None = None
    sizes: tuple[str, ...] = ()


@final
class Note(NamedTuple):
    """A defect of a label that is printed nevertheless: the field and the rule it breaks."""

    field: str
    rule: Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """The orders in the local queue, which the service has not answered yet.

    Attributes:
        count: the number of queued orders.
        expiring: how many of their envelopes expire within a day.
        first_expires: when the first envelope expires, None if the queue is empty.
    """

    count: int
    expiring: int = 0
    first_expires: datetime | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """A well-formed request that is refused. `retry_after` is in seconds, None where waiting doesn't help."""

    reason: Reason
    retry_after: int | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class PrintedPage:
    """The label is on this page, counted from 1, of the document in the same answer. `notes` are its defects."""

    page: int
    notes: tuple[Note, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class LabelData:
    """The content of one label: masked values, the carrier's numbers and the label code of this print.

    Attributes:
        waybill_number: the carrier's, drawn as Code 128.
        routing_code: the carrier's three-part code, e.g. "342-081-00 052".
        code: the label code, drawn as QR (FORMAT.md section 4); it names this print.
        view: the stamped masked view.
        number: the virtual number. None makes the label say "contact through the app".
        print_number: 1 for the first print of this waybill.
        job: the print job that counts this print.
        station: the printing station.
        printed: when the print was released (UTC).
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
    """Drawn labels: a PDF, empty if no label could be drawn, and the outcome of each request, in the same order.

    In a printer's language there is no PDF but `parts`: the bytes of each printed label, page 1 first.
    """

    pdf: bytes
    outcomes: list[PrintedPage | Rejected | Refusal]
    parts: list[bytes] = field(default_factory=list)
