"""Step 5: a courier scans a label and sees what the next step of this parcel needs.

The label code proves sight of the label. The duty comes from another person's assignment. The purpose decides the fields,
and the budget bounds their number. The leaf of each grant and refusal is committed before anything is revealed. A forged
code, a destroyed parcel and another courier's parcel get the same refusal.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple, final

from masking.access.budget import Tally, midnight
from masking.access.duty import DUTY_LASTS, UNKNOWN, Purpose, fields_or_refusal
from masking.access.people import Actor
from masking.crypto.seal import open_fields
from masking.database import hot_sql
from masking.errors import IntegrityError, UnavailableError
from masking.journal.batch import Batch, charge_all
from masking.journal.damaged_records import DAMAGED, record_findings
from masking.ledger.log import Leaf
from masking.redact.identifiers import door_codes
from masking.redact.names import surname
from masking.runtime import World, moment
from masking.store import parcels
from masking.store.rows import budgets, waybills
from masking.store.rows.custody import Assignment
from masking.store.store import Store
from masking.values.plaintext import Grant, Plain
from masking.values.printable import Refusal
from masking.words.ledger_kinds import LedgerKind

DERIVED: dict[str, tuple[str, Callable[[str], str]]] = {
    "recipient.surname": ("recipient.name", surname),
    "recipient.door_code": ("remark", door_codes),
}
"""Fields that are a part of a sealed one: that one, and the function that finds the part. An empty part is left out."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Resolve:
    """One label code, as scanned, and the purpose."""

    actor: Actor
    code: str = field(repr=False)
    purpose: Purpose


class _Opening(NamedTuple):
    """A decided grant that is not committed yet."""

    record: waybills.Record
    duty: Assignment
    names: tuple[str, ...]
    leaf: Leaf
    remaining: int


def resolve(world: World, store: Store, requests: Sequence[Resolve]) -> list[Grant | Refusal]:
    """Open the fields that each scan's next step needs; each decision is on the ledger before this returns.

    Scans are decided in sequence against the batch's running counts, so two of them can't both use the last unit of a budget.

    Returns:
        A grant or a refusal for each code, in order.

    Raises:
        UnavailableError: nothing is known to be recorded, and nothing is revealed.
    """
    now = world.now()
    codes = store.read_codes([request.code for request in requests], world, now)
    leaves: list[Leaf] = []
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        known, staff, counts = parcels.load_scanned(store, tx, codes, actors)
        asking = Counter(request.actor.id for request, code in zip(requests, codes, strict=True) if code)
        hours = store.settings.opening
        tallies = budgets.open_tallies(tx, actors, now, locked=counts, staff=staff, spending=asking, hours=hours)

        def decision(place: int, tally: Tally) -> _Opening | Refusal:
            request, code = requests[place], codes[place]
            names = fields_or_refusal(request.actor, known.facts(code), request.purpose, now)
            if isinstance(names, Refusal) or code is None:
                return names if isinstance(names, Refusal) else UNKNOWN
            duty = known.duties[code[0]]
            refusal = tally.try_open(duty.counted_duty)
            if refusal:
                return refusal
            why = {"purpose": request.purpose.value, "duty": store.duty(duty.id, world, now)}
            leaf = store.leaf(world, now, LedgerKind.GRANT, request.actor.id, code[0], **why)
            leaves.append(leaf)
            return _Opening(known.records[code[0]], duty, names, leaf, tally.remaining)

        with Batch(world, store, tx, now, "resolve", staff) as batch:
            asked = [(request.actor, code and code[0]) for request, code in zip(requests, codes, strict=True)]
            decided = batch.decide(asked, tallies, decision, charge_all)
            openings = [opening for opening in decided if isinstance(opening, _Opening)]
            fields = {_sealed_name(name) for opening in openings for name in opening.names}
            with hot_sql.pipeline(tx):
                sealed = waybills.sealed_fields(tx, {opening.record.id for opening in openings}, sorted(fields))
                batch.write(leaves)
    # Committed: only from here on may anything be opened.
    tonight = moment(midnight(now)) + timedelta(days=1)
    answers: list[Grant | Refusal] = []
    damaged: list[_Opening] = []
    for each in decided:
        if isinstance(each, Refusal):
            answers.append(each)
            continue
        try:
            answers.append(_open(store, known, each, sealed, tonight))
        except IntegrityError:  # only this one fails; the others of the batch are on the ledger and are answered
            damaged.append(each)
            answers.append(DAMAGED)
    if damaged:
        with suppress(UnavailableError), store.transaction() as tx:
            record_findings(
                world, store, tx, [(each.leaf.actor, each.record.id) for each in damaged], now, step="resolve"
            )
    return answers


def _sealed_name(name: str) -> str:
    return DERIVED[name][0] if name in DERIVED else name


def _open(
    store: Store,
    known: parcels.Parcels,
    opening: _Opening,
    sealed: Mapping[bytes, Mapping[str, bytes]],
    tonight: datetime,
) -> Grant:
    record, found = opening.record, sealed.get(opening.record.id, {})
    wanted = {_sealed_name(name) for name in opening.names}
    if not wanted <= found.keys():
        raise IntegrityError("a waybill has no sealed fields")
    key = store.keys.unwrap(known.wraps[record.id])
    plain = open_fields(key, record.tenant, record.id, {name: found[name] for name in wanted})
    fields = {name: value for name in opening.names if (value := _field(name, plain)) is not None}
    until = min(tonight, moment(opening.duty.at) + DUTY_LASTS)
    return Grant(fields=fields, view_ref=view_ref(opening.leaf), valid_until=until, remaining=opening.remaining)


def _field(name: str, plain: Mapping[str, Plain]) -> Plain | None:
    """A field that is granted, None for a part that is not there."""
    if name not in DERIVED:
        return plain[name]
    sealed_name, part = DERIVED[name]
    found = part(plain[sealed_name].reveal())
    return Plain(found) if found else None


def view_ref(leaf: Leaf) -> str:
    """Six hex digits of a grant's leaf id, for drawing over the view: enough to find it among one actor's day."""
    return leaf.id[-3:].hex().upper()
