"""Step 2: a waybill comes in, the data of one label goes out: masked values, and this print's label code.

Idempotent by (job, waybill): repeating a request gives the same print. At most one print of a waybill is valid. A reprint
needs the parcel in custody now, taken in here by another person, and a reason; it makes the earlier print invalid.

A preview is decided by the same rules and recorded as a preview. It counts as no print and has no label code.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple, final

from masking.access.budget import Tally
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.runtime import World, milliseconds, moment
from masking.store import leasing
from masking.store.reading import view_of
from masking.store.rows import budgets, custody, people, slots, waybills
from masking.store.rows.custody import Print
from masking.store.rows.waybills import Record
from masking.store.store import Store
from masking.values.printable import LabelData, MaskedView, Refusal, VirtualNumber, WaybillId
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

ROLES = frozenset({Role.MERCHANT, Role.OUTLET})

REASONS = frozenset({"damaged", "printer-jam", "repacked"})
"""The reasons for which a label may be printed again."""

COUNTED = frozenset(
    {
        Reason.UNKNOWN,
        Reason.JOB_OF_ANOTHER,
        Reason.PRINT_SUPERSEDED,
        Reason.REPRINT_NEEDS_A_SCAN_BY_ANOTHER,
    }
)
"""Refusals that count towards a lock; the others are honest mistakes. A refused preview shows nothing, so only `unknown`
counts, as a tenth of a refusal: previewing a wrong sack must not lock a station."""

MOST_PRINTS = 1000
"""How often the label of one parcel is printed. A label code has room for 65,535 (FORMAT.md section 4)."""

NOT_ARRIVED = Refusal(reason=Reason.NOT_ARRIVED)
"""An honest mistake: the parcel is on its way to this outlet, and its arrival is not scanned yet."""

PRINTED_BEFORE = Refusal(reason=Reason.REPRINT_NEEDS_OUTLET_AND_REASON)
"""An honest mistake too: only the parcel's merchant or the outlet that has it gets this answer, and a file may be
submitted twice."""

JOB_OR_STATION = re.compile(r"[A-Za-z0-9._:-]{1,64}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A request for one label, by the waybill's merchant or the outlet that has the parcel. A reprint needs a `reason`.

    `id` is the waybill id or the carrier's waybill number, which an outlet's hand scanner reads.
    """

    actor: Actor
    id: WaybillId | str
    job: str
    station: str
    reason: str | None = None
    preview: bool = False


class _Counted(NamedTuple):
    """A decided print: its waybill, and its label code, "" for a preview."""

    record: Record
    made: Print
    code: str


def label(world: World, store: Store, requests: Sequence[Label]) -> list[LabelData | Refusal]:
    """Count each print, then give its data.

    Returns:
        The data of each label, or why it is not printed, in order.

    Raises:
        UnavailableError: no print of this batch is known to be counted; ask again under the same job.
    """
    now = world.now()
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        staff = people.active(tx, actors)
        locked = budgets.locked(tx, actors, now)
        with Batch(world, store, tx, now, "label", staff, roles=ROLES, locked=locked) as batch:
            ids = batch.find([(r.actor, record_of_waybill_id(r.id), r.id) for r in requests])
            wanted = [waybill for waybill in ids if waybill]
            records = waybills.by_id(tx, wanted, lock=True)
            jobs = {request.job for request in requests if JOB_OR_STATION.fullmatch(request.job)}
            done = custody.prints_of_jobs(tx, wanted, jobs)
            numbers = slots.leases(tx, wanted)
            wanting: dict[bytes, Record] = {}
            charged: set[tuple[str, str]] = set()
            views: dict[bytes, MaskedView] = {}

            def decision(place: int, tally: Tally) -> _Counted | Refusal:
                request, waybill = requests[place], ids[place]
                record = records.get(waybill) if waybill else None
                made = done.get((record.id, request.job)) if record else None
                refusal = _refusal(store, request, record, made, views)
                if refusal or record is None:
                    return refusal or UNKNOWN
                is_repeat = request.preview or (made is None and record.prints)
                if is_repeat and (refusal := tally.try_repeat()):
                    return refusal
                if request.preview:
                    journal.append(tx, [store.leaf(world, now, LedgerKind.PREVIEW, request.actor.id, record.id)])
                    return _Counted(record, made or _next(request, record, now), "")
                if made is None:
                    made = _next(request, record, now)
                    custody.add_prints(tx, [made])
                    waybills.update(tx, record.id, prints=made.number, live_print=made.number)
                    records[record.id] = record._replace(prints=made.number, live_print=made.number)
                    done[record.id, request.job] = made
                    journal.append(tx, [_leaf(store, world, now, request, made)])
                    wanting[record.id] = record
                return _Counted(record, made, store.write_code(record.id, made.number, world, now))

            def charge(place: int, refusal: Refusal, tally: Tally) -> None:
                request = requests[place]
                if (request.actor.id, request.id) not in charged:
                    _charge(tally, request, refusal)
                    charged.add((request.actor.id, request.id))

            asked = [
                (r.actor, waybill if waybill in records else None) for r, waybill in zip(requests, ids, strict=True)
            ]
            outcomes = batch.decide(asked, budgets.open_tallies(tx, actors, now, staff=staff), decision, charge)
            # the pool was empty at checkout, the lease has ended, or numbers are leased with the first print
            without = [record for record in wanting.values() if record.id not in numbers]
            numbers |= leasing.lease(world, store, tx, without, now)
    return [
        each if isinstance(each, Refusal) else _data(store, each, views[each.record.id], numbers.get(each.record.id))
        for each in outcomes
    ]


