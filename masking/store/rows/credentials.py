"""Rows of credentials, as hashes, and of used proofs.

Credentials are read for each request, so that a revocation takes effect with the next one. A proof whose row exists already
is a replay, in any worker.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache, partial
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Connection

from masking.access.people import Actor
from masking.access.proof import Proof
from masking.database import hot_sql
from masking.database.engine import in_list
from masking.database.schema import credential, person, proof
from masking.keys import ended_access
from masking.runtime import milliseconds
from masking.store import row_macs
from masking.store.rows.people import actor_of

_LIVE = (
    credential.c.digest.in_(in_list("digests")),
    person.c.active.is_(True),
    credential.c.expires.is_(None) | (credential.c.expires > sa.bindparam("now")),
)
_VALID = sa.select(credential).join(person, person.c.id == credential.c.person).where(*_LIVE)
_OWN, _KEY = len(credential.columns), credential.columns.keys().index("key")
_HELD = sa.select(*credential.columns, *person.columns).join(person, person.c.id == credential.c.person).where(*_LIVE)


_USE = postgresql.insert(proof).on_conflict_do_nothing().returning(proof.c.id)


class TokenHolder(NamedTuple):
    """A credential's actor, and the thumbprint of the key it is bound to, or None if it needs no proof."""

    actor: Actor
    key: bytes | None


def add(
    tx: Connection, actor: str, kind: str, digest: bytes, expires: datetime | None = None, *, key: bytes | None = None
) -> None:
    """Store the hash of a new credential, bound to the key with this thumbprint if one is given."""
    until = milliseconds(expires) if expires else None
    row = {"digest": digest, "person": actor, "kind": kind, "expires": until, "key": key}
    tx.execute(credential.insert().values(row_macs.with_mac(tx, credential, row)))


def check(
    tx: Connection, digests: Collection[bytes], proofs: Collection[Proof], now: datetime
) -> tuple[Collection[bytes], set[bytes]]:
    """The digests of valid credentials of enrolled people, and the proofs that `use` newly used up."""
    # the MAC of the person's row is checked by each step, and in `holders`
    is_valid = partial(row_macs.of(tx).holds, credential)
    given: dict[str, Any] = {"digests": list(digests), "now": milliseconds(now)}
    with hot_sql.pipeline(tx):
        valid = hot_sql.by_key(tx, lambda row: (row[0], None), _VALID, keep=is_valid, **given)
        used = use(tx, proofs)
    return valid.keys(), used


def holders(tx: Connection, digests: Collection[bytes], now: datetime) -> dict[bytes, TokenHolder]:
    """The actors of these credentials, by digest. Expired ones and those of people who are not enrolled are left out."""
    if not digests:
        return {}
    macs, held = row_macs.of(tx), {}
    for row in tx.execute(_HELD, {"digests": list(digests), "now": milliseconds(now)}):
        own, who = row[:_OWN], row[_OWN:]
        if macs.holds(credential, own) and macs.holds(person, who):
            held[own[0]] = TokenHolder(actor_of(who), own[_KEY])
    return held


def is_let_in(tx: Connection, id_: str) -> bool:
    """Whether a person has a device or a credential."""
    device = sa.select(person.c.id).where(person.c.id == id_, person.c.device.is_not(None))
    held = sa.select(credential.c.digest).where(credential.c.person == id_)
    return bool(tx.execute(sa.select(sa.or_(device.exists(), held.exists()))).scalar_one())


def end(tx: Connection, actors: Collection[str], *, kind: str | None = None) -> None:
    """Delete all credentials of these people, or those of one kind."""
    of_kind = (credential.c.kind == kind,) if kind else ()
    gone = credential.delete().where(credential.c.person.in_(actors), *of_kind)
    rows = tx.execute(gone.returning(credential.c.digest, credential.c.expires))
    ended_access.add(
        row_macs.of(tx).keys, [ended_access.credential(digest) for digest, expires in rows if expires is None]
    )


def sweep(tx: Connection, actor: str, now: datetime) -> None:
    """Delete the expired credentials of an actor."""
    tx.execute(credential.delete().where(credential.c.person == actor, credential.c.expires <= milliseconds(now)))


def use(tx: Connection, proofs: Collection[Proof]) -> set[bytes]:
    """Use up these proofs in one statement. Returns the `use` of each that was not used before."""
    used: set[bytes] = set()
    rows = sorted({each.use: each.until for each in proofs}.items())  # sorted, so that workers can't deadlock

    def take(found: Sequence[tuple[bytes]]) -> None:
        used.update(id_ for (id_,) in found)

    if tx.dialect.name == "postgresql":
        hot_sql.write(tx, _USE, [{"id": id_, "until": until} for id_, until in rows], take=take)
    elif rows:
        hot_sql.run(tx, _use(len(rows)), list(chain.from_iterable(rows)), take=take)
    return used


@cache
def _use(many: int) -> str:
    """SQL as text: building this statement from expressions takes several times as long."""
    rows = ", ".join(["(?, ?)"] * many)
    return f"INSERT INTO proof (id, until) VALUES {rows} ON CONFLICT DO NOTHING RETURNING id"  # noqa: S608  signs only


def forget_proofs(tx: Connection, now: datetime) -> int:
    """Delete used proofs that have expired, and are therefore refused anyway. Returns how many."""
    return tx.execute(proof.delete().where(proof.c.until < int(now.timestamp()))).rowcount
