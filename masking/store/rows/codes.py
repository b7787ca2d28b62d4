"""Rows of one-time codes: the hash of each, who made and confirmed it, and the phone that it verifies."""

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
"""How long a code is kept: longer than the day in which it counts towards its maker's limit."""


class Newest(NamedTuple):
    """A valid code, with its maker's unit, who confirmed it, and the index of the phone that it verifies."""

    digest: bytes
    maker: str
    unit: str
    confirmed_by: str | None
    phone_index: bytes | None


class Spent(NamedTuple):
    """The person whose code was used, and the phone that it verified, if any."""

    person: str
    phone: Phone | None


_ENDED: dict[str, Any] = {"phone": None, "phone_index": None}
"""The columns of a code that was used or replaced: it keeps no phone."""


def add(
    tx: Connection, who: str, maker: str, digest: bytes, now: datetime, until: datetime, *, phone: Phone | None = None
) -> None:
    """Store the hash of a new code, and end older ones of the same person."""
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
    """This person's valid code, or None."""
    for row in row_macs.found(tx, code, code.c.person == who, code.c.until > milliseconds(now)):
        for maker in row_macs.found(tx, person, person.c.id == row.maker):
            return Newest(row.digest, row.maker, maker.unit, row.confirmed_by, row.phone_index)
    return None


def confirm(tx: Connection, digest: bytes, by: str) -> None:
    """Record who confirmed a code."""
    row_macs.change(tx, code, code.c.digest == digest, confirmed_by=by)


def holder(tx: Connection, digest: bytes, now: datetime) -> Actor | None:
    """The active person whose confirmed, unused code this is, or None."""
    for row in row_macs.found(tx, code, *_live(digest, now)):
        return active(tx, [row.person]).get(row.person)
    return None


def use_up(tx: Connection, digest: bytes, now: datetime) -> Spent | None:
    """Use up a confirmed code. None if it is unconfirmed, used, expired or unknown; of several calls at most one succeeds."""
    for row in row_macs.change(tx, code, *_live(digest, now), used=milliseconds(now)):
        return Spent(row.person, Phone(row.phone, row.phone_index) if row.phone_index else None)
    return None


def restore(tx: Connection, digest: bytes) -> None:
    """Make a code unused again, in the transaction that used it."""
    row_macs.change(tx, code, code.c.digest == digest, used=None)


def forget_phone(tx: Connection, digest: bytes) -> None:
    """Delete the phone of a used code: it is now stored with the person."""
    row_macs.change(tx, code, code.c.digest == digest, **_ENDED)


def _live(digest: bytes, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
    confirmed = code.c.confirmed_by.is_not(None)
    return code.c.digest == digest, code.c.used.is_(None), code.c.until > milliseconds(now), confirmed


def end(tx: Connection, people: Collection[str], now: datetime) -> None:
    """End the valid codes of these people."""
    of = code.c.person.in_(people), code.c.until > milliseconds(now)
    row_macs.change(tx, code, *of, **_ENDED, until=milliseconds(now))


def sweep(tx: Connection, now: datetime) -> None:
    """Delete codes older than `KEPT`."""
    tx.execute(code.delete().where(code.c.at < milliseconds(now - KEPT)))
