"""Steps 8 and 9: seal away, then destroy; and the hold that keeps a waybill from both.

Sealed away: the online wrap is deleted, so that only the offline key opens the waybill. Destroyed: both wraps and
everything on the closed list of `vault.fates.DESTROYED` are gone; a tombstone without personal data stays. Unreadable
online at once, in backups of the data at once, everywhere once the key store's own backups have expired (24 hours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import token_record
from masking.lifecycle import KEY_BACKUPS_LIVE, Act, State, after
from masking.reasons import Reason
from masking.vault import custody, journal, people, slots, waybills
from masking.vault.keystore import Destruction
from masking.vault.refusals import Refusals
from masking.vault.store import Store, Transaction
from masking.vault.waybills import Record
from masking.waybill import Refusal, Token
from masking.world import World, milliseconds

REASONS = frozenset({"retention", "erasure-request", "leak-response", "test"})
"""Why a waybill may be destroyed: words of a closed list, so that no personal text gets into the ledger."""


HOLDS = frozenset({"dispute", "inquiry", "claim"})
"""Why a waybill may be held: words of a closed list, too."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SealAway:
    """Take a waybill out of everybody's reach but the offline key's."""

    actor: Actor
    id: Token


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """End a waybill's data for good."""

    actor: Actor
    id: Token
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Keep a waybill as it is, whatever the schedule says, until it is released."""

    actor: Actor
    id: Token
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """End a hold: the schedule takes the waybill up again."""

    actor: Actor
    id: Token


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Whether the waybill is held from now on."""

    held: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """Done: the new state, since when, and when no copy that is claimed can be opened any more."""

    state: State
    at: datetime
    complete_by: datetime


Retire = SealAway | Destroy | Hold | Release
_STEPS = {SealAway: "seal-away", Destroy: "destroy", Hold: "hold", Release: "release"}


def retire(world: World, store: Store, requests: Sequence[Retire]) -> list[Retired | Held | Refusal]:
    """The new state of each waybill, or why not; same order as asked.

    A waybill destroyed before is not found any more: the answer is the uniform refusal. What is held is neither sealed
    away nor destroyed.

    Raises:
        UnavailableError: the keys may be gone while the rows are not yet; ask again, it is finished then.
    """
    now = world.now()
    outcomes: list[Retired | Held | Refusal] = []
    gone: list[Destruction] = []
    away: list[bytes] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        ids = [token_record(request.id) for request in requests]
        waybills.by_id(tx, {record for record in ids if record}, lock=True)  # all at once, in one order for everybody
        refused = Refusals(world, store, now, staff, {Role.OPERATOR})
        for request, record_id in zip(requests, ids, strict=True):
            actor = request.actor
            allowed = refused.may_ask(actor)
            record = waybills.by_id(tx, [record_id]).get(record_id) if record_id else None
            outcome: Retired | Held | Refusal = UNKNOWN
            if record and allowed and record.tenant == actor.tenant and record.state != State.DESTROYED:
                match request:
                    case Hold():
                        outcome = _hold(world, store, tx, request, record.id, now)
                    case Release():
                        outcome = _release(world, store, tx, request, record.id, now)
                    case SealAway():
                        outcome = _seal_away(world, store, tx, request, record, now, away)
                    case Destroy():
                        outcome = _destroy(world, store, tx, request, record, now, gone)
            if isinstance(outcome, Refusal):
                refused.add(actor, record.id if record else None, outcome, _STEPS[type(request)])
            outcomes.append(outcome)
        refused.write(tx)
        store.keys.seal_away(away)  # keys last, and just before the commit: until here, nothing of this had happened
        store.keys.destroy(gone, now)
    store.destroyed(gone, now)
    return outcomes


def _hold(world: World, store: Store, tx: Transaction, request: Hold, waybill: bytes, now: datetime) -> Held | Refusal:
    if request.reason not in HOLDS:
        return Refusal(reason=Reason.NO_SUCH_REASON)
    waybills.place_hold(tx, waybill, request.actor.id, request.reason, now)
    journal.append(tx, [store.leaf(world, now, "hold", request.actor.id, waybill, reason=request.reason)])
    return Held(held=True)


def _release(
    world: World, store: Store, tx: Transaction, request: Release, waybill: bytes, now: datetime
) -> Held | Refusal:
    if not waybills.release_hold(tx, waybill):
        return Refusal(reason=Reason.NOT_HELD)
    journal.append(tx, [store.leaf(world, now, "release", request.actor.id, waybill)])
    return Held(held=False)


def _seal_away(
    world: World, store: Store, tx: Transaction, request: SealAway, record: Record, now: datetime, away: list[bytes]
) -> Retired | Refusal:
    state = after(State(record.state), Act.SEAL_AWAY)
    if state is None:
        return Refusal(reason=Reason.ALREADY_SEALED_AWAY)
    if waybills.held(tx, [record.id]):
        return Refusal(reason=Reason.HELD)
    away.append(record.id)
    slots.release(tx, [record.id], now)
    custody.close_assignments(tx, [record.id], now)
    waybills.update(tx, record.id, state=state.value, sealed_away=milliseconds(now))
    journal.append(tx, [store.leaf(world, now, "seal-away", request.actor.id, record.id)])
    return Retired(state=state, at=now, complete_by=now + KEY_BACKUPS_LIVE)


def _destroy(
    world: World,
    store: Store,
    tx: Transaction,
    request: Destroy,
    record: Record,
    now: datetime,
    gone: list[Destruction],
) -> Retired | Refusal:
    actor, reason = request.actor.id, request.reason
    if reason not in REASONS:
        return Refusal(reason=Reason.NO_SUCH_REASON)
    if waybills.held(tx, [record.id]):
        return Refusal(reason=Reason.HELD)
    store.clear(tx, [record.id], reason, now)
    gone.append(Destruction(record.id, actor, reason))
    journal.append(tx, [store.leaf(world, now, "destroy", actor, record.id, reason=reason)])
    return Retired(state=State.DESTROYED, at=now, complete_by=now + KEY_BACKUPS_LIVE)
