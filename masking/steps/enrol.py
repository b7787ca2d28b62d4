"""Access of people and programs: a supervisor enrols them and ends their access.

Enrolled people hold duties or ask questions; a supervisor holds no duty. Supervisors and operators are made where the keys
are (`waybill init`), never over the network. One supervisor alone can't change the access of a unit that has people or
orders: a code is valid after a second person has confirmed it, and the owner's device and phone stay valid until the code is
used. The exception is the first login of an empty unit, which gives access to nothing. Revocations and reports of lost
devices end access at once, up to a daily number. All of it is on the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, final

from masking.access import credentials as words
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.journal import journal
from masking.ledger.log import is_name
from masking.redact.phones import canonical
from masking.runtime import World
from masking.store import alarms
from masking.store.rows import budgets, codes, credentials, interventions, people, units
from masking.store.rows.people import Phone
from masking.store.store import Store, Transaction
from masking.values.outcomes import Confirmed, DeviceEnded, Reinstated, Revoked, Unlocked
from masking.values.plaintext import Enrolled, Plain
from masking.values.printable import Refusal, Rejected
from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason
from masking.words.rules import Rule

ROLES = frozenset({Role.MERCHANT, Role.OUTLET, Role.COURIER, Role.SWITCH})
"""The roles that a supervisor may enrol."""

CODES_A_DAY = 50
"""The most enrolments of one supervisor in a day, so that one person can't invent a staff of hundreds in an evening."""

ENDED_A_DAY = 20
"""The most revocations and lost devices of one supervisor in a day: more than a bad day at an outlet has, less than its staff."""

UNLOCKS_A_DAY = 2
"""How often one person may be unlocked in a day. Without this limit a lock would mean nothing."""

SECOND = Refusal(reason=Reason.NEEDS_A_SECOND_SUPERVISOR)
"""The act is recorded, and takes effect when another supervisor requests the same within a day."""

PHONE_DIFFERS = Refusal(reason=Reason.PHONE_DIFFERS)

_HOURLY = timedelta(hours=1)
PERSON_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """A person or program to enrol. `phone` is the verified phone from which a courier makes calls."""

    actor: Actor
    id: str
    role: Role
    unit: str
    phone: Plain | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """A second person's confirmation of an enrolment: the person, unit, role and phone are right."""

    actor: Actor
    id: str
    role: Role
    unit: str
    phone: Plain | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """A person who may not act any more, from the next request on."""

    actor: Actor
    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reinstate:
    """A person who was revoked within the last hour and should not have been."""

    actor: Actor
    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Lost:
    """A person whose device is in other hands. Device and phone become invalid at once."""

    actor: Actor
    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """A person, other than the caller, who is locked after too many refusals and may go on."""

    actor: Actor
    id: str


Intervention = Revoke | Reinstate | Lost | Unlock
Done = Enrolled | Confirmed | Revoked | Reinstated | DeviceEnded | Unlocked
_KINDS = {
    Revoke: LedgerKind.REVOKE,
    Reinstate: LedgerKind.REINSTATE,
    Lost: LedgerKind.LOST,
    Unlock: LedgerKind.UNLOCK,
}


def enrol(
    world: World, store: Store, requests: Sequence[Enrol | Confirm | Intervention]
) -> list[Done | Rejected | Refusal]:
    """Carry out each request about a person's access.

    Returns:
        The outcome of each request, in order. A one-time code is shown only here.

    Raises:
        UnavailableError: nothing of this batch is known to be recorded.
    """
    now = world.now()
    outcomes: list[Done | Rejected | Refusal] = []
    with store.transaction() as tx:
        staff = people.active(tx, {r.actor.id for r in requests} | {r.id for r in requests})
        people.lock(
            tx, {r.actor.id for r in requests if r.actor.role is Role.SUPERVISOR}
        )  # whose acts of the day are counted
        for request in requests:
            actor = request.actor
            if staff.get(actor.id) != actor:
                outcomes.append(UNKNOWN)
            elif isinstance(request, Confirm):
                outcomes.append(_confirm(world, store, tx, request, staff, now))
            elif actor.role is not Role.SUPERVISOR:
                outcomes.append(UNKNOWN)
            elif isinstance(request, Enrol):
                outcomes.append(_problem(request) or _enrol(world, store, tx, request, staff, now))
            else:
                outcomes.append(_intervene(world, store, tx, request, staff, now))
    return outcomes