def _refusal(
    store: Store, request: Label, record: Record | None, made: Print | None, views: dict[bytes, MaskedView]
) -> Refusal | None:
    """Why this label is refused, None if it is not. `made` is the print that the job has already made."""
    if record is None:
        return UNKNOWN
    if not _may_print(request, record):
        return NOT_ARRIVED if _is_expected(store, request, record) else UNKNOWN
    refusal = _not_again(request, record, made) if made else _not_new(request, record)
    return refusal or _unreadable(record, views)  # an unreadable label is not counted as printed


def _may_print(request: Label, record: Record) -> bool:
    actor = request.actor
    if actor.tenant != record.tenant or record.state != State.ACTIVE:
        return False
    if actor.role is Role.MERCHANT:
        return actor.unit == record.merchant
    return actor.role is Role.OUTLET and (record.custody, record.custodian_unit) == ("arrived", actor.unit)


def _is_expected(store: Store, request: Label, record: Record) -> bool:
    """Whether the parcel is on its way to this outlet, which may therefore know that it exists."""
    actor, at = request.actor, record.where
    if actor.role is not Role.OUTLET or (actor.tenant, State.ACTIVE) != (record.tenant, record.state):
        return False
    if record.delivered is not None or at.custody == "collected":
        return False
    outlet = at.outlet(store.settings.network, record.merchant, record.routing_code)
    return actor.unit in {outlet, at.bound_for}


def _charge(tally: Tally, request: Label, refusal: Refusal) -> None:
    if not request.preview and refusal.reason in COUNTED:
        tally.record_refusal()
    elif request.preview and refusal == UNKNOWN:
        tally.record_refused_preview()


def _not_again(request: Label, record: Record, made: Print) -> Refusal | None:
    """Why the existing print of a job is not given again. Another person's job name must not replace a reprint."""
    if made.actor != request.actor.id:
        return Refusal(reason=Reason.JOB_OF_ANOTHER)
    return None if made.number == record.live_print else Refusal(reason=Reason.PRINT_SUPERSEDED)


def _not_new(request: Label, record: Record) -> Refusal | None:
    """Why this job can't make a print, None if it can."""
    for text in (request.job, request.station):
        if not JOB_OR_STATION.fullmatch(text):
            return Refusal(reason=Reason.JOB_OR_STATION_MALFORMED)
    if record.waybill_number is None or record.routing_code is None:
        return Refusal(reason=Reason.NOT_SHIPPED)
    if record.delivered is not None:
        return Refusal(reason=Reason.DELIVERED)
    if not record.prints:
        return None
    if request.actor.role is not Role.OUTLET or request.reason not in REASONS:
        return PRINTED_BEFORE
    if record.received_by in {None, request.actor.id}:
        return Refusal(reason=Reason.REPRINT_NEEDS_A_SCAN_BY_ANOTHER)
    if record.prints >= MOST_PRINTS:
        return Refusal(reason=Reason.PRINTED_TOO_OFTEN)
    return None


def _next(request: Label, record: Record, now: datetime) -> Print:
    """The print that this request makes."""
    return Print(
        waybill=record.id,
        number=record.prints + 1,
        job=request.job,
        station=request.station,
        actor=request.actor.id,
        reason=request.reason if record.prints else None,
        at=milliseconds(now),
    )


def _unreadable(record: Record, views: dict[bytes, MaskedView]) -> Refusal | None:
    """Add the record's masked view to `views`, or return the refusal for a view that can't be read."""
    view = view_of(record)
    if view is None:
        return DAMAGED
    views[record.id] = view
    return None


def _data(store: Store, counted: _Counted, view: MaskedView, number: VirtualNumber | None) -> LabelData:
    record, made, code = counted
    return LabelData(
        waybill_number=str(record.waybill_number),
        routing_code=str(record.routing_code),
        code=code,
        view=view,
        number=number,
        print_number=made.number,
        job=made.job,
        station=made.station,
        printed=moment(made.at),
        carrier=store.settings.carrier,
    )


def _leaf(store: Store, world: World, now: datetime, request: Label, made: Print) -> journal.Leaf:
    kind = LedgerKind.PRINT if made.number == 1 else LedgerKind.REPRINT
    detail = {"number": str(made.number)} | ({"reason": made.reason} if made.reason else {})
    return store.leaf(world, now, kind, request.actor.id, made.waybill, **detail)
