"""Who was revoked, and which devices and secrets were ended, kept with the keys, which have another owner than the data.

A MAC does not tell an old row from a new one, so a writer of the data could put back the row of a revoked person, or of a
device that was reported lost. What is on this list gets no access, even if the data says otherwise. It is written before the
transaction on the data commits: if that is undone afterwards, access has ended all the same. Other workers read it anew
within `keystore.MEMORY`; until then they go by the data.
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
    """Put these entries on the list."""
    rows = [{"what": each} for each in sorted(set(entries))]
    if rows:
        with transaction(keys.engine) as tx:
            insert_new(tx, ended, rows, "what")
        keys.ended.clear()


def remove(keys: KeyStore, entry: bytes) -> None:
    """Take an entry off the list: a revocation was reversed, or a device is enrolled again."""
    if includes(keys, [entry]):
        with transaction(keys.engine) as tx:
            tx.execute(ended.delete().where(ended.c.what == entry))
        keys.ended.clear()