def new_secret(world: World, tx: Transaction, person: str) -> Plain:
    """A secret for a program that can't sign, made where the keys are; what it held before is invalid."""
    secret = words.make(words.SECRET, world)
    credentials.end(tx, [person])
    credentials.add(tx, person, words.SECRET, words.sure_digest(words.SECRET, secret))
    return secret


def new_code(
    world: World, tx: Transaction, person: str, maker: str, now: datetime, *, phone: Phone | None = None
) -> Enrolled:
    """A code for a person who is enrolled, in place of an earlier one. The device in use stays valid until the code is used."""
    code, until = words.make(words.CODE, world), now + words.CODE_LIFE
    codes.add(tx, person, maker, words.sure_digest(words.CODE, code), now, until, phone=phone)
    return Enrolled(id=person, code=code, until=until)


def _problem(request: Enrol) -> Rejected | None:
    for field in ("id", "unit"):
        text = getattr(request, field)
        if not PERSON_ID.fullmatch(text):
            return Rejected(reference=None, field=field, rule=Rule.ID_MALFORMED)
        if not is_name(text):
            return Rejected(reference=None, field=field, rule=Rule.NINE_DIGITS_IN_A_ROW)
    if request.role not in ROLES:
        return Rejected(reference=None, field="role", rule=Rule.NOT_A_SUPERVISORS_TO_GIVE)
    if request.phone and canonical(request.phone.reveal()) is None:
        return Rejected(reference=None, field="phone", rule=Rule.NOT_A_PHONE)
    return None


def _enrol(
    world: World, store: Store, tx: Transaction, request: Enrol, staff: dict[str, Actor], now: datetime
) -> Enrolled | Refusal:
    if codes.made_today(tx, request.actor.id, now) >= CODES_A_DAY:
        return Refusal(reason=Reason.ENOUGH_FOR_TODAY)
    actor = Actor(id=request.id, tenant=request.actor.tenant, role=request.role, unit=request.unit)
    kind = LedgerKind.ENROL
    if not people.enrol(world, store.keys, tx, actor, now):
        if staff.get(actor.id) != actor:  # the name belongs to another person or unit, or is revoked
            return Refusal(reason=Reason.ID_TAKEN)
        kind = LedgerKind.ENROL_AGAIN
    staff.setdefault(actor.id, actor)
    phone = people.seal_phone(world, store.keys, actor, request.phone, now) if request.phone else None
    enrolled = new_code(world, tx, actor.id, request.actor.id, now, phone=phone)
    if actor.role is Role.MERCHANT and units.is_empty_but_for(tx, actor):
        codes.confirm(tx, words.sure_digest(words.CODE, enrolled.code), request.actor.id)
    about = {"person": actor.id, "role": actor.role.value, "unit": actor.unit}
    about |= people.phone_change(tx, actor.id, phone and phone.known_by)
    journal.append(tx, [store.leaf(world, now, kind, request.actor.id, **about)])
    return enrolled


def _confirm(
    world: World, store: Store, tx: Transaction, request: Confirm, staff: dict[str, Actor], now: datetime
) -> Confirmed | Refusal:
    """Confirm an enrolment; repeating it changes nothing. A caller who may not confirm it gets `unknown`."""
    by, whom = request.actor, staff.get(request.id)
    if whom is None or (whom.tenant, whom.role, whom.unit) != (by.tenant, request.role, request.unit):
        return UNKNOWN
    code = codes.newest(tx, whom.id, now)
    if code is None or not _may_confirm(tx, by, whom, code):
        return UNKNOWN
    if code.confirmed_by is not None:
        return Confirmed(id=whom.id) if code.confirmed_by == by.id else UNKNOWN
    said = people.caller_index(world, store.keys, request.phone, now) if request.phone else b""
    if said != (code.phone_index or b""):
        leaf = store.leaf(world, now, LedgerKind.NO_CONFIRMATION, by.id, person=whom.id, reason=PHONE_DIFFERS.reason)
        journal.append(tx, [leaf])
        alarms.raise_alarm(tx, AlarmKind.PHONE_DIFFERS, by.id, now, world, at_most_every=_HOURLY)
        return PHONE_DIFFERS
    codes.confirm(tx, code.digest, by.id)
    about = {"person": whom.id, "maker": code.maker} | people.phone_change(tx, whom.id, code.phone_index)
    journal.append(tx, [store.leaf(world, now, LedgerKind.CONFIRM, by.id, **about)])
    return Confirmed(id=whom.id)


