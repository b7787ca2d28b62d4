"""Rows of one-time codes: hashes of what lets a device in, who made each, and who confirmed it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor
from masking.vault.people import ACTOR, actor_of
from masking.vault.schema import code, person
from masking.world import CHINA, milliseconds

KEPT = timedelta(days=2)
"""Longer than the day in which they count against their maker."""


def add(tx: Connection, who: str, maker: str, digest: bytes, now: datetime, until: datetime) -> None:
    """Store the hash of a new code; an older one of the same person is good for nothing from now on."""
    tx.execute(
        code.update().where(code.c.person == who, code.c.until > milliseconds(now)).values(until=milliseconds(now))
    )
    made = {"digest": digest, "person": who, "maker": maker, "at": milliseconds(now), "until": milliseconds(until)}
    tx.execute(code.insert().values(made))


def made_today(tx: Connection, maker: str, now: datetime) -> int:
    """How many codes this supervisor has made today; other transactions of theirs wait until this one ends."""
    tx.execute(sa.select(person.c.id).where(person.c.id == maker).with_for_update())
    midnight = now.astimezone(CHINA).replace(hour=0, minute=0, second=0, microsecond=0)
    query = sa.select(sa.func.count()).where(code.c.maker == maker, code.c.at >= milliseconds(midnight))
    return tx.execute(query).scalar_one()


def newest(tx: Connection, who: str, now: datetime) -> Any | None:
    """The one code of somebody that is not over: its digest, maker, maker's unit, and who has confirmed it, if anybody."""
    by = person.alias()
    query = (
        sa.select(code.c.digest, code.c.maker, by.c.unit.label("unit"), code.c.confirmed_by)
        .join(by, by.c.id == code.c.maker)
        .where(code.c.person == who, code.c.until > milliseconds(now))
    )
    return tx.execute(query).first()


def confirm(tx: Connection, digest: bytes, by: str) -> None:
    """Say who confirmed a code."""
    tx.execute(code.update().where(code.c.digest == digest).values(confirmed_by=by))


def holder(tx: Connection, digest: bytes, now: datetime) -> Actor | None:
    """Whose a code is that could be spent."""
    query = (
        sa.select(*ACTOR).join(code, code.c.person == person.c.id).where(person.c.active.is_(True), *_live(digest, now))
    )
    row = tx.execute(query).first()
    return actor_of(row) if row else None


def spend(tx: Connection, digest: bytes, now: datetime) -> str | None:
    """Use a confirmed code up: whose it was, None for one that is unconfirmed, used, over, or none. At most one succeeds."""
    spent = code.update().where(*_live(digest, now)).values(used=milliseconds(now)).returning(code.c.person)
    return tx.execute(spent).scalar()


def restore(tx: Connection, digest: bytes) -> None:
    """Take back that a code was used, in the transaction that has used it."""
    tx.execute(code.update().where(code.c.digest == digest).values(used=None))


def _live(digest: bytes, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    confirmed = code.c.confirmed_by.is_not(None)
    return code.c.digest == digest, code.c.used.is_(None), code.c.until > milliseconds(now), confirmed


def end(tx: Connection, people: Collection[str], now: datetime) -> None:
    """End the codes of these people."""
    tx.execute(code.update().where(code.c.person.in_(people)).values(until=milliseconds(now)))


def sweep(tx: Connection, now: datetime) -> None:
    """Forget codes that are two days old."""
    tx.execute(code.delete().where(code.c.at < milliseconds(now - KEPT)))
