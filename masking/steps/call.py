"""Step 6: a call that reaches the other side of a parcel, while neither side sees the other's number.

A courier with a duty announces the call (`Call`). That creates an intent for this parcel and the courier's verified number,
valid for two minutes and one use. The switch asks which phone a dialled number connects to (`Route`), and the caller's number
selects the intent. Without an intent, only a recipient who calls back is connected, or the sender if the parcel returns.
All other callers get a refusal that reveals nothing; the ledger holds the true reason (`masking.numbers.routing`).
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import NamedTuple, final

from masking.access.budget import Tally
from masking.access.duty import RULES, UNKNOWN, Purpose, decide, stands
from masking.access.people import Actor, Role
from masking.crypto.index import is_persons
from masking.journal import journal
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.ledger.log import Leaf
from masking.numbers.pool import Line
from masking.numbers.provider import PROVIDER
from masking.numbers.routing import CALL_BACK, CONNECT, RouteFacts, decide_route, public_reason
from masking.redact.phones import canonical
from masking.runtime import World, milliseconds
from masking.store import leasing, parcels, phones
from masking.store.parcels import Code, Parcels, facts_of, party
from masking.store.rows import budgets, calls, people, slots, waybills
from masking.store.rows.calls import Intent
from masking.store.rows.custody import Assignment
from masking.store.store import Store, Transaction
from masking.values.outcomes import Dial
from masking.values.plaintext import Announced, Connect, Plain
from masking.values.printable import Refusal
from masking.values.states import State
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

INTENT_LIFE = timedelta(seconds=120)

MISSED = timedelta(hours=2)
"""How long after an unanswered call a call-back is noted for the courier."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A courier's request to call the recipient of the parcel with this label code, or the sender if the parcel returns."""

    actor: Actor
    code: str = field(repr=False)


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


def call(world: World, store: Store, requests: Sequence[Call | Route]) -> list[Dial | Connect | Refusal]:
    """Announce calls and route dialled numbers; each decision is on the ledger before this returns.

    Returns:
        A number to dial, a connection, or a refusal for each request, in order.

    Raises:
        UnavailableError: nothing is known to be recorded, and nothing is revealed.
    """
    return [each for each in announce(world, store, requests, bind=False) if not isinstance(each, Announced)]


def announce(
    world: World, store: Store, requests: Sequence[Call | Route], *, bind: bool
) -> list[Dial | Announced | Connect | Refusal]:
    """As `call`. With `bind`, an announced call's outcome is what a provider needs to connect it."""
    now = world.now()
    with store.transaction() as tx:
        staff = people.active(tx, {request.actor.id for request in requests})
        announcements = [(n, r) for n, r in enumerate(requests) if isinstance(r, Call)]
        routes = [(n, r) for n, r in enumerate(requests) if isinstance(r, Route)]
        codes = store.read_codes([request.code for _, request in announcements], world, now)
        held = slots.holders(tx, {(r.main, r.extension) for _, r in routes}, now)
        wanted = {code[0] for code in codes if code} | set(held.values())
        records = waybills.by_id(tx, wanted, lock=True)  # all before any budget
        dialling, dialled = [r for _, r in announcements], [r for _, r in routes]
        announced = _announce(world, store, tx, dialling, codes, staff, now, bind=bind) if dialling else []
        connected = _connect(world, store, tx, dialled, held, records, staff, now) if dialled else []
    outcomes: dict[int, Dial | Announced | Connect | Refusal] = {}
    outcomes |= dict(zip([n for n, _ in announcements], announced, strict=True))
    outcomes |= dict(zip([n for n, _ in routes], connected, strict=True))
    return [outcomes[n] for n in range(len(requests))]


def _announce(
    world: World,
    store: Store,
    tx: Transaction,
    requests: Sequence[Call],
    codes: Sequence[Code | None],
    staff: dict[str, Actor],
    now: datetime,
    *,
    bind: bool,
) -> list[Dial | Announced | Refusal]:
    """Write an intent for each call whose courier has a duty towards the parcel."""
    ids = {code[0] for code in codes if code}
    known = parcels.of_ids(store, tx, ids)
    numbers = slots.leases(tx, ids)
    actors = {request.actor.id for request in requests}
    callers = people.phone_indexes(tx, actors)
    tallies = budgets.open_tallies(tx, actors, now, staff=staff, hours=store.settings.opening)

    def decision(place: int, tally: Tally) -> Dial | Announced | Refusal:
        actor, code = requests[place].actor, codes[place]
        verdict = decide(actor, known.facts(code), Purpose.CALL, now)
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


def _connect(
    world: World,
    store: Store,
    tx: Transaction,
    requests: Sequence[Route],
    held: Mapping[tuple[str, str], bytes],
    records: dict[bytes, waybills.Record],
    staff: dict[str, Actor],
    now: datetime,
) -> list[Connect | Refusal]:
    """Decide which phone each dialled number connects to, and use up the intent that allows it."""
    # an announcement needs a number, so a caller without one is a stranger
    indexes = [people.caller_index(world, store.keys, request.caller, now) or b"" for request in requests]
    of = parcels.of_records(store, tx, set(held.values()), records)
    known = _Loaded(
        lines=slots.lines(tx, {request.main for request in requests}),
        held=held,
        parcels=of,
        intents=calls.recent(tx, of.records, now),
        couriers=people.reachable(tx, {duty.courier for duty in of.duties.values()}),
        staff=cache(lambda: people.couriers_at(tx, indexes)),  # queries that an announced call does not need
        days=cache(lambda: store.keys.person_keys().values()),
    )
    refused = Batch(world, store, tx, now, "route", staff, roles={Role.SWITCH})
    leaves: list[Leaf] = []
    rung: list[Intent | None] = []
    judged: list[RouteFacts] = []
    for request, caller in zip(requests, indexes, strict=True):
        enrolled = refused.may_ask(request.actor)
        waybill = held.get((request.main, request.extension))
        dialled = _facts(known, request, caller, waybill, now, enrolled=enrolled)
        rung.append(_ring(world, known, request, caller, waybill, dialled, now))
        judged.append(dialled)
        if enrolled and waybill:
            leaves.append(_leaf(world, store, request, waybill, dialled, now))
        else:
            refused.refuse(request.actor, None, Refusal(reason=public_reason(decide_route(dialled), dialled)))
        if waybill and decide_route(dialled) == "stranger":
            calls.note_call_back(tx, waybill, now, within=MISSED)
    verdicts = [decide_route(dialled) for dialled in judged]
    theirs = {call.waybill for call, verdict in zip(rung, verdicts, strict=True) if call and verdict == CONNECT}
    opened = phones.of_parcels(store, tx, of, theirs)
    connected: dict[str, list[Intent]] = {CONNECT: [], CALL_BACK: []}
    outcomes: list[Connect | Refusal] = []
    for request, call, verdict, dialled in zip(requests, rung, verdicts, judged, strict=True):
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
    calls.use(tx, connected[CONNECT])
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
    if record and duty and duty.courier in known.couriers and stands(facts_of(record, duty), now):
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
    index = record and (record.sender_index if party(record, duty) == "sender" else record.recipient_index)
    # an amended order is indexed under the day of its correction
    return is_persons(days, index, phone)
