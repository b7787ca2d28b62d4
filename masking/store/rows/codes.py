"""Rows of one-time codes: hashes of what lets a device in, who made each, who confirmed it, and the phone it brings."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.budget import midnight
from masking.access.people import Actor
from masking.database.schema import code, person
from masking.runtime import milliseconds
from masking.store import row_macs
from masking.store.rows.people import Phone, active

KEPT = timedelta(days=2)
"""Longer than the day in which they count against their maker."""


class Newest(NamedTuple):
    """A code that is not over, with its maker's unit, who confirmed it, and the index of the phone that it brings."""

    digest: bytes
    maker: str
    unit: str
    confirmed_by: str | None
    phone_index: bytes | None


class Spent(NamedTuple):
    """Whose code was used, and the phone that came with it, if one did."""

    person: str
    phone: Phone | None


_ENDED: dict[str, Any] = {"phone": None, "phone_index": None}
"""A code that is used or replaced keeps no phone."""


def add(
    tx: Connection, who: str, maker: str, digest: bytes, now: datetime, until: datetime, *, phone: Phone | None = None
) -> None:
    """Store the hash of a new code; an older one of the same person is invalid from now on."""
    end(tx, [who], now)
    row = {
        "digest": digest,
        "person": who,
        "maker": maker,
        "at": milliseconds(now),
        "until": milliseconds(until),
        "confirmed_by": None,
        "used": None,
        "phone": phone.sealed if phone else None,
        "phone_index": phone.known_by if phone else None,
    }
    tx.execute(code.insert().values(row_macs.with_mac(tx, code, row)))


def made_today(tx: Connection, maker: str, now: datetime) -> int:
    """How many codes this supervisor has made today."""
    query = sa.select(sa.func.count()).where(code.c.maker == maker, code.c.at >= midnight(now))
    return tx.execute(query).scalar_one()


def newest(tx: Connection, who: str, now: datetime) -> Newest | None:
    """The one code of this person that is not over."""
    for row in row_macs.found(tx, code, code.c.person == who, code.c.until > milliseconds(now)):
        for maker in row_macs.found(tx, person, person.c.id == row.maker):
            return Newest(row.digest, row.maker, maker.unit, row.confirmed_by, row.phone_index)
    return None


def confirm(tx: Connection, digest: bytes, by: str) -> None:
    """Say who confirmed a code."""
    row_macs.change(tx, code, code.c.digest == digest, confirmed_by=by)


def holder(tx: Connection, digest: bytes, now: datetime) -> Actor | None:
    """Whose a code is that could be spent."""
    for row in row_macs.found(tx, code, *_live(digest, now)):
        return active(tx, [row.person]).get(row.person)
    return None


def spend(tx: Connection, digest: bytes, now: datetime) -> Spent | None:
    """Use a confirmed code up; None for one that is unconfirmed, used, expired or unknown. At most one succeeds."""
    for row in row_macs.change(tx, code, *_live(digest, now), used=milliseconds(now)):
        return Spent(row.person, Phone(row.phone, row.phone_index) if row.phone_index else None)
    return None


def restore(tx: Connection, digest: bytes) -> None:
    """Take back that a code was used, in the transaction that has used it."""
    row_macs.change(tx, code, code.c.digest == digest, used=None)


def forget_phone(tx: Connection, digest: bytes) -> None:
    """The phone of a code that was used is in force, and stays with the person alone."""
    row_macs.change(tx, code, code.c.digest == digest, **_ENDED)


def _live(digest: bytes, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    confirmed = code.c.confirmed_by.is_not(None)
    return code.c.digest == digest, code.c.used.is_(None), code.c.until > milliseconds(now), confirmed


def end(tx: Connection, people: Collection[str], now: datetime) -> None:
    """End the codes of these people that are not over."""
    of = code.c.person.in_(people), code.c.until > milliseconds(now)
    row_macs.change(tx, code, *of, **_ENDED, until=milliseconds(now))


def sweep(tx: Connection, now: datetime) -> None:
    """Forget codes that are two days old."""
    tx.execute(code.delete().where(code.c.at < milliseconds(now - KEPT)))
