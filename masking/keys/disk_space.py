"""Whether the key store can still take new pages: on a full disk reads go on, and no order can be taken in."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path

import sqlalchemy as sa

from masking.database.engine import transaction
from masking.errors import UnavailableError
from masking.keys.keystore import KeyStore
from masking.runtime import World

ROOM = 1024 * 1024
"""Bytes that have to find room. They do not compress, and are gone again at once."""

_TABLE = sa.Table("waybill_room", sa.MetaData(), sa.Column("filler", sa.LargeBinary), prefixes=["TEMPORARY"])


def check_room(world: World, keys: KeyStore) -> None:
    """Write `ROOM` bytes where the key store writes, and take them away.

    A server is asked for a temporary table, since a table of the key store's own might have free pages when the disk has
    none. A database file's folder is asked for a file.

    Raises:
        UnavailableError: there is no room, or the key store does not answer.
    """
    filler = world.entropy(ROOM)
    if keys.engine.dialect.name == "postgresql":
        with transaction(keys.engine) as tx:
            _TABLE.create(tx)
            tx.execute(_TABLE.insert().values(filler=filler))
            _TABLE.drop(tx)
        return
    if not keys.engine.url.database:
        return
    try:
        with tempfile.TemporaryFile(dir=Path(keys.engine.url.database).parent) as file:
            file.write(filler)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise UnavailableError("the disk of the key store has no room; free some, or move the key store") from error
