"""Rows of credentials: hashes only, read anew for each request, so that a revocation is felt by the next one."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor, Role
from masking.vault.engine import among
from masking.vault.schema import credential, person
from masking.world import milliseconds

_VALID = (
    sa.select(credential.c.digest)
    .join(person, person.c.id == credential.c.person)
    .where(
        credential.c.digest.in_(among("digests")),
        person.c.active.is_(True),
        credential.c.expires.is_(None) | (credential.c.expires > sa.bindparam("now")),
    )
)


def add(tx: Connection, actor: str, kind: str, digest: bytes, expires: datetime | None = None) -> None:
    """Store the hash of a new credential."""
    until = milliseconds(expires) if expires else None
    tx.execute(credential.insert().values(digest=digest, person=actor, kind=kind, expires=until))


def valid(tx: Connection, digests: Collection[bytes], now: datetime) -> set[bytes]:
    """Those of these credentials that are somebody's who is enrolled now, and not expired."""
    return set(tx.execute(_VALID, {"digests": list(digests), "now": milliseconds(now)}).scalars())


def holders(tx: Connection, digests: Collection[bytes], now: datetime) -> dict[bytes, Actor]:
    """Whose these credentials are: of people who are enrolled now, and not expired."""
    if not digests:
        return {}
    query = (
        sa.select(credential.c.digest, person.c.id, person.c.tenant, person.c.role, person.c.unit)
        .join(person, person.c.id == credential.c.person)
        .where(
            credential.c.digest.in_(digests),
            person.c.active.is_(True),
            credential.c.expires.is_(None) | (credential.c.expires > milliseconds(now)),
        )
    )
    return {
        row.digest: Actor(id=row.id, tenant=row.tenant, role=Role(row.role), unit=row.unit) for row in tx.execute(query)
    }


def end(tx: Connection, actors: Collection[str]) -> None:
    """End all credentials of these people."""
    tx.execute(credential.delete().where(credential.c.person.in_(actors)))


def sweep(tx: Connection, actor: str, now: datetime) -> None:
    """Forget the expired credentials of somebody who is just getting a new one."""
    tx.execute(credential.delete().where(credential.c.person == actor, credential.c.expires <= milliseconds(now)))
