"""The tables of the data; those of the key store are in `masking.database.key_schema`.

Times are UTC milliseconds, ids 16 bytes and time-ordered (FORMAT.md section 1). What becomes of each column of both when a
waybill is destroyed: `masking.database.erasure_policy`. Columns named `mac`: `masking.store.row_macs`.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from masking.access.budget import Counts
from masking.values.plaintext import FIELDS

DATA_HEAD = "0001"

data = MetaData()


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
    UniqueConstraint("tenant", "merchant", "reference", name="one_waybill_a_reference"),
    UniqueConstraint("tenant", "waybill_number", name="one_waybill_a_number"),
    Index("by_recipient", "recipient_index", "merchant", "id"),
    Index("by_sender", "sender_index", "merchant", "id"),
    Index(
        "destroyed_at",
        "destroyed",
        sqlite_where=text("destroyed IS NOT NULL"),
        postgresql_where=text("destroyed IS NOT NULL"),
    ),
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
    Index("scans_of", "waybill", "id"),
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
    Index("duties_of", "courier", sqlite_where=text("closed IS NULL"), postgresql_where=text("closed IS NULL")),
    Index(
        "one_open_assignment",
        "waybill",
        unique=True,
        sqlite_where=text("closed IS NULL"),
        postgresql_where=text("closed IS NULL"),
    ),
)

envelope = Table(
    "envelope",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("until", BigInteger, nullable=False),
    Index("envelopes_by_end", "until"),
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
    UniqueConstraint("waybill", "job", name="one_print_a_job"),
)

binding = Table(
    "binding",
    data,
    Column("call", LargeBinary(16), primary_key=True),
    Column("waybill", LargeBinary(16)),
    Column("main", String(20), nullable=False),
    Column("subscription", String(64)),
    Column("until", BigInteger, nullable=False),
    Index("bindings_of", "waybill"),
)

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
    UniqueConstraint("waybill", name="one_slot_a_waybill"),
    CheckConstraint("(waybill IS NOT NULL) = (stage IN ('leased', 'leaving'))", name="held_is_somebodys"),
    Index("slots_in_random_order", "stage", "random_key"),
    Index("slots_by_end", "stage", "until"),
    Index(
        "slots_of_merchants",
        "merchant",
        sqlite_where=text("merchant IS NOT NULL"),
        postgresql_where=text("merchant IS NOT NULL"),
    ),
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
    Index("intents_of", "waybill"),
    Index("call_backs_of", "actor", sqlite_where=text("called_back > 0"), postgresql_where=text("called_back > 0")),
    Index("unreported", "used", sqlite_where=text("reported IS NULL"), postgresql_where=text("reported IS NULL")),
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
    Index("reports_of", "waybill"),
)

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
    UniqueConstraint("device", name="one_person_a_device"),
    Index("people_by_phone", "phone_index"),
    Index("people_by_unit", "unit"),
    Index("people_by_role", "tenant", "role", "unit"),
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
    Index("credentials_of", "person"),
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
    Index("codes_of", "person"),
    Index("codes_by_maker", "maker", "at"),
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
    Index("interventions_by", "supervisor", "at"),
    Index("interventions_on", "person", "at"),
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
    Index("alarms_of", "kind", "at"),
    Index("alarms_due", "due", sqlite_where=text("due IS NOT NULL"), postgresql_where=text("due IS NOT NULL")),
)

canary = Table(
    "canary",
    data,
    Column("waybill", LargeBinary(16), ForeignKey("waybill.id"), primary_key=True),
    Column("at", BigInteger, nullable=False),
)

leaf = Table(
    "leaf",
    data,
    Column("id", LargeBinary(16), primary_key=True),
    Column("subject", LargeBinary(16)),
    Column("body", LargeBinary, nullable=False),
    Column("position", BigInteger, unique=True),
    Index("leaves_of", "subject"),
    Index("unplaced", "id", sqlite_where=text("position IS NULL"), postgresql_where=text("position IS NULL")),
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
