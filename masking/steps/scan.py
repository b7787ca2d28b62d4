"""Step 3: a scan says where a parcel is. It is recorded, moves custody, and reveals nothing.

Outlets scan label codes or waybill numbers (sorting machines read the Code 128) as arrived, departed, returned or
diverted; couriers scan label codes as collected or attempted, only of parcels assigned to them. What may follow what, and
from whom, is the table of `access.chain`. A scan by anybody else creates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, final

from masking.access import chain, duty
from masking.access.chain import Where
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import event_index
from masking.journal import journal
from masking.journal.refusals import Refusals
from masking.ledger.log import is_name
from masking.runtime import World, milliseconds, moment
from masking.store.parcels import Code, facts_of
from masking.store.rows import budgets, custody, people, slots, units, waybills
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.printable import Refusal, ScanKind, Scanned
from masking.values.states import State
from masking.words.reasons import Reason

NO_EVENT = Refusal(reason=Reason.EVENT_MALFORMED)
REUSED = Refusal(reason=Reason.EVENT_OF_ANOTHER_SCAN)
NOT_YOURS = Refusal(reason=Reason.NOT_YOUR_KIND_OF_SCAN)
NO_UNIT = Refusal(reason=Reason.TO_NEEDS_ANOTHER_UNIT)
NOBODY_THERE = Refusal(reason=Reason.TO_NEEDS_A_STAFFED_UNIT)
SENT_ELSEWHERE = Refusal(reason=Reason.SENT_TO_ANOTHER_UNIT)
JUST_SCANNED = Refusal(reason=Reason.BEING_RECORDED, retry_after=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan: `what` is a label code or, for outlets, a waybill number; `to` the unit that a parcel is sent or diverted to.

    `event` is the scanner's own name for this scan, if it may have to send it twice: it is then recorded once.
    """

    actor: Actor
    what: str = field(repr=False)
    kind: str
    to: str | None = None
    event: str | None = None


class _Known(NamedTuple):
    """What is loaded of all the parcels that a batch scans, as it is by now."""

    staff: dict[str, Actor]
    units: set[str]
    records: dict[bytes, Record]
    duties: dict[bytes, custody.Assignment]
    told: dict[bytes, custody.Scan]


def scan(world: World, store: Store, requests: Sequence[Scan]) -> list[Scanned | Refusal]:
    """What was recorded of each scan, or the refusal; same order as asked.

    Raises:
        UnavailableError: no scan of this batch is known to be recorded.
    """
    now = world.now()
    codes = store.read_codes([request.what for request in requests], world, now)
    outcomes: list[Scanned | Refusal] = []
    moved: dict[bytes, Where] = {}
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        staff = people.active(tx, actors)
        refused = Refusals(world, store, now, staff, chain.KINDS, budgets.locked(tx, actors, now))
        asked = [(r.actor, c and c[0], _number(r)) for r, c in zip(requests, codes, strict=True)]
        ids = refused.sought(tx, asked)
        events = [_event(world, store, request, now) for request in requests]
        wanted = {record for record in ids if record}
        known = _Known(
            staff=staff,
            units=units.staffed(tx, store.settings.tenant, {r.to for r in requests if r.to and is_name(r.to)}),
            records=waybills.by_id(tx, wanted, lock=True),
            duties=custody.open_assignments(tx, wanted),
            told=custody.scans_of_events(tx, [event for event in events if event]),
        )
        tallies = budgets.open_tallies(tx, actors, now, staff=staff)
        for rank, (request, code, record_id, event) in enumerate(zip(requests, codes, ids, events, strict=True)):
            actor, tally = request.actor, tallies[request.actor.id]
            record = known.records.get(record_id) if record_id else None
            refusal = tally.locked()
            before = known.told.get(event) if event else None
            if refusal is None and before and known.staff.get(actor.id) == actor:
                same = (before.waybill, before.kind, before.bound_for) == (record_id, request.kind, request.to)
                outcomes.append(Scanned(kind=ScanKind(before.kind), at=moment(before.at)) if same else REUSED)
                continue
            if refusal is None:
                refusal = _malformed(store, known, request, event) or _refusal(store, known, request, record, code, now)
                if refusal == UNKNOWN and not _unannounced(known, request, record):
                    tally.refuse()
            if refusal or record is None:
                refusal = refusal or UNKNOWN
                refused.add(actor, record_id, refusal, "scan")
                outcomes.append(refusal)
                continue
            made = custody.Scan(
                id=world.record_id(now, rank=rank),
                waybill=record.id,
                kind=request.kind,
                unit=actor.unit,
                actor=actor.id,
                at=milliseconds(now),
                event=event,
                bound_for=request.to,
            )
            if not custody.add_scans(tx, [made]):
                outcomes.append(JUST_SCANNED)
                continue
            if event:
                known.told[event] = made
            moved[record.id] = _move(world, store, tx, known, request, record, now)
            outcomes.append(Scanned(kind=ScanKind(request.kind), at=now))
        waybills.move(tx, moved)
        journal.append(tx, refused.leaves(tallies))
        budgets.save_tallies(tx, tallies, now, world)
    return outcomes


