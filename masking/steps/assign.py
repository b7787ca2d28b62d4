"""Step 4: an outlet assigns a parcel to a courier. Only this creates a courier's duty towards the parcel.

The current leg of the parcel's way ends at this outlet (`access.chain`). A collection begins with the order. For a delivery
or a return, the parcel is in this outlet's custody and was taken in by another person. The courier is enrolled at this
outlet and is not the person who assigns. Assigning the parcel to a second courier (a handover) ends the first one's duty.
Repeating an assignment on the same day changes nothing; on the next day it creates a new duty.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from masking.access import chain
from masking.access.budget import Tally
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.journal.batch import Batch
from masking.runtime import World, day_of, milliseconds, moment
from masking.store.rows import budgets, custody, people, slots, waybills
from masking.store.rows.custody import Assignment
from masking.store.store import Store
from masking.values.outcomes import Assigned
from masking.values.printable import Refusal
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Assign:
    """An assignment of one parcel, by label code or waybill number, to one courier."""

    actor: Actor
    what: str = field(repr=False)
    courier: str


def assign(world: World, store: Store, requests: Sequence[Assign]) -> list[Assigned | Refusal]:
    """Assign each parcel to its courier.

    Returns:
        The duty or the refusal for each request, in order.

    Raises:
        UnavailableError: no assignment of this batch is known to be recorded.
    """
    now = world.now()
    codes = store.read_codes([request.what for request in requests], world, now)
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        staff = people.active(tx, actors | {request.courier for request in requests})
        locked = budgets.locked(tx, actors, now)
        with Batch(world, store, tx, now, "assign", staff, roles={Role.OUTLET}, locked=locked) as batch:
            ids = batch.find([(r.actor, c and c[0], r.what) for r, c in zip(requests, codes, strict=True)])
            wanted = batch.to_look_up([request.actor for request in requests], ids)
            records = waybills.by_id(tx, wanted, lock=True)
            open_ = custody.open_assignments(tx, wanted)
            counted = actors | {r.courier for r in requests if r.courier in staff} | {outlet_of(r) for r in requests}
            tallies = budgets.open_tallies(tx, counted, now, staff=staff)

            def decision(place: int, tally: Tally) -> Assigned | Refusal:
                request, waybill = requests[place], ids[place]
                record = records.get(waybill) if waybill else None
                refusal = _refusal(store, request, record, staff)
                if refusal or record is None:
                    return refusal or UNKNOWN
                before = open_.get(record.id)
                if before and _is_same(before, request, record, now):
                    return Assigned(courier=before.courier, at=moment(before.at))
                outlet = tallies[outlet_of(request)]
                refusal = (tally.try_repeat() if before else None) or _hand_on(outlet, before, request)
                if refusal:
                    return refusal
                custody.close_assignments(tx, [record.id], now)
                duty = _duty(request, record, world.record_id(now), now)
                if not custody.assign(tx, [duty]):
                    return Refusal(reason=Reason.JUST_ASSIGNED)
                open_[record.id] = duty
                tallies[request.courier].record_assignment()
                if before is None or day_of(moment(before.at)) != day_of(now):
                    outlet.record_assignment()  # to and fro between two couriers is one parcel
                slots.renew(tx, [record.id], now)
                about = {"courier": request.courier, "leg": duty.leg, "duty": store.duty(duty.id, world, now)}
                journal.append(tx, [store.leaf(world, now, LedgerKind.ASSIGN, request.actor.id, record.id, **about)])
                return Assigned(courier=request.courier, at=now)

            asked = [(request.actor, waybill) for request, waybill in zip(requests, ids, strict=True)]
            return batch.decide(asked, tallies, decision)


def _duty(request: Assign, record: waybills.Record, duty_id: bytes, now: datetime) -> Assignment:
    return Assignment(
        id=duty_id,
        waybill=record.id,
        unit=request.actor.unit,
        leg=record.leg,
        courier=request.courier,
        given_by=request.actor.id,
        at=milliseconds(now),
        closed=None,
        masked_views=0,
    )


def outlet_of(request: Assign) -> str:
    """The name under which the outlet itself has counts. No person's id can begin with this sign."""
    return f"@{request.actor.unit}"


def _hand_on(outlet: Tally, before: Assignment | None, request: Assign) -> Refusal | None:
    """Why a parcel that one courier has opened or looked at can't be reassigned to another, None if it can."""
    if before is None or before.courier == request.courier:
        return None
    return outlet.try_reassign() if before.opened_at is not None or before.masked_views else None


def _refusal(store: Store, request: Assign, record: waybills.Record | None, staff: dict[str, Actor]) -> Refusal | None:
    actor = request.actor
    if actor.role is not Role.OUTLET or record is None or record.tenant != actor.tenant or record.state != State.ACTIVE:
        return UNKNOWN
    at = record.where
    outlet = at.outlet(store.settings.network, record.merchant, record.routing_code)
    reason = chain.refusal_to_assign(at, actor, outlet)
    if reason:
        return Refusal(reason=reason)
    courier = staff.get(request.courier)
    if (
        courier is None
        or courier.role is not Role.COURIER
        or (courier.tenant, courier.unit) != (actor.tenant, actor.unit)
    ):
        return Refusal(reason=Reason.NO_SUCH_COURIER_HERE)
    return None


def _is_same(before: Assignment, request: Assign, record: waybills.Record, now: datetime) -> bool:
    """Whether the open duty is the requested one: the same courier, the same leg, of today."""
    given = (before.courier, before.unit, before.leg, day_of(moment(before.at)))
    return given == (request.courier, request.actor.unit, record.leg, day_of(now))
