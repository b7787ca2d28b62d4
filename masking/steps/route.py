"""Step 6, on the switch's side: which phone a dialled number connects to, while neither side sees the other's number.

The caller's number selects the intent that a courier has announced (`masking.steps.call`). Without an intent, only a recipient who
calls back is connected, or the sender if the parcel returns. All other callers get a refusal that reveals nothing; the ledger
holds the true reason (`masking.numbers.routing`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple, final

from masking.access.duty import is_duty_valid
from masking.access.people import Actor, Role
from masking.crypto.index import is_persons
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.ledger.log import Leaf
from masking.numbers.pool import Line
from masking.numbers.routing import CALL_BACK, CONNECT, INTENT_LIFE, RouteFacts, decide_route, public_reason
from masking.redact.phones import canonical
from masking.runtime import World, milliseconds
from masking.store import parcels, phones
from masking.store.parcels import Parcels, facts_of, party_at_door
from masking.store.rows import calls, people, slots, waybills
from masking.store.rows.calls import Intent
from masking.store.rows.custody import Assignment
from masking.store.store import Store
from masking.values.plaintext import Connect, Plain
from masking.values.printable import Refusal
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind

MISSED = timedelta(hours=2)
"""How long after an unanswered call a call-back is noted for the courier."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """The switch's question which phone to connect `caller` to, who dialled `main` and `extension` (empty until dialled)."""

    actor: Actor
    caller: Plain
    main: str
    extension: str


class _Loaded(NamedTuple):
    """What a batch of dialled numbers needs, loaded at once."""

    lines: Mapping[str, Line]
    held: Mapping[tuple[str, str], bytes]
    parcels: Parcels
    intents: dict[tuple[bytes, bytes], Intent]
    couriers: set[str]
    staff: Callable[[], Collection[bytes]]
    days: Callable[[], Collection[bytes]]


def route(world: World, store: Store, requests: Sequence[Route]) -> list[Connect | Refusal]:
    """Decide which phone each dialled number connects to, and use up the intent that allows it.

    Returns:
        A connection or a refusal for each request, in order. It is on the ledger before this returns.

    Raises:
        UnavailableError: no decision is known to be recorded, and nothing is revealed.
    """
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        held = slots.holders(tx, {(request.main, request.extension) for request in requests}, now)
        records = waybills.by_id(tx, set(held.values()), lock=True)
        # an announcement needs a number, so a caller without one is a stranger
        indexes = [people.caller_index(world, store.keys, request.caller, now) or b"" for request in requests]
        loaded = parcels.of_records(store, tx, set(held.values()), records)
        known = _Loaded(
            lines=slots.lines(tx, {request.main for request in requests}),
            held=held,
            parcels=loaded,
            intents=calls.recent(tx, loaded.records, now),
            couriers=people.reachable(tx, {duty.courier for duty in loaded.duties.values()}),
            staff=cache(lambda: people.couriers_at(tx, indexes)),  # queries that an announced call does not need
            days=cache(lambda: store.keys.person_keys().values()),
        )
        refused = Batch(world, store, tx, now, "route", staff, roles={Role.SWITCH})
        leaves: list[Leaf] = []
        to_ring: list[Intent | None] = []
        facts: list[RouteFacts] = []
        verdicts: list[str] = []
        for request, caller in zip(requests, indexes, strict=True):
            enrolled = refused.may_ask(request.actor)
            waybill = held.get((request.main, request.extension))
            dialled = _facts(known, request, caller, waybill, now, enrolled=enrolled)
            verdict = decide_route(dialled)
            to_ring.append(_ring(world, known, request, caller, waybill, dialled, now))
            facts.append(dialled)
            verdicts.append(verdict)
            if enrolled and waybill:
                leaves.append(_leaf(world, store, request, waybill, dialled, now))
            else:
                refused.refuse(request.actor, None, Refusal(reason=public_reason(verdict, dialled)))
            if waybill and verdict == "stranger":
                calls.note_call_back(tx, waybill, now, within=MISSED)
        to_open = {call.waybill for call, verdict in zip(to_ring, verdicts, strict=True) if call and verdict == CONNECT}
        opened = phones.of_parcels(store, tx, loaded, to_open)
        connected: dict[str, list[Intent]] = {CONNECT: [], CALL_BACK: []}
        outcomes: list[Connect | Refusal] = []
        for request, call, verdict, dialled in zip(requests, to_ring, verdicts, facts, strict=True):
            if call is None:
                outcomes.append(Refusal(reason=public_reason(verdict, dialled)))
                continue
            back = verdict == CALL_BACK
            to = phones.of_courier(world, store, tx, call.actor, now) if back else opened[call.waybill]
            if to is None:
                refused.refuse(request.actor, call.waybill, DAMAGED, "call")
                outcomes.append(DAMAGED)
                continue
            connected[verdict].append(call)
            outcomes.append(Connect(to=to, shown=f"{request.main},{request.extension}", call=call.id.hex()))
        calls.record_uses(tx, connected[CONNECT])
        calls.add(tx, connected[CALL_BACK])
        refused.write(leaves)
        return outcomes


