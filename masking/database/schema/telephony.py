"""Tables: virtual numbers, the calls over them and what providers report."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
)

from masking.database.naming import partial_index
from masking.database.schema.metadata import data

line = Table(
    "line",
    data,
    Column("main", String(20), primary_key=True),
    Column("digits", Integer, nullable=False),
    Column("provider", String(32), nullable=False),
    Column("city", String(32), nullable=False),
    Column("switch", String(32), nullable=False),
    Column("rest", BigInteger, nullable=False),
)

slot = Table(
    "slot",
    data,
    Column("main", String(20), ForeignKey("line.main"), nullable=False),
    Column("extension", String(8), nullable=False),
    Column("stage", String(16), nullable=False),
    Column("random_key", BigInteger, nullable=False),
    Column("waybill", LargeBinary(16)),
    Column("merchant", String(64)),
    Column("until", BigInteger),
    PrimaryKeyConstraint("main", "extension"),
    UniqueConstraint("waybill"),
    CheckConstraint("(waybill IS NOT NULL) = (stage IN ('leased', 'leaving'))", name="waybill_while_held"),
    Index(None, "stage", "random_key"),
    Index(None, "stage", "until"),
    partial_index("merchant", where="merchant IS NOT NULL"),
)

binding = Table(
    "binding",
    data,
    Column("call", LargeBinary(16), primary_key=True),
    Column("waybill", LargeBinary(16)),
    Column("main", String(20), nullable=False),
    Column("subscription", String(64)),
    Column("until", BigInteger, nullable=False),
    Index(None, "waybill"),
)

intent = Table(
    "intent",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("caller", LargeBinary(32), nullable=False),
    Column("expires", BigInteger, nullable=False),
    Column("used", BigInteger),
    Column("switch", String(64)),
    Column("reported", BigInteger),
    Column("called_back", BigInteger),
    Index(None, "waybill"),
    partial_index("actor", where="called_back > 0"),
    partial_index("used", where="reported IS NULL"),
)

call_report = Table(
    "call_report",
    data,
    Column("call", LargeBinary(16), ForeignKey("intent.id"), nullable=False),
    Column("event", String(16), nullable=False),
    Column("waybill", LargeBinary(16), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("seconds", Integer, nullable=False),
    PrimaryKeyConstraint("call", "event"),
    Index(None, "waybill"),
)
