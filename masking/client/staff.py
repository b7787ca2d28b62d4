"""The connections of people who handle parcels, and of supervisors who enrol them.

The fields that a courier is granted stay in memory until `valid_until`. No code here writes them to disk.
"""

from __future__ import annotations

import hashlib
import os
import secrets
from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Self, TypeVar

from masking.client.device import Device
from masking.client.link import Link
from masking.client.sealed import batches
from masking.client.shop import draw
from masking.values.outcomes import (
    Assigned,
    Confirmed,
    Delivered,
    DeviceEnded,
    Dial,
    MaskedLookup,
    Reinstated,
    Revoked,
    Scanned,
    ShiftSet,
    Unlocked,
)
from masking.values.plaintext import Enrolled, Grant
from masking.values.printable import Labels, Refusal, Rejected, WaybillId

Done = TypeVar("Done", Revoked, Reinstated, DeviceEnded, Unlocked)


class Staff:
    """The connection of a person who handles parcels, to be used as a context manager."""

    def __init__(self, link: Link) -> None:
        self.link = link

    @classmethod
    def connect(
        cls,
        where: str,
        *,
        credentials: str | os.PathLike[str] | None,
        device: Device | None = None,
        state: str | os.PathLike[str] | None = None,
        accepted_losses: Collection[str] | None = None,
    ) -> Self:
        """Connect to the service at an https:// address, with the enrolment code in a file of mode 0600.

        On first use, the device's key is made next to that file, as `NAME.key`. For a key in hardware, give `device`. `state`
        is another folder for files that are kept between runs, if the folder of the credentials can't be written.
        `accepted_losses` names the announcements of lost leaves to accept; the default is the environment's
        `WAYBILL_ACCEPTED_LOSSES`.

        Raises:
            SettingsError: the address or a file can't be used, or the folder can't be written.
        """
        return cls(Link.open(where, credentials, device=device, state=state, accepted_losses=accepted_losses))

    def scan(
        self, parcels: Sequence[str], kind: str, *, to: str | None = None, event: str | None = None
    ) -> list[Scanned | Refusal]:
        """Record where parcels are. Returns an outcome for each, in the same sequence.

        `to` is the unit that they are sent or diverted to. `event` is your own name for this scan: the same name is recorded
        once, however often it is sent, also on later days. Without one, the scan has a name for this call only.
        """
        name = event or secrets.token_hex(16)
        outcomes: list[Scanned | Refusal] = []
        for n, some in enumerate(batches(parcels)):
            body = {"items": [{"what": what, "kind": kind} | ({"to": to} if to else {}) for what in some]}
            key = hashlib.sha256(
                f"{name}/{n}".encode(errors="surrogatepass")
            ).hexdigest()  # any text fits into a header
            kinds, named = (Scanned, Refusal), ("kind", [kind] * len(some))
            outcomes += self.link.outcomes("/v1/scans", body, count=len(some), kinds=kinds, named=named, key=key)
        return outcomes

    def shift(self, couriers: Sequence[str], hours: int) -> list[ShiftSet | Refusal]:
        """Begin a shift of up to 14 hours for couriers of this outlet. 0 hours ends it; a courier may end their own."""
        body = {"items": [{"courier": courier, "hours": hours} for courier in couriers]}
        kinds, named = (ShiftSet, Refusal), ("courier", couriers)
        return self.link.outcomes("/v1/shifts", body, count=len(couriers), kinds=kinds, named=named)

    def confirm(self, id_: str, *, role: str, unit: str, phone: str | None = None) -> Confirmed | Refusal:
        """Confirm a person whom a supervisor of another unit is enrolling: id, role and unit are right.

        Ask them for the `phone` that they call from: one that is not the supervisor's is refused as "phone-differs".
        """
        body = {"items": [{"id": id_, "role": role, "unit": unit, "phone": phone}]}
        kinds, named = (Confirmed, Refusal), ("id", [id_])
        found: Confirmed | Refusal = self.link.outcomes("/v1/confirmations", body, count=1, kinds=kinds, named=named)[0]
        return found

    def close(self) -> None:
        """Close the connection."""
        self.link.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class Outlet(Staff):
    """Receives, prints and dispatches: `scan` as arrived, departed, returned or diverted, by label code or number."""

    def assign(self, parcels: Sequence[str], courier: str) -> list[Assigned | Refusal]:
        """Assign parcels that are at this outlet to a courier. Returns an outcome for each, in the same sequence."""
        outcomes: list[Assigned | Refusal] = []
        for some in batches(parcels):
            body = {"items": [{"what": what, "courier": courier} for what in some]}
            kinds, named = (Assigned, Refusal), ("courier", [courier] * len(some))
            outcomes += self.link.outcomes("/v1/assignments", body, count=len(some), kinds=kinds, named=named)
        return outcomes

    def labels(
        self,
        ids: Sequence[WaybillId],
        *,
        job: str,
        station: str,
        reason: str | None = None,
        template: str = "100x180",
        to: str = "pdf",
        dpi: int = 203,
        printer: Mapping[str, int | float | str | None] | None = None,
    ) -> Labels:
        """Print labels. A call with the same job returns the same prints. A reprint needs a `reason`: damaged, printer-jam, repacked.

        With `to` a printer's language (tspl, zpl, cpcl) they are in `parts`. `printer` is how it is set up: the members
        right, down, darkness, speed, media, gap of the service's `PrinterIn`. `template` may be one of the deployment's.
        """
        form = {"template": template, "to": to, "dpi": dpi, "printer": dict(printer) if printer else None}
        return draw(self.link, ids, job=job, station=station, reason=reason, form=form)