def _ring(
    world: World,
    known: _Loaded,
    request: Route,
    caller: bytes,
    waybill: bytes | None,
    dialled: RouteFacts,
    now: datetime,
) -> Intent | None:
    """The call to connect: the intent, now used up, or a new one for a call-back; None for no connection."""
    verdict, at = decide_route(dialled), milliseconds(now)
    if waybill and verdict == CONNECT:
        used = known.intents[waybill, caller]._replace(used=at, switch=request.actor.id)
        known.intents[waybill, caller] = used
        return used
    if waybill and verdict == CALL_BACK and dialled.courier:
        return Intent(world.record_id(now), waybill, dialled.courier, caller, at, used=at, switch=request.actor.id)
    return None


def _leaf(world: World, store: Store, request: Route, waybill: bytes, dialled: RouteFacts, now: datetime) -> Leaf:
    """The leaf with the true verdict, which can differ from the answer that the caller gets."""
    verdict = decide_route(dialled)
    connected = verdict in {CONNECT, CALL_BACK}
    detail = {"courier": str(dialled.courier), "by": verdict} if connected else {"reason": verdict}
    return store.leaf(
        world, now, LedgerKind.CONNECT if connected else LedgerKind.NO_CONNECTION, request.actor.id, waybill, **detail
    )


def _facts(
    known: _Loaded, request: Route, caller: bytes, waybill: bytes | None, now: datetime, *, enrolled: bool
) -> RouteFacts:
    record = known.parcels.records.get(waybill) if waybill else None
    duty = known.parcels.duties.get(waybill) if waybill else None
    courier = None
    if record and duty and duty.courier in known.couriers and is_duty_valid(facts_of(record, duty), now):
        courier = duty.courier
    announced = known.intents.get((waybill, caller)) if waybill else None
    intent = _state(announced, now) if announced else None
    expected = announced is not None and intent == "open" and announced.actor == courier
    return RouteFacts(
        switch=request.actor.id if enrolled else None,
        line=known.lines.get(request.main),
        extension=request.extension,
        live=record is not None
        and record.id in known.parcels.wraps
        and record.state == State.ACTIVE
        and record.delivered is None,
        courier=courier,
        announced=announced.actor if announced else None,
        intent=intent,
        party=not expected and _is_party(known.days(), record, duty, request.caller),
        staff=not expected and caller in known.staff(),
    )


def _state(intent: Intent, now: datetime) -> str:
    """Whether an intent is open, used or expired. One whose end is too far ahead was written by a fast clock: expired."""
    if intent.used is not None:
        return "used"
    return "open" if milliseconds(now) <= intent.expires <= milliseconds(now + INTENT_LIFE) else "expired"


def _is_party(days: Collection[bytes], record: waybills.Record | None, duty: Assignment | None, caller: Plain) -> bool:
    """Whether the caller is the parcel's recipient (or its sender, on a return). Takes the same time without a parcel."""
    phone = canonical(caller.reveal()) or ""
    index = record and (record.sender_index if party_at_door(record, duty) == "sender" else record.recipient_index)
    # an amended order is indexed under the day of its correction
    return is_persons(days, index, phone)
