"""Outcomes of the steps of people who handle parcels, and of those who enrol them. None holds plaintext."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.values.printable import CallEvent, MaskedView, ScanKind, VirtualNumber


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class MaskedLookup:
    """A parcel's masked view. `matches` says whether the given phone is the recipient's; None if no phone was given."""

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
    """The courier has had the duty since `at`."""

    courier: str
    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dial:
    """The number to dial from the courier's own phone until `valid_until`."""

    number: VirtualNumber
    valid_until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Delivered:
    """The delivery is recorded, and the courier's access has ended."""

    at: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """The event of the call is recorded, by this report or an earlier one."""

    call: str
    event: CallEvent


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class CallBacks:
    """Parcels to ring again: after a missed call, a phone other than the recipient's called back.

    `calls` holds pairs of a waybill number and the time of that call.
    """

    calls: tuple[tuple[str, datetime], ...]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmed:
    """A second person has confirmed this enrolment, so its code is valid now."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ShiftSet:
    """The end of this courier's shift, in the past if it has ended."""

    courier: str
    until: datetime


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Revoked:
    """All credentials of this person are revoked. The revocation can be undone for an hour."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstated:
    """The revocation of this person is undone. Their device and phone are valid again."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEnded:
    """The person's device is invalid now, and so is the phone that was confirmed with it."""

    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unlocked:
    """The person is unlocked, and their refusals are counted from 0 again."""

    id: str
