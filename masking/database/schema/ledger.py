"""Tables: the ledger's leaves, the hashes of its tree and its checkpoints."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Index, LargeBinary, Table, Text

from masking.database.naming import partial_index
from masking.database.schema.metadata import data

leaf = Table(
    "leaf",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("subject", LargeBinary(16)),
    Column("body", LargeBinary, nullable=False),
    Column("position", BigInteger, unique=True),
    Index(None, "subject"),
    partial_index("id", where="position IS NULL"),
)

node = Table(
    "node",
    data,
    Column("node_index", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary(32), nullable=False),
    sqlite_with_rowid=False,
)

checkpoint = Table(
    "checkpoint",
    data,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("size", BigInteger, nullable=False),
    Column("note", Text, nullable=False),
    sqlite_with_rowid=False,
)
