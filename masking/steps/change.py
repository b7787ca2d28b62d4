"""What a merchant may still do to a checked-out order: ship it, amend it, cancel it.

`Ship` enters the carrier's numbers. A corrected order gets a new waybill key, so that no key opens the old ciphertexts. Once
a label is printed or a parcel scanned, the order is the carrier's, and only `Ship` remains.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access.budget import CORRECTIONS
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.crypto.index import record_of_waybill_id, waybill_id_of
from masking.journal import journal
from masking.journal.batch import Batch
from masking.journal.damaged_records import DAMAGED
from masking.keys.keystore import Destruction, Generation
from masking.redact.view import mask_order
from masking.runtime import World
from masking.store import numbering, sealing
from masking.store.erasing import clear_rows, finish_erasing
from masking.store.reading import to_waybill, view_of
from masking.store.rows import people, slots, waybills
from masking.store.rows.waybills import Record
from masking.store.store import Store, Transaction
from masking.values.plaintext import Order, Problem, number_problems
from masking.values.printable import Refusal, Rejected, Waybill, WaybillId
from masking.values.states import Act, State, state_after
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason
from masking.words.rules import Rule


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Ship:
    """Set the carrier's waybill number and routing code."""

    merchant: Actor
    id: WaybillId
    waybill_number: str
    routing_code: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Amend:
    """Replace the order of a waybill that is still with its merchant. The reference stays the same."""

    merchant: Actor
    id: WaybillId
    order: Order


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Cancel an order that will not be sent. Its data is destroyed at once."""

    merchant: Actor
    id: WaybillId


Change = Ship | Amend | Cancel
CANCELLED = "cancelled"
_KINDS = {Ship: LedgerKind.SHIP, Amend: LedgerKind.AMEND, Cancel: LedgerKind.CANCEL}


def change(world: World, store: Store, requests: Sequence[Change]) -> list[Waybill | Rejected | Refusal]:
    """Make each change, all in one transaction.

    A waybill that belongs to another merchant, was never issued or is destroyed gets the one refusal "unknown". Each change
    is idempotent: repeating it gives the same answer.

    Returns:
        The waybill after its change, or why it was not changed, in order.

    Raises:
        UnavailableError: nothing of this batch is known to be stored.
    """
    now = world.now()
    outcomes: list[Waybill | Rejected | Refusal] = []
    amended: dict[bytes, Generation] = {}
    gone: list[Destruction] = []
    with store.transaction() as tx:
        staff = people.active(tx, {request.merchant.id for request in requests})
        ids = [record_of_waybill_id(request.id) for request in requests]
        waybills.by_id(
            tx, {record_id for record_id in ids if record_id}, lock=True
        )  # all at once, in one order for every batch, so that none deadlocks
        batch = Batch(world, store, tx, now, "change", staff, roles={Role.MERCHANT})
        for request, record_id in zip(requests, ids, strict=True):
            record = waybills.by_id(tx, [record_id]).get(record_id) if record_id else None
            kind, who = _KINDS[type(request)], request.merchant.id
            outcome: Waybill | Rejected | Refusal = UNKNOWN
            if record and batch.may_ask(request.merchant) and _is_its_merchants(request.merchant, record):
                if _is_done(request, record):
                    outcomes.append(_read(tx, record.id))
                    continue
                again = _is_again(request, record) and batch.tallies(staff)[who].try_repeat(CORRECTIONS)
                if record.state != State.DESTROYED:
                    outcome = again or _change(world, store, tx, record, request, now, amended, gone)
            if isinstance(outcome, Waybill):
                journal.append(tx, [store.leaf(world, now, kind, who, record_id)])
            elif isinstance(outcome, Refusal):
                batch.refuse(request.merchant, record.id if record else None, outcome, kind)
            outcomes.append(outcome)
        batch.write()
        store.keys.destroy(gone, now)  # the last thing before the commit: until here, nothing of this had happened
    store.keys.drop_other_generations(amended.values())
    finish_erasing(store, gone, now)
    return outcomes


def _is_done(request: Change, record: Record) -> bool:
    """Whether the waybill already is as requested. Repeating a change writes no leaf."""
    if isinstance(request, Cancel):
        return record.destroy_reason == CANCELLED
    shipped = (record.waybill_number, record.routing_code)
    return (
        isinstance(request, Ship)
        and record.state == State.ACTIVE
        and shipped
        == (
            request.waybill_number,
            request.routing_code,
        )
    )


def _change(
    world: World,
    store: Store,
    tx: Transaction,
    record: Record,
    request: Change,
    now: datetime,
    amended: dict[bytes, Generation],
    gone: list[Destruction],
) -> Waybill | Rejected | Refusal:
    match request:
        case Ship():
            return _ship(world, store, tx, record, request, now)
        case Amend():
            return _amend(world, store, tx, record, request, now, amended)
        case Cancel():
            return _cancel(tx, record, now, gone, request.merchant.id)


def _is_again(request: Change, record: Record) -> bool:
    """Whether the order was changed in the same way before. Such changes could go on for ever."""
    if isinstance(request, Amend):
        return record.generation > 1
    return isinstance(request, Ship) and record.waybill_number is not None


def _ship(
    world: World, store: Store, tx: Transaction, record: Record, request: Ship, now: datetime
) -> Waybill | Rejected | Refusal:
    problems = number_problems(request.waybill_number, request.routing_code)
    if problems:
        return Rejected(reference=record.reference, field=problems[0].field, rule=problems[0].rule)
    if view_of(record) is None:
        return DAMAGED
    given = (request.waybill_number, request.routing_code)
    if record.prints and given != (record.waybill_number, record.routing_code):
        return Refusal(reason=Reason.ALREADY_PRINTED)
    if record.custody and given != (record.waybill_number, record.routing_code):
        return Refusal(reason=Reason.ALREADY_SCANNED)  # the routing code names the outlet that delivers the parcel
    if given[0] != record.waybill_number and not numbering.is_any_allowed(store, tx):
        refused = numbering.not_allotted(world, store, tx, record.merchant, given[0], record.reference, now)
        if refused:
            return refused
    if not waybills.update(tx, record.id, waybill_number=given[0], routing_code=given[1]):
        return numbering.already_used(world, store, tx, record.merchant, given[0], record.reference, now)
    return _read(tx, record.id)


def _amend(
    world: World,
    store: Store,
    tx: Transaction,
    record: Record,
    request: Amend,
    now: datetime,
    amended: dict[bytes, Generation],
) -> Waybill | Rejected | Refusal:
    order = request.order
    problem = sealing.first_problem(order)
    if order.reference != record.reference:
        problem = Problem("reference", Rule.NOT_THE_SAME)
    if problem:
        return Rejected(reference=record.reference, field=problem.field, rule=problem.rule)
    refusal = _still_with_the_merchant(record)
    if refusal:
        return refusal
    if record.id not in amended:  # else a rollback of this batch would need the earlier key
        store.keys.drop_other_generations([record.key])  # what an earlier attempt may have left behind
    generation = Generation(record.id, record.generation + 1)
    [key] = store.keys.add_wraps(record.tenant, [generation], world, now)
    columns, sealed = sealing.seal_order(
        world, store.keys, request.merchant, order, mask_order(order), generation, key, now
    )
    waybills.replace_sealed(tx, record.id, sealed)
    waybills.update(tx, record.id, **columns)
    amended[record.id] = generation
    return _read(tx, record.id)


def _cancel(tx: Transaction, record: Record, now: datetime, gone: list[Destruction], who: str) -> Waybill | Refusal:
    refusal = _still_with_the_merchant(record)
    if refusal is None and waybills.held(tx, [record.id]):
        refusal = Refusal(reason=Reason.HELD)
    if refusal or state_after(State(record.state), Act.CANCEL) is None:
        return refusal or Refusal(reason=Reason.NOT_CANCELLABLE)
    clear_rows(tx, [record.id], CANCELLED, now)
    gone.append(Destruction(record.id, who, CANCELLED))
    return _read(tx, record.id)


def _is_its_merchants(merchant: Actor, record: Record) -> bool:
    return (record.tenant, record.merchant) == (merchant.tenant, merchant.unit)


def _still_with_the_merchant(record: Record) -> Refusal | None:
    if record.prints:
        return Refusal(reason=Reason.ALREADY_PRINTED)
    if record.custody:
        return Refusal(reason=Reason.ALREADY_SCANNED)
    return None if record.state == State.ACTIVE else Refusal(reason=Reason.NOT_ACTIVE)


def _read(tx: Transaction, record_id: bytes) -> Waybill:
    record = waybills.by_id(tx, [record_id])[record_id]
    return to_waybill(record, waybill_id_of(record_id), slots.leases(tx, [record_id]).get(record_id))
