"""Step 3: a scan records where a parcel is. It moves custody and reveals nothing.

Outlets scan label codes or waybill numbers (sorting machines read the Code 128 symbol) as arrived, departed, returned or
diverted. Couriers scan label codes as collected or attempted, only of parcels assigned to them. `access.chain` is the
table of which scan may follow which, and from whom. A scan that it does not allow records nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, final

from masking.access import chain, duty
from masking.access.budget import Tally
from masking.access.chain import Where
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import event_index
from masking.journal import journal
from masking.journal.batch import Batch
from masking.ledger.log import is_name
from masking.runtime import World, milliseconds, moment
from masking.store.parcels import Code, facts_of
from masking.store.rows import budgets, custody, people, slots, units, waybills
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.outcomes import Scanned
from masking.values.printable import Refusal, ScanKind
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

NO_EVENT = Refusal(reason=Reason.EVENT_MALFORMED)
REUSED = Refusal(reason=Reason.EVENT_OF_ANOTHER_SCAN)
NOT_YOURS = Refusal(reason=Reason.NOT_YOUR_KIND_OF_SCAN)
NO_UNIT = Refusal(reason=Reason.TO_NEEDS_ANOTHER_UNIT)
NOT_STAFFED = Refusal(reason=Reason.TO_NEEDS_A_STAFFED_UNIT)
SENT_ELSEWHERE = Refusal(reason=Reason.SENT_TO_ANOTHER_UNIT)
JUST_SCANNED = Refusal(reason=Reason.BEING_RECORDED, retry_after=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan.

    Attributes:
        what: a label code or, for outlets, a waybill number.
        to: the unit that the parcel is sent or diverted to.
        event: the scanner's own name for this scan. A scan that is sent twice under one name is recorded once.
    """

    actor: Actor
    what: str = field(repr=False)
    kind: str
    to: str | None = None
    event: str | None = None


class _Loaded(NamedTuple):
    """The parcels of a batch, kept up to date while it is decided. `recorded` holds earlier scans by their events."""

    units: set[str]
    records: dict[bytes, Record]
    duties: dict[bytes, custody.Assignment]
    recorded: dict[bytes, custody.Scan]


def scan(world: World, store: Store, requests: Sequence[Scan]) -> list[Scanned | Refusal]:
    """Record each scan.

    Returns:
        What was recorded, or the refusal, for each scan, in order.

    Raises:
        UnavailableError: no scan of this batch is known to be recorded.
    """
    now = world.now()
    codes = store.read_codes([request.what for request in requests], world, now)
    moved: dict[bytes, Where] = {}
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        staff = people.active(tx, actors)
        locked = budgets.locked(tx, actors, now)
        with Batch(world, store, tx, now, "scan", staff, roles=chain.KINDS, locked=locked) as batch:
            ids = batch.find([(r.actor, c and c[0], _number(r)) for r, c in zip(requests, codes, strict=True)])
            events = [_event(world, store, request, now) for request in requests]
            wanted = batch.to_look_up([request.actor for request in requests], ids)
            loaded = _Loaded(
                units=units.staffed(tx, store.settings.tenant, {r.to for r in requests if r.to and is_name(r.to)}),
                records=waybills.by_id(tx, wanted, lock=True),
                duties=custody.open_assignments(tx, wanted),
                recorded=custody.scans_of_events(tx, [event for event in events if event]),
            )

            def decision(place: int, tally: Tally) -> Scanned | Refusal:
                request, code, waybill, event = requests[place], codes[place], ids[place], events[place]
                before = loaded.recorded.get(event) if event else None
                if before:
                    same = (before.waybill, before.kind, before.bound_for) == (waybill, request.kind, request.to)
                    return Scanned(kind=ScanKind(before.kind), at=moment(before.at)) if same else REUSED
                record = loaded.records.get(waybill) if waybill else None
                refusal = _malformed(store, loaded, request, event) or _refusal(
                    store, loaded, request, record, code, now
                )
                if refusal or record is None:
                    return refusal or UNKNOWN
                if chain.is_repeat(request.kind, record.where) and (refusal := tally.try_repeat()):
                    return refusal
                made = _scan(request, record, event, world.record_id(now, rank=place), now)
                if not custody.add_scans(tx, [made]):
                    return JUST_SCANNED
                if event:
                    loaded.recorded[event] = made
                moved[record.id] = _move(world, store, tx, loaded, request, record, now)
                return Scanned(kind=ScanKind(request.kind), at=now)

            def charge(place: int, refusal: Refusal, tally: Tally) -> None:
                waybill = ids[place]
                record = loaded.records.get(waybill) if waybill else None
                if refusal == UNKNOWN and not _is_unannounced(requests[place], record):
                    tally.record_refusal()

            asked = [(request.actor, waybill) for request, waybill in zip(requests, ids, strict=True)]
            outcomes = batch.decide(asked, budgets.open_tallies(tx, actors, now, staff=staff), decision, charge)
            waybills.move(tx, moved)
    return outcomes


