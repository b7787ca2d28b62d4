"""Steps 8 and 9: seal away, then destroy.

Sealed away: the online wrap is deleted, so that only the offline key opens the waybill. Destroyed: both wraps and
everything on the closed list of `vault.schema.DESTROYED` are gone; a tombstone without personal data stays. Unreadable
online at once, in backups of the data at once, everywhere once the key store's own backups have expired (24 hours).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import token_record
from masking.lifecycle import Act, State, after
from masking.numbers.pool import COOL_DOWN
from masking.vault import custody, journal, people, slots, waybills
from masking.vault.store import Store
from masking.waybill import Refusal, Token
from masking.world import World, milliseconds

KEY_BACKUPS_LIVE = timedelta(hours=24)
"""How long a backup of the key store may be kept; destruction is complete when the last one has expired."""

REASONS = frozenset({"retention", "erasure-request", "leak-response", "test"})
"""Why a waybill may be destroyed: words of a closed list, so that no personal text gets into the ledger."""


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
class Retired:
    """Done: the new state, and when no copy that is claimed can be opened any more."""

    state: State
    complete_by: datetime


def retire(world: World, store: Store, requests: Sequence[SealAway | Destroy]) -> list[Retired | Refusal]:
    """The new state of each waybill, or why not; same order as asked.

    A waybill destroyed before is not found any more: the answer is the uniform refusal.

    Raises:
        UnavailableError: the keys may be gone while the rows are not yet; ask again, it is finished then.
    """
    now = world.now()
    outcomes: list[Retired | Refusal] = []
    destroyed: list[bytes] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        for request in requests:
            actor, record_id = request.actor, token_record(request.id)
            allowed = staff.get(actor.id) == actor and actor.role is Role.OPERATOR
            record = waybills.by_id(tx, [record_id], lock=True).get(record_id) if record_id and allowed else None
            if record is None or record.tenant != actor.tenant or record.state == State.DESTROYED:
                outcomes.append(UNKNOWN)
                continue
            act = Act.DESTROY if isinstance(request, Destroy) else Act.SEAL_AWAY
            state = after(State(record.state), act)
            if state is None:
                outcomes.append(Refusal(reason="already-sealed-away"))
                continue
            if isinstance(request, Destroy):
                if request.reason not in REASONS:
                    outcomes.append(Refusal(reason="no-such-reason"))
                    continue
                leaf = store.leaf(world, now, "destroy", actor.id, record.id, reason=request.reason)
                store.destroy(tx, [record.id], actor=actor.id, reason=request.reason, now=now, cool_down=COOL_DOWN)
                destroyed.append(record.id)
            else:
                leaf = store.leaf(world, now, "seal-away", actor.id, record.id)
                store.keys.seal_away([record.id])
                slots.release(tx, [record.id], free_again=now + COOL_DOWN)
                custody.close_assignments(tx, [record.id], now)
                waybills.update(tx, record.id, state=state.value, sealed_away=milliseconds(now))
            journal.append(tx, [leaf])
            outcomes.append(Retired(state=state, complete_by=now + KEY_BACKUPS_LIVE))
    store.destroyed(destroyed, now)
    return outcomes
