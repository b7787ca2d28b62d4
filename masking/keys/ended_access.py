"""The list of revoked people and of ended devices and secrets. It is in the key store, which has another owner than the data.

A MAC can't tell an old row from a new one, so that a writer of the data could put back the row of a revoked person or of a
lost device. An entry of this list gets no access, even if the data says otherwise. The list is written before the transaction
on the data commits: if that is rolled back, access has ended anyway. Other workers reload the list within `keystore.MEMORY`.
Until then they decide by the data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

import sqlalchemy as sa

from masking.database.engine import insert_new, reading, transaction
from masking.database.key_schema import ended
from masking.keys.keystore import KeyStore

_READ = "ended"


def person(id_: str) -> bytes:
    """The entry of a person or program."""
    return hashlib.sha256(b"person\0" + id_.encode()).digest()


def credential(value: bytes) -> bytes:
    """The entry of a device, by its key's thumbprint, or of a secret, by its hash."""
    return hashlib.sha256(b"credential\0" + value).digest()


def includes(keys: KeyStore, entries: Iterable[bytes]) -> bool:
    """Whether any of these entries is on the list."""
    known = keys.ended.get(_READ)
    if known is None:
        with reading(keys.engine) as tx:
            known = keys.ended[_READ] = frozenset(tx.execute(sa.select(ended.c.what)).scalars())
    return not known.isdisjoint(entries)


def add(keys: KeyStore, entries: Iterable[bytes]) -> None:
    """Add these entries to the list."""
    rows = [{"what": each} for each in sorted(set(entries))]
    if rows:
        with transaction(keys.engine) as tx:
            insert_new(tx, ended, rows, "what")
        keys.ended.clear()


def remove(keys: KeyStore, entry: bytes) -> None:
    """Delete an entry, when a revocation is reversed or a device is enrolled again."""
    if includes(keys, [entry]):
        with transaction(keys.engine) as tx:
            tx.execute(ended.delete().where(ended.c.what == entry))
        keys.ended.clear()
