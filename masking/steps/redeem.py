"""A device proves its key and gets a token for an hour. The first time it also shows a one-time code.

The input is a proof of possession, a code, or (for programs that can't sign) a secret. The output is a token bound to the
proof's key. A confirmed code makes that key its person's only device, in place of an earlier one, and puts the phone into
force that was confirmed with it. Couriers get tokens within their shift only. Failed authentication is not written to the
ledger, and every failure gets the same refusal.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, final

from masking.access import credentials as words
from masking.access.people import Actor, KeyProtection, Role
from masking.access.proof import Proof
from masking.journal import journal
from masking.runtime import World
from masking.store.rows import codes, credentials, people
from masking.store.rows.codes import Spent
from masking.store.store import Store, Transaction
from masking.values.plaintext import Plain
from masking.values.printable import Refusal
from masking.words.ledger_kinds import LedgerKind
from masking.words.reasons import Reason

REPLAYED = Refusal(reason=Reason.REPLAYED)
UNAUTHENTICATED = Refusal(reason=Reason.UNAUTHENTICATED)
"""The one refusal for every failed authentication."""

NO_SHIFT = Refusal(reason=Reason.NO_SHIFT)
OTHERS_DEVICE = Refusal(reason=Reason.DEVICE_OF_ANOTHER_PERSON)


class Attest(Protocol):
    """A check of a device's attestation: how well the key with this thumbprint is protected."""

    def __call__(self, statement: str | None, key: bytes) -> KeyProtection:
        """The key's protection; never raises."""
        ...


def software(statement: str | None, key: bytes) -> KeyProtection:  # noqa: ARG001  the port's shape
    """Attest nothing: each key may be a file that can be copied."""
    return KeyProtection.SOFTWARE


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Redeem:
    """A caller's credentials: a code or a secret in `shown`, a proof of the device's key, or both."""

    shown: Plain | None = None
    proof: Proof | None = None
    statement: str | None = None


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Issued:
    """A fresh token, bound to the proof's key if there is one. `secret`, for a program that can't sign, is shown once."""

    actor: Actor
    token: Plain
    expires: datetime
    secret: Plain | None = None


def redeem(
    world: World,
    store: Store,
    requests: Sequence[Redeem],
    *,
    bearer: frozenset[Role] = frozenset(),
    attest: Attest = software,
) -> list[Issued | Refusal]:
    """Issue a token for each request whose credentials are valid. `bearer` roles may use a token without a device.

    Returns:
        A token or a refusal for each request, in order.

    Raises:
        UnavailableError: no token of this batch is known to be stored.
    """
    now = world.now()
    levels = [
        attest(request.statement, request.proof.key) if request.proof else KeyProtection.NONE for request in requests
    ]
    with store.transaction() as tx:
        return [
            _device(world, store, tx, request.shown, request.proof, level, now)
            if request.proof
            else _program(world, store, tx, request.shown, bearer, now)
            for request, level in zip(requests, levels, strict=True)
        ]


def _device(
    world: World, store: Store, tx: Transaction, shown: Plain | None, proof: Proof, level: KeyProtection, now: datetime
) -> Issued | Refusal:
    """A token for the owner of this device. A code binds the device first. A failure writes nothing."""
    digest, key = words.digest(words.CODE, shown.reveal()) if shown else None, proof.key
    spent = codes.use_up(tx, digest, now) if digest else None
    if digest and spent:
        if not people.bind(tx, spent.person, key, level):
            codes.restore(tx, digest)
            return OTHERS_DEVICE
        _admit(world, store, tx, LedgerKind.DEVICE, digest, spent, now, level=level.value)
    actor = people.with_device(tx, key)  # also if this key has used the code before and the answer was lost
    if actor is None:
        return UNAUTHENTICATED
    return _issue(world, tx, actor, key, now) if credentials.use(tx, [proof]) else REPLAYED


def _program(
    world: World, store: Store, tx: Transaction, shown: Plain | None, bearer: frozenset[Role], now: datetime
) -> Issued | Refusal:
    """A token for a program that can't sign. A code gives it a secret, which it exchanges for tokens from then on."""
    text = shown.reveal() if shown else ""
    code, digest = words.digest(words.CODE, text), words.digest(words.SECRET, text)
    if code:
        holder = codes.holder(tx, code, now)
        spent = codes.use_up(tx, code, now) if holder and holder.role in bearer else None
        if holder is None or spent is None:
            return UNAUTHENTICATED
        secret = words.make(words.SECRET, world)
        people.unbind(tx, [holder.id])
        _admit(world, store, tx, LedgerKind.SECRET, code, spent, now)
        credentials.add(tx, holder.id, words.SECRET, words.sure_digest(words.SECRET, secret))
        return _issue(world, tx, holder, None, now, secret)
    held = credentials.holders(tx, {digest}, now).get(digest) if digest else None
    return _issue(world, tx, held.actor, None, now) if held and held.actor.role in bearer else UNAUTHENTICATED


def _admit(
    world: World,
    store: Store,
    tx: Transaction,
    kind: LedgerKind,
    digest: bytes,
    spent: Spent,
    now: datetime,
    **detail: str,
) -> None:
    """End a person's earlier credentials, put the code's phone into force, and record both on the ledger."""
    credentials.end(tx, [spent.person])
    if spent.phone:
        detail |= people.phone_change(tx, spent.person, spent.phone.known_by)
        people.set_phone(tx, spent.person, spent.phone)
        codes.forget_phone(tx, digest)
    journal.append(tx, [store.leaf(world, now, kind, spent.person, person=spent.person, **detail)])


def _issue(
    world: World, tx: Transaction, actor: Actor, key: bytes | None, now: datetime, secret: Plain | None = None
) -> Issued | Refusal:
    until = now + words.TOKEN_LIFE
    if actor.role is Role.COURIER:
        shift = people.shift_of(tx, actor.id)
        if shift is None or shift <= now:
            return NO_SHIFT
        until = min(until, shift)
    token = words.make(words.TOKEN, world)
    credentials.sweep(tx, actor.id, now)
    credentials.add(tx, actor.id, words.TOKEN, words.sure_digest(words.TOKEN, token), until, key=key)
    return Issued(actor=actor, token=token, expires=until, secret=secret)
