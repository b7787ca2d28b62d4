"""Opens the phones that a call connects, in the form that a switch dials. None stands for a damaged record."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from masking.crypto.seal import open_fields
from masking.errors import IntegrityError
from masking.redact.phones import canonical
from masking.runtime import World
from masking.store.parcels import Parcels, party_at_door
from masking.store.rows import people, waybills
from masking.store.store import Store, Transaction
from masking.values.plaintext import Plain


def of_parcels(store: Store, tx: Transaction, known: Parcels, records: Collection[bytes]) -> dict[bytes, Plain | None]:
    """The phone of each parcel's next party, by waybill. None if the record is damaged."""
    found: dict[bytes, Plain | None] = dict.fromkeys(records)
    for each, fields in waybills.sealed_fields(tx, records, ["recipient.phone", "sender.phone"]).items():
        name = f"{party_at_door(known.records[each], known.duties.get(each))}.phone"
        try:
            key = store.keys.unwrap(known.wraps[each])
            found[each] = _dialable(open_fields(key, known.records[each].tenant, each, {name: fields[name]})[name])
        except IntegrityError:
            continue
    return found


def of_courier(world: World, store: Store, tx: Transaction, courier: str, now: datetime) -> Plain | None:
    """The verified phone of a courier who is `people.reachable`, None if the row is damaged."""
    try:
        return _dialable(people.open_phone(world, store.keys, tx, courier, now))
    except IntegrityError:
        return None


def _dialable(phone: Plain) -> Plain:
    """A phone in the form that a switch dials, such as "+8657180000002;ext=301" (RFC 3966)."""
    return Plain((canonical(phone.reveal()) or "").replace(";", ";ext="))