def _may_confirm(tx: Transaction, by: Actor, whom: Actor, code: Any) -> bool:
    """Whether this person may confirm this code. Its owner and people of its maker's unit may not.

    A second supervisor may, or a person of the newcomer's own unit: a merchant for a merchant, a clerk of the outlet for
    all others. If the unit has no people yet, a clerk of any outlet may.
    """
    if by.id in {code.maker, whom.id} or by.unit == code.unit:
        return False
    if by.role is Role.SUPERVISOR:
        return True
    if whom.role is Role.MERCHANT:
        return by.role is Role.MERCHANT and by.unit == whom.unit
    return by.role is Role.OUTLET and (by.unit == whom.unit or units.is_empty_but_for(tx, whom))


def _intervene(
    world: World, store: Store, tx: Transaction, request: Intervention, staff: dict[str, Actor], now: datetime
) -> Done | Refusal:
    """Carry out a supervisor's act on the access of an enrolled person."""
    if isinstance(request, Reinstate):
        return _reinstate(world, store, tx, request, staff, now)
    whom = staff.get(request.id)
    if whom is None or whom.tenant != request.actor.tenant or whom.id == request.actor.id:
        gone = isinstance(request, Revoke) and is_name(request.id)
        role = people.revoked(tx, request.id, request.actor.tenant) if gone else None
        return Revoked(id=request.id) if role in ROLES else UNKNOWN
    if whom.role not in ROLES and not isinstance(request, Unlock):
        return UNKNOWN
    if isinstance(request, Unlock) and not budgets.is_locked(tx, whom.id, now):
        return Unlocked(id=whom.id)
    if isinstance(request, Lost) and not credentials.is_let_in(tx, whom.id):
        return DeviceEnded(id=whom.id)
    kind = _KINDS[type(request)]
    if not _within_limits(world, store, tx, request, kind, now):
        return SECOND
    interventions.add(world, tx, kind, whom.id, request.actor.id, now)
    journal.append(tx, [store.leaf(world, now, kind, request.actor.id, person=whom.id)])
    if isinstance(request, Unlock):
        budgets.unlock(tx, whom.id)
        return Unlocked(id=whom.id)
    if isinstance(request, Lost):
        people.unbind(tx, [whom.id])
        credentials.end(tx, [whom.id])
        return DeviceEnded(id=whom.id)
    people.revoke(tx, [whom.id])
    credentials.end(tx, [whom.id], kind=words.TOKEN)  # a secret is invalid with its owner, and good again with them
    codes.end(tx, [whom.id], now)
    del staff[whom.id]
    return Revoked(id=whom.id)


def _within_limits(
    world: World, store: Store, tx: Transaction, request: Intervention, kind: str, now: datetime
) -> bool:
    """Whether a supervisor may do this alone or is the second one to request it. Otherwise the request is recorded."""
    by = request.actor.id
    if isinstance(request, Unlock):
        done, limit = interventions.done_today(tx, {kind}, now, person=request.id), UNLOCKS_A_DAY
    else:
        done, limit = interventions.done_today(tx, {"revoke", "lost"}, now, supervisor=by), ENDED_A_DAY
        if done + 1 >= limit:
            alarms.raise_alarm(tx, AlarmKind.MANY_REVOCATIONS, by, now, world, at_most_every=_HOURLY)
    asked = interventions.askers(tx, kind, request.id, now)
    if done < limit or asked - {by}:
        return True
    if by not in asked:
        interventions.add(world, tx, kind, request.id, by, now, done=False)
        leaf = store.leaf(world, now, LedgerKind.ASKED, by, person=request.id, step=kind, reason=SECOND.reason)
        journal.append(tx, [leaf])
    return False


def _reinstate(
    world: World, store: Store, tx: Transaction, request: Reinstate, staff: dict[str, Actor], now: datetime
) -> Reinstated | Refusal:
    """Take a revocation back. Since that gives access, an alarm names the supervisor."""
    by = request.actor
    if not is_name(request.id) or not interventions.is_reversible(tx, request.id, now):
        return UNKNOWN
    if people.revoked(tx, request.id, by.tenant) is None:
        found = staff.get(request.id)
        return Reinstated(id=request.id) if found and found.tenant == by.tenant else UNKNOWN
    staff[request.id] = people.reinstate(tx, request.id)
    journal.append(tx, [store.leaf(world, now, LedgerKind.REINSTATE, by.id, person=request.id)])
    alarms.raise_alarm(tx, AlarmKind.REVOCATION_REVERSED, by.id, now, world, at_most_every=_HOURLY)
    return Reinstated(id=request.id)
