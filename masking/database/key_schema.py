"""The tables of the key store, which is a database of its own.

Times are UTC milliseconds, and ids of waybills are 16 bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
)

from masking.database.naming import NAMING, partial_index

KEYS_HEAD = "0001"

keys = MetaData(naming_convention=NAMING)

stored_key = Table(
    "stored_key",
    keys,
    Column("purpose", String(16), nullable=False),
    Column("name", String(160), nullable=False),
    Column("wrapped", LargeBinary),
    Column("archived", LargeBinary),
    Column("sealed_to", String(16)),
    Column("created", BigInteger, nullable=False),
    Column("revoked", BigInteger),
    Column("died", BigInteger),
    PrimaryKeyConstraint("purpose", "name"),
)

wrap = Table(
    "wrap",
    keys,
    Column("waybill", LargeBinary(16), nullable=False),
    Column("generation", Integer, nullable=False),
    Column("tenant", String(64), nullable=False),
    Column("online_key", String(16), nullable=False),
    Column("online", LargeBinary),
    Column("archive_key", String(16), nullable=False),
    Column("archive", LargeBinary, nullable=False),
    PrimaryKeyConstraint("waybill", "generation"),
    Index(None, "online_key", "waybill", "generation"),
    Index(None, "archive_key"),
)

destruction = Table(
    "destruction",
    keys,
    Column("waybill", LargeBinary(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", String(64), nullable=False),
    Column("finished", BigInteger),
    Index(None, "at"),
    partial_index("at", where="finished IS NULL", name="ix_destruction_unfinished"),
)

backup = Table(
    "backup",
    keys,
    Column("at", BigInteger, primary_key=True, autoincrement=False),
    Column("mac", LargeBinary(32)),
)
"""When a copy of the key store was made (FORMAT.md section 11). Empty in a key store that is in use."""

signed_head = Table(
    "signed_head",
    keys,
    Column("log", String(16), primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("root", LargeBinary(32), nullable=False),
)
"""The head that the sequencer signed last. Someone who can write only the data can't change it here."""

announced_loss = Table(
    "announced_loss",
    keys,
    Column("leaf", LargeBinary(16), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("note", Text, nullable=False),
)
"""Signed announcements of leaves that were lost: the id and body of the leaf that says so, and the note (FORMAT.md section 12)."""

root = Table(
    "root",
    keys,
    Column("status", String(8), primary_key=True),
    Column("id", LargeBinary(16), nullable=False),
    Column("proof", LargeBinary, nullable=False),
)
"""The root that wraps every key (`current`), and one that a rotation has announced (`next`): an id, and the id wrapped by it."""

worker = Table(
    "worker",
    keys,
    Column("name", String(160), primary_key=True),
    Column("seen", BigInteger, nullable=False),
    Column("root", LargeBinary(16)),
)
"""The workers of services on PostgreSQL: when each was seen last, by the server's clock, and which announced root it can open."""

access_leaf = Table(
    "access_leaf",
    keys,
    Column("id", LargeBinary(16), primary_key=True),
    Column("hash", LargeBinary(32), nullable=False),
    Column("person", String(64), nullable=False),
)
"""Leaves that let a person or device in, until the signed ledger holds them: `masking.keys.access_leaves`."""

ended = Table("ended", keys, Column("what", LargeBinary(32), primary_key=True))
"""Hashes of revoked people and of devices and secrets that were ended: an old row of the data does not bring them back."""
