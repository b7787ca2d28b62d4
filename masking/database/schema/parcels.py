"""Tables: the waybill and everything that happens to its parcel."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from masking.database.naming import partial_index
from masking.database.schema.metadata import data
from masking.values.plaintext import FIELDS


def sealed_column(field: str) -> str:
    """The column that holds the sealed form of a personal field."""
    return field.replace(".", "_")


waybill = Table(
    "waybill",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("tenant", String(64), nullable=False),
    Column("merchant", String(64), nullable=False),
    Column("reference", String(64)),
    Column("state", String(16), nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("waybill_number", String(32)),
    Column("routing_code", String(32)),
    Column("masked", Text),
    Column("merge_reference", String(64)),
    Column("recipient_index", LargeBinary(32)),
    Column("sender_index", LargeBinary(32)),
    Column("content_mac", LargeBinary(32)),
    Column("generation", Integer, nullable=False),
    Column("leg", String(16), nullable=False),
    Column("custody", String(16)),
    Column("custodian_unit", String(64)),
    Column("holder", String(64)),
    Column("received_by", String(64)),
    Column("bound_for", String(64)),
    Column("diverted_to", String(64)),
    Column("prints", Integer, nullable=False),
    Column("live_print", Integer, nullable=False),
    Column("misses", Integer, nullable=False),
    Column("delivered", BigInteger),
    Column("sealed_away", BigInteger),
    Column("destroyed", BigInteger),
    Column("destroy_reason", String(64)),
    UniqueConstraint("tenant", "merchant", "reference"),
    UniqueConstraint("tenant", "waybill_number"),
    Index(None, "recipient_index", "merchant", "id"),
    Index(None, "sender_index", "merchant", "id"),
    partial_index("destroyed", where="destroyed IS NOT NULL"),
)

sealed = Table(
    "sealed",
    data,
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), primary_key=True),
    *(Column(sealed_column(name), LargeBinary, nullable=False) for name in FIELDS),
)

scan = Table(
    "scan",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), nullable=False),
    Column("kind", String(16), nullable=False),
    Column("unit", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("event", LargeBinary(32), unique=True),
    Column("bound_for", String(64)),
    Index(None, "waybill", "id"),
)

assignment = Table(
    "assignment",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), nullable=False),
    Column("unit", String(64), nullable=False),
    Column("leg", String(16), nullable=False),
    Column("courier", String(64), nullable=False),
    Column("given_by", String(64), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("closed", BigInteger),
    Column("masked_views", Integer, nullable=False),
    Column("opened_at", BigInteger),
    Column("counted_since", BigInteger),
    Column("mac", LargeBinary(32)),
    partial_index("courier", where="closed IS NULL"),
    partial_index("waybill", where="closed IS NULL", unique=True),
)

envelope = Table(
    "envelope",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index(None, "until"),
)

hold = Table(
    "hold",
    data,
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), primary_key=True),
    Column("actor", String(64), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("at", BigInteger, nullable=False),
)

label_print = Table(
    "label_print",
    data,
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("job", String(64), nullable=False),
    Column("station", String(64), nullable=False),
    Column("actor", String(64), nullable=False),
    Column("reason", String(64)),
    Column("at", BigInteger, nullable=False),
    PrimaryKeyConstraint("waybill", "number"),
    UniqueConstraint("waybill", "job"),
)

canary = Table(
    "canary",
    data,
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
)
