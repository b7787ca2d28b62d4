"""The service's side of sealing at the source: its sealing keys, their directory, and envelopes that are used once.

A new sealing key is made on each day on which the directory is requested, and deleted after seven days. The checkout enters
an envelope's id in its own transaction. The id is kept until the envelope expires, so that an envelope that is sent twice
makes one waybill.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.access.people import Actor
from masking.crypto import envelope as sealed
from masking.crypto.envelope import Envelope, SealingKey
from masking.database.engine import insert_new, reading, transaction, truncate_log
from masking.database.key_schema import stored_key
from masking.database.schema import envelope
from masking.errors import IntegrityError, MaskingError
from masking.runtime import World, milliseconds, moment
from masking.store.store import Store
from masking.values.json import order_from_json
from masking.values.plaintext import Order
from masking.values.printable import Rejected
from masking.words.rules import Rule

KEY_LIVES = timedelta(days=7)
"""After this time a sealing key is deleted."""

KEY_IS_NEW = timedelta(days=1)
"""A directory is published with a new key when the newest one is older."""


class Opened(NamedTuple):
    """An order and the envelope that it came in."""

    order: Order
    envelope: Envelope


def directory(world: World, store: Store) -> str:
    """The signed directory of valid sealing keys, the newest last. Makes a key if the newest is a day old."""
    now = world.now()
    live = _live(store, now)
    if not live or live[-1].until < now + KEY_LIVES - KEY_IS_NEW:
        store.keys.key("source", store.keys.next_name("source"), world, now)
        live = _live(store, now)
    return sealed.sign_directory(store.settings.origin, live, store.keys.key("sign", "ledger", world, now))


def open_orders(world: World, store: Store, merchant: Actor, blobs: Sequence[bytes]) -> list[Opened | Rejected]:
    """Open each envelope. Returns an order or a rejection for each, in the same sequence.

    The rules are `not-an-envelope`, `expired` (also if the sealing key is deleted), `not-for-this` (sealed for another
    merchant, tenant or service, or changed) and `holds-no-order`.
    """
    now = world.now()
    live = {key.id: key for key in _live(store, now)}
    return [_open_order(store, merchant, blob, live, now) for blob in blobs]


def _open_order(
    store: Store, merchant: Actor, blob: bytes, live: Mapping[int, SealingKey], now: datetime
) -> Opened | Rejected:
    found = sealed.head(blob)
    if found is None:
        return _refused(Rule.NOT_AN_ENVELOPE)
    if found.key_id not in live or not now <= found.not_after <= live[found.key_id].until:
        return _refused(Rule.EXPIRED)
    private = store.keys.existing("source", str(found.key_id)) or b""
    try:
        text = sealed.open_envelope(private, store.settings.tenant, merchant.unit, blob)
    except IntegrityError:
        return _refused(Rule.NOT_FOR_THIS)
    try:
        return Opened(order_from_json(json.loads(text)), found)
    except (MaskingError, ValueError, TypeError, AttributeError, RecursionError):
        return _refused(Rule.HOLDS_NO_ORDER)


def _refused(rule: Rule) -> Rejected:
    return Rejected(reference=None, field="envelope", rule=rule)


def enter(tx: Connection, envelopes: Mapping[bytes, datetime]) -> set[bytes]:
    """Record that these envelopes are used. Returns the ids of those that were used before."""
    rows = [{"id": id_, "until": milliseconds(until)} for id_, until in sorted(envelopes.items())]
    new = {row[0] for row in insert_new(tx, envelope, rows, "id")}
    return set(envelopes) - new


def sweep(tx: Connection, now: datetime) -> int:
    """Delete the ids of expired envelopes, which are refused as expired. Returns how many."""
    return tx.execute(envelope.delete().where(envelope.c.until < milliseconds(now))).rowcount


def end_keys(store: Store, now: datetime) -> list[str]:
    """Delete expired sealing keys and return their ids. An envelope sealed to one and not yet sent can't be opened any more."""
    table = stored_key
    old = (
        table.c.purpose == "source",
        table.c.created <= milliseconds(now - KEY_LIVES),
        table.c.wrapped.is_not(None),
    )
    with transaction(store.keys.engine) as tx:
        names = list(tx.execute(sa.select(table.c.name).where(*old)).scalars())
        tx.execute(table.update().where(*old).values(wrapped=None, died=milliseconds(now)))
    store.keys.forget()
    truncate_log(store.keys.engine)
    return names


def _live(store: Store, now: datetime) -> list[SealingKey]:
    table = stored_key
    query = (
        sa.select(table.c.name, table.c.created)
        .where(table.c.purpose == "source", table.c.wrapped.is_not(None))
        .order_by(table.c.created, table.c.name)
    )
    with reading(store.keys.engine) as tx:
        rows = tx.execute(query).all()
    ends = {row.name: moment(row.created).replace(microsecond=0) + KEY_LIVES for row in rows}
    keys = {key: store.keys.existing("source", key) for key, until in ends.items() if until > now}
    return [sealed.public_key(private, int(key), ends[key]) for key, private in keys.items() if private]
