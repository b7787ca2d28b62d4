"""Step 6, on the courier's side: a call is announced that reaches the recipient, or the sender if the parcel returns.

A courier with a duty announces the call. That creates an intent for this parcel and the courier's verified number, valid for two
minutes and one use. `masking.steps.route` then connects the call. With a number provider, `masking.steps.dial` binds it there.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import final

from masking.access.budget import Tally
from masking.access.duty import RULES, UNKNOWN, Purpose, fields_or_refusal
from masking.access.people import Actor
from masking.journal import journal
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.numbers.provider import PROVIDER
from masking.numbers.routing import INTENT_LIFE
from masking.runtime import World, milliseconds
from masking.store import leasing, parcels, phones
from masking.store.parcels import Code, Parcels
from masking.store.rows import budgets, calls, people, slots, waybills
from masking.store.rows.calls import Intent
from masking.store.store import Store, Transaction
from masking.values.outcomes import Dial
from masking.values.plaintext import Announced, Plain
from masking.values.printable import Refusal
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A courier's request to call the recipient of the parcel with this label code, or the sender if the parcel returns."""

    actor: Actor
    code: str = field(repr=False)


def call(world: World, store: Store, requests: Sequence[Call]) -> list[Dial | Refusal]:
    """Announce calls. Each decision is on the ledger before this returns.

    Returns:
        A number to dial or a refusal for each request, in order.

    Raises:
        UnavailableError: nothing is known to be recorded, and nothing is revealed.
    """
    return [each for each in announce(world, store, requests, bind=False) if not isinstance(each, Announced)]


def announce(world: World, store: Store, requests: Sequence[Call], *, bind: bool) -> list[Dial | Announced | Refusal]:
    """As `call`. With `bind`, an announced call's outcome is what a provider needs to connect it."""
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        codes = store.read_codes([request.code for request in requests], world, now)
        ids = {code[0] for code in codes if code}
        known = parcels.of_records(store, tx, ids, waybills.by_id(tx, ids, lock=True))  # before any budget
        numbers = slots.leases(tx, ids)
        actors = {request.actor.id for request in requests}
        callers = people.phone_indexes(tx, actors)
        tallies = budgets.open_tallies(tx, actors, now, staff=staff, hours=store.settings.opening)

        def decision(place: int, tally: Tally) -> Dial | Announced | Refusal:
            actor, code = requests[place].actor, codes[place]
            verdict = fields_or_refusal(actor, known.facts(code), Purpose.CALL, now)
            if isinstance(verdict, Refusal) or code is None:
                return verdict if isinstance(verdict, Refusal) else UNKNOWN
            waybill, duty = code[0], known.duties[code[0]]
            if not bind and waybill not in numbers:  # the pool was empty at checkout, or the lease has ended
                numbers.update(leasing.lease(world, store, tx, [known.records[waybill]], now))
            refusal = _cannot_ring(actor, callers, bind or waybill in numbers) or tally.try_open(
                duty.counted_duty, shown=False
            )
            if refusal:
                return refusal
            ends = _ends(world, store, tx, known, actor, code, now) if bind else None
            if bind and ends is None:
                return DAMAGED
            until = now + INTENT_LIFE
            intent = Intent(world.record_id(now), waybill, actor.id, callers[actor.id], milliseconds(until))
            why = store.duty(duty.id, world, now)
            journal.append(tx, [store.leaf(world, now, LedgerKind.INTENT, actor.id, waybill, duty=why)])
            if ends is None:
                calls.announce(tx, intent)
                return Dial(number=numbers[waybill], valid_until=until)
            # the binding is the one use of the intent
            calls.announce(tx, intent._replace(used=milliseconds(now), switch=PROVIDER))
            journal.append(
                tx, [store.leaf(world, now, LedgerKind.CONNECT, PROVIDER, waybill, courier=actor.id, by="binding")]
            )
            return Announced(call=intent.id, waybill=waybill, a=ends[0], b=ends[1], until=until)

        with Batch(world, store, tx, now, "call", staff) as batch:
            asked = [(request.actor, code and code[0]) for request, code in zip(requests, codes, strict=True)]
            return batch.decide(asked, tallies, decision, _charge)


def _charge(_place: int, refusal: Refusal, tally: Tally) -> None:
    """Count refusals for a missing duty. A courier without a phone or a leased number has not probed anything."""
    if refusal.reason in {reason for reason, _ in RULES}:
        tally.record_refusal()


def _ends(
    world: World, store: Store, tx: Transaction, known: Parcels, actor: Actor, code: Code, now: datetime
) -> tuple[Plain, Plain] | None:
    """The two phones that a provider connects, or None if one of them can't be opened."""
    a, b = phones.of_courier(world, store, tx, actor.id, now), phones.of_parcels(store, tx, known, [code[0]])[code[0]]
    return (a, b) if a and b else None


def _cannot_ring(actor: Actor, callers: Mapping[str, bytes], numbered: bool) -> Refusal | None:
    if actor.id not in callers:
        return Refusal(reason=Reason.NO_VERIFIED_PHONE)
    return None if numbered else Refusal(reason=Reason.NO_NUMBER_LEASED)
