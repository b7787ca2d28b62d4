"""Checks that the key store has disk space. On a full disk, reads still work, but no order can be checked out."""

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
"""The number of bytes that are written and deleted again. They are random, since a disk may compress others."""

_TABLE = sa.Table("waybill_room", sa.MetaData(), sa.Column("filler", sa.LargeBinary), prefixes=["TEMPORARY"])


def check_room(world: World, keys: KeyStore) -> None:
    """Write `ROOM` bytes where the key store writes, and delete them.

    On a server they go into a temporary table, since a table of the key store may have free pages on a full disk. For SQLite
    they go into a file in the same folder.

    Raises:
        UnavailableError: there is no space, or the key store does not answer.
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
        raise UnavailableError("the disk of the key store is full. Free some space, or move the key store") from error
