"""The tables of the data. Those of the key store are in `masking.database.key_schema`.

Times are UTC milliseconds, and ids are 16 bytes and ordered by time (FORMAT.md section 1). What happens to each column when
a waybill is destroyed is in `masking.database.erasure_policy`. Columns named `mac` are explained in `masking.store.row_macs`.
"""

from __future__ import annotations

from masking.database.schema.ledger import checkpoint, leaf, node
from masking.database.schema.metadata import data
from masking.database.schema.parcels import (
    assignment,
    canary,
    envelope,
    hold,
    label_print,
    scan,
    sealed,
    sealed_column,
    waybill,
)
from masking.database.schema.staff import alarm, budget, code, credential, intervention, person, proof
from masking.database.schema.telephony import binding, call_report, intent, line, slot

DATA_HEAD = "0001"

__all__ = [
    "DATA_HEAD",
    "alarm",
    "assignment",
    "binding",
    "budget",
    "call_report",
    "canary",
    "checkpoint",
    "code",
    "credential",
    "data",
    "envelope",
    "hold",
    "intent",
    "intervention",
    "label_print",
    "leaf",
    "line",
    "node",
    "person",
    "proof",
    "scan",
    "sealed",
    "sealed_column",
    "slot",
    "waybill",
]
