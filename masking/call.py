"""Step 6: a call that reaches the other side of a parcel, without either side seeing the other's number.

A courier with a duty announces the call (`Call`): an intent, for this parcel, from the courier's verified number, good
for two minutes and one use. The switch asks whom a dialled number rings (`Route`); the caller's number only selects the
intent. Without one, only the recipient calling back is connected. Everyone else hears a refusal and leaves a record.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import final

from masking.access.duty import UNKNOWN, Purpose, decide
from masking.access.people import Actor, Role
from masking.crypto.index import person_index
from masking.crypto.seal import open_fields
from masking.order import Connect, Plain
from masking.redact.phones import canonical
from masking.vault import budgets, calls, journal, parcels, people, slots, waybills
from masking.vault.calls import Intent
from masking.vault.parcels import Parcels
from masking.vault.store import Store, Transaction
from masking.waybill import Dial, Refusal, VirtualNumber
from masking.world import World, day_of, milliseconds, moment

INTENT_LIFE = timedelta(seconds=120)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A courier wants to ring the recipient of the parcel with this label code."""

    actor: Actor
    code: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The switch asks: `caller` has dialled `main` and `extension`; whom does that ring?"""

    actor: Actor
    caller: Plain
    main: str
    extension: str


def call(world: World, store: Store, requests: Sequence[Call | Route]) -> list[Dial | Connect | Refusal]:
    """A number to dial, a connection, or a refusal for each request; on the ledger before this returns.

    Raises:
        UnavailableError: nothing is known to be recorded, and nothing is revealed.
    """
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        announcements = [(n, r) for n, r in enumerate(requests) if isinstance(r, Call)]
        routes = [(n, r) for n, r in enumerate(requests) if isinstance(r, Route)]
        announced = _announce(world, store, tx, [r for _, r in announcements], staff, now)
        connected = _connect(world, store, tx, [r for _, r in routes], staff, now)
    outcomes: dict[int, Dial | Connect | Refusal] = {}
    outcomes |= dict(zip([n for n, _ in announcements], announced, strict=True))
    outcomes |= dict(zip([n for n, _ in routes], connected, strict=True))
    return [outcomes[n] for n in range(len(requests))]


def _announce(
    world: World, store: Store, tx: Transaction, requests: Sequence[Call], staff: dict[str, Actor], now: datetime
) -> list[Dial | Refusal]:
    """Write an intent for each call that its courier has a duty for."""
    codes = [store.read_code(request.code, world, now) for request in requests]
    known = parcels.load(store, tx, codes)
    numbers = slots.leases(tx, known.records)
    actors = {request.actor.id for request in requests}
    callers = people.phone_indexes(tx, actors)
    tallies = budgets.open_tallies(tx, actors, known.records, now)
    outcomes: list[Dial | Refusal] = []
    for request, code in zip(requests, codes, strict=True):
        actor, tally = request.actor, tallies[request.actor.id]
        facts = known.facts(code) if staff.get(actor.id) == actor else None
        refusal = tally.locked(now)
        if refusal is None:
            verdict = decide(actor, facts, Purpose.CALL)
            refusal = verdict if isinstance(verdict, Refusal) else None
            if refusal:
                tally.refuse()
        if refusal is None and code:
            refusal = _cannot_ring(actor, code[0], callers, numbers) or tally.spend(code[0], now)
        if refusal or code is None:
            refusal = refusal or UNKNOWN
            if code:
                journal.append(tx, [store.refusal_leaf(world, now, actor.id, code[0], refusal.reason, step="call")])
            outcomes.append(refusal)
            continue
        until = now + INTENT_LIFE
        intent = Intent(world.record_id(now), code[0], actor.id, callers[actor.id], milliseconds(until), None)
        calls.add_intents(tx, [intent])
        journal.append(tx, [store.leaf(world, now, "intent", actor.id, code[0])])
        outcomes.append(Dial(number=numbers[code[0]], valid_until=until))
    budgets.save_tallies(tx, tallies, now, world)
    return outcomes


def _cannot_ring(
    actor: Actor, waybill: bytes, callers: Mapping[str, bytes], numbers: Mapping[bytes, VirtualNumber]
) -> Refusal | None:
    if actor.id not in callers:
        return Refusal(reason="no-verified-phone")
    return None if waybill in numbers else Refusal(reason="no-number-leased")


def _connect(
    world: World, store: Store, tx: Transaction, requests: Sequence[Route], staff: dict[str, Actor], now: datetime
) -> list[Connect | Refusal]:
    """Find whom each dialled number rings for this caller, using up the intent that allows it."""
    held = slots.holders(tx, {(request.main, request.extension) for request in requests}, now)
    known = parcels.of_ids(store, tx, set(held.values()))
    intents = calls.open_intents(tx, known.records, now)
    outcomes: list[Connect | Refusal] = []
    for request in requests:
        switch = request.actor
        waybill = held.get((request.main, request.extension))
        to, used = None, None
        if waybill in known.wraps and staff.get(switch.id) == switch and switch.role is Role.SWITCH:
            caller = people.caller_index(world, store.keys, request.caller, now)
            used = intents.pop((waybill, caller), None)
            if used:
                to = _phone_of_recipient(store, tx, known, waybill)
            elif _is_recipient(store, known.records[waybill], request.caller) and waybill in known.duties:
                to = people.open_phone(world, store.keys, tx, known.duties[waybill].courier, now)
        if used:
            calls.use_intents(tx, [used.id], now)
        kind = "connect" if to else "no-connection"
        who = {"courier": used.actor} if used else {}
        journal.append(tx, [store.leaf(world, now, kind, switch.id, waybill, **who)])
        shown = f"{request.main},{request.extension}"
        outcomes.append(Connect(to=to, shown=shown) if to else Refusal(reason="not-connected"))
    return outcomes


def _phone_of_recipient(store: Store, tx: Transaction, known: Parcels, waybill: bytes) -> Plain:
    record = known.records[waybill]
    sealed = waybills.sealed_fields(tx, [waybill], ["recipient.phone"])[waybill]
    return open_fields(store.keys.unwrap(known.wraps[waybill]), record.tenant, waybill, sealed)["recipient.phone"]


def _is_recipient(store: Store, record: waybills.Record, caller: Plain) -> bool:
    day_key = store.keys.existing("person", day_of(moment(record.created)))
    phone = canonical(caller.reveal())
    if not day_key or not phone:
        return False
    return person_index(day_key, phone) == record.recipient_index
