"""Step 3: a scan says where a parcel is. It is recorded, moves custody, and reveals nothing.

Outlets scan label codes or waybill numbers (sorting machines read the Code 128) as arrived or departed; couriers scan
label codes as collected or attempted, only of parcels assigned to them. A scan by anybody else creates nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import event_index
from masking.lifecycle import State
from masking.vault import budgets, custody, journal, people, slots, waybills
from masking.vault.store import Store, Transaction
from masking.waybill import Refusal, Scanned
from masking.world import World, milliseconds, moment

KINDS = {Role.OUTLET: frozenset({"arrived", "departed"}), Role.COURIER: frozenset({"collected", "attempted"})}
"""Who may record what; `delivered` is a step of its own."""

NO_EVENT = Refusal(reason="event-not-1-to-128-printable-characters")
REUSED = Refusal(reason="event-of-another-scan")
NOT_HERE = Refusal(reason="not-in-your-custody")
JUST_SCANNED = Refusal(reason="being-recorded", retry_after=1)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One scan: `what` is a label code or, for outlets, a waybill number.

    `event` is the scanner's own name for this scan, if it may have to send it twice: it is then recorded once.
    """

    actor: Actor
    what: str
    kind: str
    event: str | None = None


def scan(world: World, store: Store, requests: Sequence[Scan]) -> list[Scanned | Refusal]:
    """What was recorded of each scan, or the refusal; same order as asked.

    Raises:
        UnavailableError: no scan of this batch is known to be recorded.
    """
    now = world.now()
    codes = [store.read_code(request.what, world, now) for request in requests]
    outcomes: list[Scanned | Refusal] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        numbers = waybills.by_number(
            tx, store.settings.tenant, {r.what for r in requests if r.actor.role is Role.OUTLET}
        )
        ids = [code[0] if code else numbers.get(request.what) for code, request in zip(codes, requests, strict=True)]
        known = {record for record in ids if record}
        records = waybills.by_id(tx, known, lock=True)
        duties = custody.open_assignments(tx, known)
        last = custody.last_custody(tx, known)
        tallies = budgets.open_tallies(tx, {request.actor.id for request in requests}, [], now)
        events = [_event(world, store, request, now) for request in requests]
        told = custody.scans_of_events(tx, [event for event in events if event])
        for rank, (request, record_id, event) in enumerate(zip(requests, ids, events, strict=True)):
            actor, tally = request.actor, tallies[request.actor.id]
            record = records.get(record_id) if record_id else None
            duty = duties.get(record_id) if record_id else None
            allowed = (
                staff.get(actor.id) == actor
                and record is not None
                and record.tenant == actor.tenant
                and record.state == State.ACTIVE
                and record.delivered is None
                and (actor.role is Role.OUTLET or (duty is not None and duty.courier == actor.id))
            )
            refusal = tally.locked(now)
            before = told.get(event) if event else None
            if refusal is None and before and staff.get(actor.id) == actor:
                same = (before.waybill, before.kind) == (record_id, request.kind)
                outcomes.append(Scanned(kind=before.kind, at=moment(before.at)) if same else REUSED)
                continue
            if refusal is None and not allowed:
                refusal = UNKNOWN
                tally.refuse()
            elif refusal is None and record:
                refusal = _not_so(request, event, last.get(record.id))
            if refusal or record is None:
                refusal = refusal or UNKNOWN
                if record_id:
                    journal.append(
                        tx, [store.refusal_leaf(world, now, actor.id, record_id, refusal.reason, step="scan")]
                    )
                outcomes.append(refusal)
                continue
            before_it = last.get(record.id)
            made_id = world.record_id(now, rank=rank, after=before_it.id if before_it else bytes(16))
            made = _record(world, store, tx, request, record.id, event, now, made_id)
            if made and event:
                told[event] = made
            if made and request.kind in custody.CUSTODY:
                last[record.id] = made
            if made and request.kind == "departed":
                duties.pop(record.id, None)
            outcomes.append(Scanned(kind=request.kind, at=now) if made else JUST_SCANNED)
        budgets.save_tallies(tx, tallies, now, world)
    return outcomes


def _not_so(request: Scan, event: bytes | None, last: custody.Scan | None) -> Refusal | None:
    """Why somebody who may scan this parcel does not scan it so."""
    if request.kind not in KINDS.get(request.actor.role, ()):
        return Refusal(reason="not-your-kind-of-scan")
    if request.event is not None and event is None:
        return NO_EVENT
    if request.kind == "departed" and (last is None or last.unit != request.actor.unit):
        return NOT_HERE  # nobody ends a duty by saying that the parcel left from somewhere else
    return None


def _event(world: World, store: Store, request: Scan, now: datetime) -> bytes | None:
    """The scanner's name for the scan as it is stored: keyed, because people put all kinds of things into names.

    None where there is none, or one that is not fit to be one.
    """
    if request.event is None or not 1 <= len(request.event) <= 128 or not request.event.isprintable():
        return None
    return event_index(store.keys.key("event", "1", world, now), request.actor.id, request.event)


def _record(
    world: World,
    store: Store,
    tx: Transaction,
    request: Scan,
    waybill: bytes,
    event: bytes | None,
    now: datetime,
    made_id: bytes,
) -> custody.Scan | None:
    """Record the scan; None if another worker is just recording the same event."""
    made = custody.Scan(
        id=made_id,
        waybill=waybill,
        kind=request.kind,
        unit=request.actor.unit,
        actor=request.actor.id,
        at=milliseconds(now),
        event=event,
    )
    if not custody.add_scans(tx, [made]):
        return None
    slots.renew(tx, [waybill], now)
    if request.kind == "departed":
        custody.close_assignments(tx, [waybill], now)
    journal.append(tx, [store.leaf(world, now, "scan", request.actor.id, waybill, what=request.kind)])
    return made