def _number(request: Scan) -> str:
    """What may be a waybill number; only outlets scan those."""
    return request.what if request.actor.role is Role.OUTLET else ""


def _malformed(store: Store, known: _Known, request: Scan, event: bytes | None) -> Refusal | None:
    """What is wrong with a scan, whatever it is a scan of."""
    if request.kind not in chain.KINDS.get(request.actor.role, ()):
        return NOT_YOURS
    if request.event is not None and event is None:
        return NO_EVENT
    if request.to is None:
        needs = request.kind == "diverted" or (request.kind == "departed" and store.settings.name_next_unit)
        return NO_UNIT if needs else None
    if request.kind not in {"departed", "diverted"} or not is_name(request.to) or request.to == request.actor.unit:
        return NO_UNIT  # nobody diverts a parcel to where they are: that is for somebody else to say
    return None if request.to in known.units else NOBODY_THERE


def _refusal(
    store: Store, known: _Known, request: Scan, record: Record | None, code: Code | None, now: datetime
) -> Refusal | None:
    """Why this scan moves nothing."""
    actor = request.actor
    if known.staff.get(actor.id) != actor or record is None or record.tenant != actor.tenant:
        return UNKNOWN
    if record.state != State.ACTIVE or record.delivered is not None:
        return UNKNOWN
    at = record.where
    if actor.role is Role.COURIER and not (
        at.custody == request.kind and at.holder == actor.id
    ):  # as he has said before
        facts = facts_of(record, known.duties.get(record.id), code[1] if code else 0, openable=True)
        refusal = duty.refusal(actor, facts, duty.ANY_LEG, now)
        if refusal:
            return refusal
    outlet = at.outlet(store.settings.network, record.merchant, record.routing_code)
    if chain.may(request.kind, at, actor, outlet):
        return None
    return SENT_ELSEWHERE if chain.sent_elsewhere(request.kind, at, actor) else UNKNOWN


def _unannounced(known: _Known, request: Scan, record: Record | None) -> bool:
    """Whether this is an arrival whose departure nobody has scanned: a slip of the unit before.

    It is refused like everything that moves nothing, and on the ledger, but locks no hub, which sees such every hour.
    """
    actor = request.actor
    return (
        request.kind == "arrived"
        and known.staff.get(actor.id) == actor
        and record is not None
        and (record.tenant, record.state) == (actor.tenant, State.ACTIVE)
        and record.custody in {"arrived", "collected", "departed"}
    )


def _move(
    world: World, store: Store, tx: Transaction, known: _Known, request: Scan, record: Record, now: datetime
) -> Where:
    """What follows from a scan that is recorded; where the parcel is now."""
    at, actor = record.where, request.actor
    slots.renew(tx, [record.id], now)
    if request.kind == "attempted":
        custody.free_places(tx, [record.id])
    if chain.ends_duty(request.kind, at):
        custody.close_assignments(tx, [record.id], now)
        known.duties.pop(record.id, None)
    detail = {"what": request.kind} | ({"to": request.to} if request.to else {})
    journal.append(tx, [store.leaf(world, now, "scan", actor.id, record.id, **detail)])
    there = chain.after(request.kind, at, actor, to=request.to)
    known.records[record.id] = record.moved(there)
    return there


def _event(world: World, store: Store, request: Scan, now: datetime) -> bytes | None:
    """The scanner's name for the scan as it is stored: keyed, because people put all kinds of things into names.

    None where there is none, or one that is not fit to be one.
    """
    if request.event is None or not 1 <= len(request.event) <= 128 or not request.event.isprintable():
        return None
    return event_index(store.keys.key("event", "1", world, now), request.actor.id, request.event)
