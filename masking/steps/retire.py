"""Steps 8 and 9: seal a waybill away, then destroy it; and the hold that prevents both.

Sealing away deletes the online wrap, so that only the offline key opens the waybill. Destroying deletes both wraps and
the columns of `erasure_policy.ERASED_COLUMNS`; a tombstone without personal data stays. The data can't be read online or in
backups of the data from that moment, and nowhere once the key store's own backups have expired (24 hours).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.journal.batch import Batch
from masking.keys.keystore import Destruction
from masking.ledger.log import Leaf
from masking.runtime import World
from masking.store.erasing import clear_rows, finish_erasing
from masking.store.rows import custody, people, slots, waybills
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.printable import Refusal, WaybillId
from masking.values.states import KEY_BACKUPS_LIVE, Act, State, state_after
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

REASONS = frozenset({"retention", "erasure-request", "leak-response", "test"})
"""The reasons for destruction: a closed list, so that no personal text gets into the ledger."""


HOLDS = frozenset({"dispute", "inquiry", "claim"})
"""The reasons for a hold, a closed list too."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class SealAway:
    """Seal a waybill away, so that only the offline key opens it."""

    actor: Actor
    id: WaybillId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Destroy:
    """Destroy a waybill's data."""

    actor: Actor
    id: WaybillId
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Exempt a waybill from the retention schedule until the hold is released."""

    actor: Actor
    id: WaybillId
    reason: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """Release a hold. The retention schedule applies again."""

    actor: Actor
    id: WaybillId


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class HoldState:
    """Whether the waybill is held from now on."""

    held: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Retired:
    """The new state and its time. After `complete_by`, no copy in a backup can be opened any more."""

    state: State
    at: datetime
    complete_by: datetime


Retire = SealAway | Destroy | Hold | Release
_KINDS = {
    SealAway: LedgerKind.SEAL_AWAY,
    Destroy: LedgerKind.DESTROY,
    Hold: LedgerKind.HOLD,
    Release: LedgerKind.RELEASE,
}


def retire(world: World, store: Store, requests: Sequence[Retire]) -> list[Retired | HoldState | Refusal]:
    """Carry out each request about a waybill's retention.

    A waybill that was destroyed before gets the uniform refusal. A held waybill is neither sealed away nor destroyed.

    Returns:
        The new state of each waybill, or the refusal, in order.

    Raises:
        UnavailableError: the keys may be destroyed and the rows not cleared yet. Repeat the request to finish.
    """
    now = world.now()
    outcomes: list[Retired | HoldState | Refusal] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        ids = [record_of_waybill_id(request.id) for request in requests]
        decided = _Decided.of(world, store, tx, {record for record in ids if record}, now)
        batch = Batch(world, store, tx, now, "retire", staff, roles={Role.OPERATOR})
        for request, record_id in zip(requests, ids, strict=True):
            actor = request.actor
            record = decided.records.get(record_id) if record_id else None
            outcome: Retired | HoldState | Refusal = UNKNOWN
            may_ask = batch.may_ask(actor)
            if record and may_ask and record.tenant == actor.tenant and record.state != State.DESTROYED:
                outcome = decided.decide(tx, request, record)
            if isinstance(outcome, Refusal):
                batch.refuse(actor, record.id if record else None, outcome, _KINDS[type(request)])
            outcomes.append(outcome)
        decided.write(tx)
        batch.write()
        store.keys.seal_away(
            decided.away
        )  # the keys last, just before the commit: a failure before this changes nothing
        store.keys.destroy(decided.gone, now)
    finish_erasing(store, decided.gone, now)
    return outcomes


@dataclass(slots=True, kw_only=True)
class _Decided:
    """The decisions of a batch, each based on those before it, written at the end.

    Attributes:
        records: the waybills of the batch, locked at once, in one order for every batch.
        held: the ids of those that are held.
    """

    world: World
    store: Store
    now: datetime
    records: dict[bytes, Record]
    held: set[bytes]
    away: list[bytes] = field(default_factory=list)
    gone: list[Destruction] = field(default_factory=list)
    leaves: list[Leaf] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, store: Store, tx: Transaction, ids: Collection[bytes], now: datetime) -> _Decided:
        """Lock and load these waybills."""
        records = waybills.by_id(tx, ids, lock=True)
        return cls(world=world, store=store, now=now, records=records, held=waybills.held(tx, records))

    def decide(self, tx: Transaction, request: Retire, record: Record) -> Retired | HoldState | Refusal:
        """Decide one request about a waybill that is not destroyed."""
        match request:
            case Hold():
                return self._hold(tx, request, record.id)
            case Release():
                return self._release(tx, request, record.id)
            case SealAway():
                return self._seal_away(request, record)
            case Destroy():
                return self._destroy(request, record)

    def write(self, tx: Transaction) -> None:
        """Write the decisions to the data, with the same number of statements for any number of waybills."""
        now = self.now
        slots.release(tx, self.away, now)
        if self.away:
            custody.close_assignments(tx, self.away, now)
            waybills.seal_away(tx, self.away, now)
        for reason in sorted({entry.reason for entry in self.gone}):
            clear_rows(tx, [entry.waybill for entry in self.gone if entry.reason == reason], reason, now)
        journal.append(tx, self.leaves)

    def _hold(self, tx: Transaction, request: Hold, waybill: bytes) -> HoldState | Refusal:
        if request.reason not in HOLDS:
            return Refusal(reason=Reason.NO_SUCH_REASON)
        waybills.place_hold(tx, waybill, request.actor.id, request.reason, self.now)
        self.held.add(waybill)
        self._record(LedgerKind.HOLD, request, waybill, reason=request.reason)
        return HoldState(held=True)

    def _release(self, tx: Transaction, request: Release, waybill: bytes) -> HoldState | Refusal:
        if not waybills.release_hold(tx, waybill):
            return Refusal(reason=Reason.NOT_HELD)
        self.held.discard(waybill)
        self._record(LedgerKind.RELEASE, request, waybill)
        return HoldState(held=False)

    def _seal_away(self, request: SealAway, record: Record) -> Retired | Refusal:
        state = state_after(State(record.state), Act.SEAL_AWAY)
        if state is None:
            return Refusal(reason=Reason.ALREADY_SEALED_AWAY)
        if record.id in self.held:
            return Refusal(reason=Reason.HELD)
        self.away.append(record.id)
        self._record(LedgerKind.SEAL_AWAY, request, record.id)
        return self._retired(record, state)

    def _destroy(self, request: Destroy, record: Record) -> Retired | Refusal:
        if request.reason not in REASONS:
            return Refusal(reason=Reason.NO_SUCH_REASON)
        if record.id in self.held:
            return Refusal(reason=Reason.HELD)
        self.gone.append(Destruction(record.id, request.actor.id, request.reason))
        self._record(LedgerKind.DESTROY, request, record.id, reason=request.reason)
        return self._retired(record, State.DESTROYED)

    def _retired(self, record: Record, state: State) -> Retired:
        self.records[record.id] = record._replace(state=state.value)
        return Retired(state=state, at=self.now, complete_by=self.now + KEY_BACKUPS_LIVE)

    def _record(self, kind: LedgerKind, request: Retire, waybill: bytes, **detail: str) -> None:
        self.leaves.append(self.store.leaf(self.world, self.now, kind, request.actor.id, waybill, **detail))