class Courier(Staff):
    """Collects and delivers what others assigned: `scan` as collected or attempted, by label code."""

    def resolve(self, codes: Sequence[str], *, purpose: str) -> list[Grant | Refusal]:
        """Open the fields that the purpose needs, of up to 20 labels. Each call counts as a view of its own.

        Raises:
            UnavailableError: no answer came. The ledger shows whether the call counted.
        """
        body = {"items": [{"code": code, "purpose": purpose} for code in codes]}
        return self.link.outcomes("/v1/resolve", body, count=len(codes), kinds=(Grant, Refusal), twice=False)

    def look(self, codes: Sequence[str]) -> list[MaskedLookup | Refusal]:
        """The masked view of up to 20 parcels. It does not count towards the day's budget."""
        body = {"items": [{"code": code} for code in codes]}
        return self.link.outcomes("/v1/looks", body, count=len(codes), kinds=(MaskedLookup, Refusal), twice=False)

    def matches(self, code: str, phone: str) -> MaskedLookup | Refusal:
        """Check whether a parcel is for the person with this full phone. After three wrong phones, none is checked any more."""
        body = {"items": [{"code": code, "phone": phone}]}
        found: MaskedLookup | Refusal = self.link.outcomes(
            "/v1/looks", body, count=1, kinds=(MaskedLookup, Refusal), twice=False
        )[0]
        return found

    def call(self, code: str) -> Dial | Refusal:
        """The number to dial for this parcel, from your own verified phone, for two minutes and one call."""
        body = {"items": [{"code": code}]}
        found: Dial | Refusal = self.link.outcomes("/v1/calls", body, count=1, kinds=(Dial, Refusal))[0]
        return found

    def deliver(self, codes: Sequence[str]) -> list[Delivered | Refusal]:
        """Record that parcels were handed over, which ends the duties. Safe to repeat."""
        body = {"items": [{"what": code, "kind": "delivered"} for code in codes]}
        return self.link.outcomes("/v1/scans", body, count=len(codes), kinds=(Delivered, Refusal))


class Supervisor(Staff):
    """Enrols and revokes people and programs, and confirms those whom other supervisors enrol. Has no duties."""

    def enrol(self, id_: str, *, role: str, unit: str, phone: str | None = None) -> Enrolled | Rejected | Refusal:
        """Make a one-time code for one person and device. It is valid for two hours, once a second person has confirmed it.

        The first login of an empty shop needs no second person. A person keeps the former device and phone until the code is
        used. `report_lost` ends them at once.
        """
        body = {"items": [{"id": id_, "role": role, "unit": unit, "phone": phone}]}
        kinds = (Enrolled, Rejected, Refusal)
        named = ("id", [id_])
        found: Enrolled | Rejected | Refusal = self.link.outcomes(
            "/v1/people", body, count=1, kinds=kinds, named=named
        )[0]
        return found

    def revoke(self, ids: Sequence[str]) -> list[Revoked | Refusal]:
        """Revoke people. It takes effect with their next request, and can be undone for an hour."""
        return self._each("/v1/revocations", ids, Revoked)

    def reinstate(self, ids: Sequence[str]) -> list[Reinstated | Refusal]:
        """Undo revocations of the last hour. An alarm names the supervisor."""
        return self._each("/v1/reinstatements", ids, Reinstated)

    def report_lost(self, ids: Sequence[str]) -> list[DeviceEnded | Refusal]:
        """End lost or stolen devices, and the phones that were confirmed with them. It takes effect with the next request."""
        return self._each("/v1/lost-devices", ids, DeviceEnded)

    def unlock(self, ids: Sequence[str]) -> list[Unlocked | Refusal]:
        """Unlock people after too many refusals. No one can unlock themselves."""
        return self._each("/v1/unlocks", ids, Unlocked)

    def _each(self, path: str, ids: Sequence[str], kind: type[Done]) -> list[Done | Refusal]:
        outcomes: list[Done | Refusal] = []
        for some in batches(ids):
            body, kinds = {"ids": some}, (kind, Refusal)
            outcomes += self.link.outcomes(path, body, count=len(some), kinds=kinds, named=("id", some))
        return outcomes