def _scan(request: Scan, record: Record, event: bytes | None, scan_id: bytes, now: datetime) -> custody.Scan:
    return custody.Scan(
        id=scan_id,
        waybill=record.id,
        kind=request.kind,
        unit=request.actor.unit,
        actor=request.actor.id,
        at=milliseconds(now),
        event=event,
        bound_for=request.to,
    )


def _number(request: Scan) -> str:
    """The text if it may be a waybill number, else "". Only outlets scan waybill numbers."""
    return request.what if request.actor.role is Role.OUTLET else ""


def _malformed(store: Store, loaded: _Loaded, request: Scan, event: bytes | None) -> Refusal | None:
    """Why a scan is refused regardless of its parcel, None if it is not."""
    if request.kind not in chain.KINDS.get(request.actor.role, ()):
        return NOT_YOURS
    if request.event is not None and event is None:
        return NO_EVENT
    if request.to is None:
        needs = request.kind == "diverted" or (request.kind == "departed" and store.settings.name_next_unit)
        return NO_UNIT if needs else None
    if request.kind not in {"departed", "diverted"} or not is_name(request.to) or request.to == request.actor.unit:
        return NO_UNIT  # an outlet can't divert a parcel to itself; another unit has to
    return None if request.to in loaded.units else NOT_STAFFED


def _refusal(
    store: Store, loaded: _Loaded, request: Scan, record: Record | None, code: Code | None, now: datetime
) -> Refusal | None:
    """Why this scan of this parcel is refused, None if it is not."""
    actor = request.actor
    if record is None or record.tenant != actor.tenant:
        return UNKNOWN
    if record.state != State.ACTIVE or record.delivered is not None:
        return UNKNOWN
    at = record.where
    is_repeated = at.custody == request.kind and at.holder == actor.id
    if actor.role is Role.COURIER and not is_repeated:
        facts = facts_of(record, loaded.duties.get(record.id), code[1] if code else 0, openable=True)
        refusal = duty.refusal(actor, facts, duty.ANY_LEG, now)
        if refusal:
            return refusal
    outlet = at.outlet(store.settings.network, record.merchant, record.routing_code)
    if chain.may_scan(request.kind, at, actor, outlet):
        return None
    return SENT_ELSEWHERE if chain.sent_elsewhere(request.kind, at, actor) else UNKNOWN


def _is_unannounced(request: Scan, record: Record | None) -> bool:
    """Whether this is an arrival without a scanned departure, which is a mistake of the unit before.

    It is refused and on the ledger, but does not count towards a lock: a hub sees such parcels every hour.
    """
    actor = request.actor
    return (
        request.kind == "arrived"
        and record is not None
        and (record.tenant, record.state) == (actor.tenant, State.ACTIVE)
        and record.custody in {"arrived", "collected", "departed"}
    )


def _move(
    world: World, store: Store, tx: Transaction, loaded: _Loaded, request: Scan, record: Record, now: datetime
) -> Where:
    """Write what follows from a recorded scan. Returns where the parcel is now."""
    at, actor = record.where, request.actor
    slots.renew(tx, [record.id], now)
    if request.kind == "attempted":
        custody.stop_counting(tx, [record.id])
    if chain.ends_duty(request.kind, at):
        custody.close_assignments(tx, [record.id], now)
        loaded.duties.pop(record.id, None)
    detail = {"what": request.kind} | ({"to": request.to} if request.to else {})
    journal.append(tx, [store.leaf(world, now, LedgerKind.SCAN, actor.id, record.id, **detail)])
    there = chain.place_after(request.kind, at, actor, to=request.to)
    loaded.records[record.id] = record.moved(there)
    return there


def _event(world: World, store: Store, request: Scan, now: datetime) -> bytes | None:
    """The scanner's name for the scan as it is stored: a keyed digest, since such names may hold personal data.

    None without a name, and for a name that is too long or can't be printed.
    """
    if request.event is None or not 1 <= len(request.event) <= 128 or not request.event.isprintable():
        return None
    return event_index(store.keys.key("event", "1", world, now), request.actor.id, request.event)
