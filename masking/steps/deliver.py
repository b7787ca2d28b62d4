"""Step 7: the recipient signs. The duty ends, the number stops ringing, and looking again is refused.

Only the courier who has the duty delivers. Repeating the request gives the same answer. Retention later seals the data away
and destroys it (`retire`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from masking.access import chain, duty
from masking.access.budget import Tally
from masking.access.duty import UNKNOWN, Facts
from masking.access.people import Actor
from masking.journal import journal
from masking.journal.batch import Batch, charge_all
from masking.runtime import World, milliseconds, moment
from masking.store import parcels
from masking.store.parcels import Parcels
from masking.store.rows import budgets, custody, slots, waybills
from masking.store.store import Store, Transaction
from masking.values.outcomes import Delivered
from masking.values.printable import Refusal
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Deliver:
    """A courier's report that the parcel with this label code was handed over."""

    actor: Actor
    code: str = field(repr=False)


def deliver(world: World, store: Store, requests: Sequence[Deliver]) -> list[Delivered | Refusal]:
    """Record each delivery.

    Returns:
        The delivery or the refusal for each request, in order.

    Raises:
        UnavailableError: no delivery of this batch is known to be recorded; ask again.
    """
    now = world.now()
    codes = store.read_codes([request.code for request in requests], world, now)
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        known, staff, counts = parcels.load_scanned(store, tx, codes, actors)
        tallies = budgets.open_tallies(tx, actors, now, locked=counts, staff=staff)

        def decision(place: int, _tally: Tally) -> Delivered | Refusal:
            actor, code = requests[place].actor, codes[place]
            facts, record = known.facts(code), known.records.get(code[0]) if code else None
            if facts and record and record.delivered is not None and _ended_by(actor, facts, record):
                return Delivered(at=moment(record.delivered))
            refusal = duty.refusal(actor, facts, duty.TO_A_DOOR, now)
            if refusal or record is None:
                return refusal or UNKNOWN
            _end(world, store, tx, known, record, actor, now)
            return Delivered(at=now)

        with Batch(world, store, tx, now, "deliver", staff) as batch:
            asked = [(request.actor, code and code[0]) for request, code in zip(requests, codes, strict=True)]
            return batch.decide(asked, tallies, decision, charge_all)


def _end(
    world: World, store: Store, tx: Transaction, known: Parcels, record: waybills.Record, actor: Actor, now: datetime
) -> None:
    """Record the delivery, which ends the duty and the lease of the virtual number."""
    waybill, at = record.id, milliseconds(now)
    custody.add_scans(tx, [custody.Scan(world.record_id(now), waybill, "delivered", actor.unit, actor.id, at)])
    custody.close_assignments(tx, [waybill], now)
    why = store.duty(known.duties.pop(waybill).id, world, now)
    there = chain.place_after("delivered", record.where, actor)
    waybills.move(tx, {waybill: there})
    known.records[waybill] = record.moved(there)._replace(delivered=at)
    slots.release(tx, [waybill], now)
    waybills.update(tx, waybill, delivered=at)
    journal.append(tx, [store.leaf(world, now, LedgerKind.DELIVER, actor.id, waybill, duty=why)])


def _ended_by(actor: Actor, facts: Facts, record: waybills.Record) -> bool:
    """Whether this actor delivered the parcel before: the request was repeated because its answer was lost."""
    if facts.state is not State.ACTIVE or facts.print_number != facts.live_print:
        return False
    return (record.custody, record.holder, record.tenant) == ("delivered", actor.id, actor.tenant)
