"""Whose phone a call rings: opened for the connection, as a switch dials it, and None where a record is damaged."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from masking.crypto.seal import open_fields
from masking.errors import IntegrityError
from masking.redact.phones import canonical
from masking.runtime import World
from masking.store.parcels import Parcels, party
from masking.store.rows import people, waybills
from masking.store.store import Store, Transaction
from masking.values.plaintext import Plain


def of_parcels(store: Store, tx: Transaction, known: Parcels, records: Collection[bytes]) -> dict[bytes, Plain | None]:
    """The phone of the party that each of these parcels goes to."""
    found: dict[bytes, Plain | None] = dict.fromkeys(records)
    for each, fields in waybills.sealed_fields(tx, records, ["recipient.phone", "sender.phone"]).items():
        name = f"{party(known.records[each], known.duties.get(each))}.phone"
        try:
            key = store.keys.unwrap(known.wraps[each])
            found[each] = _dialable(open_fields(key, known.records[each].tenant, each, {name: fields[name]})[name])
        except IntegrityError:
            continue
    return found


def of_courier(world: World, store: Store, tx: Transaction, courier: str, now: datetime) -> Plain | None:
    """The verified phone of a courier who is `people.reachable`."""
    try:
        return _dialable(people.open_phone(world, store.keys, tx, courier, now))
    except IntegrityError:
        return None


def _dialable(phone: Plain) -> Plain:
    """A phone as typed, as a switch dials it: "+8657180000002;ext=301" (RFC 3966)."""
    return Plain((canonical(phone.reveal()) or "").replace(";", ";ext="))
