"""The masked view of a parcel for a person with a duty towards it, and the phone match that hands the parcel over.

At a pick-up station the recipient gives their whole phone, and learns whether the parcel is theirs. The phone is compared
under the keys of the person index. No field is opened, and a part of a phone is never enough: the last digits are not a
password here. A view costs nothing of the day's budget and is counted for each duty. Wrong phones are counted for the
waybill, so that another assignment gives no further tries.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import final

from masking.access import duty
from masking.access.budget import Tally
from masking.access.chain import Leg
from masking.access.duty import UNKNOWN
from masking.access.people import Actor
from masking.crypto.index import is_persons
from masking.journal import journal
from masking.journal.batch import Batch, charge_all
from masking.journal.damaged_records import DAMAGED
from masking.redact.phones import canonical
from masking.runtime import World
from masking.store import alarms, parcels
from masking.store.parcels import Code, Parcels
from masking.store.reading import view_of
from masking.store.rows import budgets, custody, waybills
from masking.store.rows.custody import Assignment
from masking.store.store import Store, Transaction
from masking.values.outcomes import MaskedLookup
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

VIEWS = 30
"""The most masked views for one duty: enough for a person, too few for a program that polls."""

MISSES = 3
"""The most wrong phones for one waybill, over all couriers and days. The last one raises an alarm and ends comparing."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """A label code and, at a hand-over, the phone that the person at the counter has said."""

    actor: Actor
    code: str = field(repr=False)
    phone: Plain | None = None


def look(world: World, store: Store, requests: Sequence[Look]) -> list[MaskedLookup | Refusal]:
    """Give the masked view of each parcel, and whether the phone matches; on the ledger before this returns.

    Returns:
        The view or the refusal for each request, in order.

    Raises:
        UnavailableError: nothing is known to be recorded, and nothing is shown.
    """
    now = world.now()
    codes = store.read_codes([request.code for request in requests], world, now)
    days = store.keys.person_keys().values() if any(request.phone for request in requests) else ()
    counted: dict[bytes, Assignment] = {}
    with store.transaction() as tx:
        actors = {request.actor.id for request in requests}
        known, staff, counts = parcels.load_scanned(store, tx, codes, actors)
        tallies = budgets.open_tallies(tx, actors, now, locked=counts, staff=staff)
        matches = [_matches(request, known, code, days) for request, code in zip(requests, codes, strict=True)]

        def decision(place: int, _tally: Tally) -> MaskedLookup | Refusal:
            request, code = requests[place], codes[place]
            refusal = _refusal(request, known, code, now)
            if refusal or code is None:
                return refusal or UNKNOWN
            view = view_of(known.records[code[0]])
            if view is None:
                return DAMAGED
            duty_ = known.duties[code[0]]
            known.duties[code[0]] = counted[code[0]] = duty_._replace(masked_views=duty_.masked_views + 1)
            if matches[place] is False:
                _count_miss(world, tx, known, code[0], request.actor, now)
            detail = {"duty": store.duty(duty_.id, world, now)}
            detail |= {} if matches[place] is None else {"matched": "yes" if matches[place] else "no"}
            journal.append(tx, [store.leaf(world, now, LedgerKind.LOOK, request.actor.id, code[0], **detail)])
            return MaskedLookup(view=view, matches=matches[place])

        with Batch(world, store, tx, now, "look", staff) as batch:
            asked = [(request.actor, code and code[0]) for request, code in zip(requests, codes, strict=True)]
            outcomes = batch.decide(asked, tallies, decision, charge_all)
            custody.record_masked_views(tx, counted.values())
    return outcomes


def _refusal(request: Look, known: Parcels, code: Code | None, now: datetime) -> Refusal | None:
    """Check the duty, then the number of views and wrong phones. A phone is only compared for a delivery."""
    legs: Collection[Leg] = {Leg.DELIVERY} if request.phone else duty.ANY_LEG
    refusal = duty.refusal(request.actor, known.facts(code), legs, now)
    if refusal is None and code:
        open_ = known.duties[code[0]]
        if open_.masked_views >= VIEWS:
            refusal = Refusal(reason=Reason.LOOKED_TOO_OFTEN)
        elif request.phone and known.records[code[0]].misses >= MISSES:
            refusal = Refusal(reason=Reason.SAID_WRONG_TOO_OFTEN)
    return refusal


def _count_miss(world: World, tx: Transaction, known: Parcels, waybill: bytes, actor: Actor, now: datetime) -> None:
    record = known.records[waybill]
    known.records[waybill] = record._replace(misses=record.misses + 1)
    waybills.update(tx, waybill, misses=record.misses + 1)
    if record.misses + 1 == MISSES:
        alarms.raise_alarm(tx, AlarmKind.WRONG_PHONES, actor.id, now, world, at_most_every=timedelta(hours=1))


def _matches(request: Look, known: Parcels, code: Code | None, days: Collection[bytes]) -> bool | None:
    """Whether the given phone is the recipient's, None without a phone. Takes the same time without a parcel."""
    if request.phone is None:
        return None
    record = known.records.get(code[0]) if code else None
    return is_persons(days, record and record.recipient_index, canonical(request.phone.reveal()) or "")
