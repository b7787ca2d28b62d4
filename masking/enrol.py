"""Beside the path: a supervisor enrols the people and programs that act, and revokes them.

Whom a supervisor enrols holds duties or asks questions; the supervisor holds none. Supervisors and operators are made
where the keys are (`waybill init`), never over the network. An enrolment gives a one-time code, which is good once
somebody of another unit has confirmed it. Enrolling somebody again, as they are, ends what they held: the way back in
after a lost device, and their duties stay theirs. All of it is on the ledger.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import final

from masking.access import credentials as words
from masking.access.duty import UNKNOWN
from masking.access.people import Actor, Role
from masking.ledger.log import is_name
from masking.order import Enrolled, Plain
from masking.reasons import Reason
from masking.redact.phones import canonical
from masking.rules import Rule
from masking.vault import budgets, codes, credentials, journal, people
from masking.vault.store import Store, Transaction
from masking.waybill import Confirmed, Refusal, Rejected, Revoked, Unlocked
from masking.world import World

ROLES = frozenset({Role.MERCHANT, Role.OUTLET, Role.COURIER, Role.SWITCH})
"""Whom a supervisor may enrol."""

CODES_A_DAY = 50
"""Enrolments of one supervisor in a day: a made-up staff of hundreds takes more than one evening and one person."""

CONFIRMERS = frozenset({Role.SUPERVISOR, Role.OUTLET})
"""Who may vouch for an enrolment that somebody of another unit makes."""

UNCONFIRMED = frozenset({Role.MERCHANT})
"""Whose enrolment needs no second person: they see nothing but what they brought themselves."""

_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Enrol:
    """Somebody to enrol; `phone` is the verified one from which a courier makes calls."""

    actor: Actor
    id: str
    role: Role
    unit: str
    phone: Plain | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Confirm:
    """An enrolment that a second person vouches for: that this is who it says, there and in that role."""

    actor: Actor
    id: str
    role: Role
    unit: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Somebody who must not act any more, from the next request on."""

    actor: Actor
    id: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Unlock:
    """Somebody who was refused too often, and may go on: another than who says so."""

    actor: Actor
    id: str


def enrol(
    world: World, store: Store, requests: Sequence[Enrol | Confirm | Revoke | Unlock]
) -> list[Enrolled | Confirmed | Revoked | Unlocked | Rejected | Refusal]:
    """What became of each request; same order as asked. A code in it is shown this once.

    Raises:
        UnavailableError: nothing of this batch is known to be recorded.
    """
    now = world.now()
    outcomes: list[Enrolled | Confirmed | Revoked | Unlocked | Rejected | Refusal] = []
    with store.transaction() as tx:
        staff = people.active(tx, {r.actor.id for r in requests} | {r.id for r in requests})
        for request in requests:
            actor = request.actor
            if staff.get(actor.id) != actor:
                outcomes.append(UNKNOWN)
            elif isinstance(request, Confirm):
                outcomes.append(_confirm(world, store, tx, request, staff, now))
            elif actor.role is not Role.SUPERVISOR:
                outcomes.append(UNKNOWN)
            elif isinstance(request, Revoke):
                outcomes.append(_revoke(world, store, tx, request, staff, now))
            elif isinstance(request, Unlock):
                outcomes.append(_unlock(world, store, tx, request, staff, now))
            else:
                outcomes.append(_problem(request) or _enrol(world, store, tx, request, staff, now))
    return outcomes


def new_secret(world: World, tx: Transaction, person: str) -> Plain:
    """A secret for a program that can't sign, made where the keys are; what it held before is good for nothing any more."""
    secret = words.make(words.SECRET, world)
    credentials.end(tx, [person])
    credentials.add(tx, person, words.SECRET, words.sure_digest(words.SECRET, secret))
    return secret


def new_code(world: World, tx: Transaction, person: str, maker: str, now: datetime) -> Enrolled:
    """A code for somebody who is enrolled; what they held before, their device too, is good for nothing any more."""
    code, until = words.make(words.CODE, world), now + words.CODE_LIFE
    people.unbind(tx, [person])  # first: whoever is just getting a token for that device is waited for
    credentials.end(tx, [person])
    codes.add(tx, person, maker, words.sure_digest(words.CODE, code), now, until)
    return Enrolled(id=person, code=code, until=until)


def _problem(request: Enrol) -> Rejected | None:
    for field in ("id", "unit"):
        text = getattr(request, field)
        if not _NAME.fullmatch(text):
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
    kind = "enrol"
    if not people.enrol(world, store.keys, tx, actor, now, phone=request.phone):
        if staff.get(actor.id) != actor:  # somebody else's, of another unit, or revoked for good
            return Refusal(reason=Reason.ID_TAKEN)
        kind = "enrol-again"
        if request.phone:
            people.set_phone(world, store.keys, tx, actor, request.phone, now)
    staff[actor.id] = actor
    enrolled = new_code(world, tx, actor.id, request.actor.id, now)
    if actor.role in UNCONFIRMED:
        codes.confirm(tx, words.sure_digest(words.CODE, enrolled.code), request.actor.id)
    leaf = store.leaf(world, now, kind, request.actor.id, person=actor.id, role=actor.role.value, unit=actor.unit)
    journal.append(tx, [leaf])
    return enrolled


def _confirm(
    world: World, store: Store, tx: Transaction, request: Confirm, staff: dict[str, Actor], now: datetime
) -> Confirmed | Refusal:
    """A second person's word, who may say it again; refused like somebody unknown where that is no second person."""
    by, whom = request.actor, staff.get(request.id)
    if by.role not in CONFIRMERS or whom is None:
        return UNKNOWN
    if (whom.tenant, whom.role, whom.unit) != (by.tenant, request.role, request.unit):
        return UNKNOWN
    code = codes.newest(tx, whom.id, now)
    if code is None or by.id in {code.maker, whom.id} or by.unit == code.unit:
        return UNKNOWN
    if code.confirmed_by is None:
        codes.confirm(tx, code.digest, by.id)
        journal.append(tx, [store.leaf(world, now, "confirm", by.id, person=whom.id, maker=code.maker)])
    elif code.confirmed_by != by.id:
        return UNKNOWN
    return Confirmed(id=whom.id)


def _revoke(
    world: World, store: Store, tx: Transaction, request: Revoke, staff: dict[str, Actor], now: datetime
) -> Revoked | Refusal:
    found = staff.get(request.id)
    if found is None or found.tenant != request.actor.tenant or found.role not in ROLES:
        gone = is_name(request.id) and people.is_revoked(tx, request.id, request.actor.tenant)
        return Revoked(id=request.id) if gone else UNKNOWN
    people.revoke(tx, [found.id])
    credentials.end(tx, [found.id])
    codes.end(tx, [found.id], now)
    del staff[found.id]
    journal.append(tx, [store.leaf(world, now, "revoke", request.actor.id, person=found.id)])
    return Revoked(id=found.id)


def _unlock(
    world: World, store: Store, tx: Transaction, request: Unlock, staff: dict[str, Actor], now: datetime
) -> Unlocked | Refusal:
    found = staff.get(request.id)
    if found is None or found.tenant != request.actor.tenant or found.id == request.actor.id:
        return UNKNOWN
    budgets.unlock(tx, found.id)
    journal.append(tx, [store.leaf(world, now, "unlock", request.actor.id, person=found.id)])
    return Unlocked(id=found.id)
