"""Tables: people, their credentials, their budgets and the alarms about them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    UniqueConstraint,
)

from masking.access.budget import Counts
from masking.database.naming import partial_index
from masking.database.schema.metadata import data

person = Table(
    "person",
    data,
    Column("id", String(64), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("role", String(16), nullable=False),
    Column("unit", String(64), nullable=False),
    Column("phone", LargeBinary),
    Column("phone_index", LargeBinary(32)),
    Column("active", Boolean, nullable=False),
    Column("enrolled", BigInteger, nullable=False),
    Column("device", LargeBinary(32)),
    Column("level", String(16), nullable=False, server_default="none"),
    Column("shift_until", BigInteger),
    Column("mac", LargeBinary(32)),
    UniqueConstraint("device"),
    Index(None, "phone_index"),
    Index(None, "unit"),
    Index(None, "tenant", "role", "unit"),
)

credential = Table(
    "credential",
    data,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person", String(64), ForeignKey("person.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("expires", BigInteger),
    Column("key", LargeBinary(32)),
    Column("mac", LargeBinary(32)),
    Index(None, "person"),
)

code = Table(
    "code",
    data,
    Column("digest", LargeBinary(32), primary_key=True),
    Column("person", String(64), ForeignKey("person.id"), nullable=False),
    Column("maker", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("until", BigInteger, nullable=False),
    Column("confirmed_by", String(64)),
    Column("used", BigInteger),
    Column("phone", LargeBinary),
    Column("phone_index", LargeBinary(32)),
    Column("mac", LargeBinary(32)),
    Index(None, "person"),
    Index(None, "maker", "at"),
)

intervention = Table(
    "intervention",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("person", String(64), ForeignKey("person.id"), nullable=False),
    Column("supervisor", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("done", Boolean, nullable=False),
    Index(None, "supervisor", "at"),
    Index(None, "person", "at"),
)

proof = Table(
    "proof",
    data,
    Column("id", LargeBinary(32), primary_key=True),
    Column("until", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

budget = Table(
    "budget",
    data,
    Column("actor", String(64), primary_key=True),
    *(Column(name, BigInteger, nullable=name == "locked_until") for name in Counts._fields[1:]),
)

alarm = Table(
    "alarm",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("at", BigInteger, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("partner", String(64), nullable=False, server_default=""),
    Column("attempts", Integer, nullable=False, server_default="0"),
    Column("due", BigInteger),
    Column("acknowledged", BigInteger),
    Index(None, "kind", "at"),
    partial_index("due", where="due IS NOT NULL"),
)
