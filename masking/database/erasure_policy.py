"""What happens to each column of both databases when a waybill is destroyed: two closed lists.

Each column is either erased, or retained with a reason. `tests/test_schema.py` walks the schema and fails on a column that
is on neither list.
"""

from __future__ import annotations

from masking.access.budget import Counts
from masking.database.schema import sealed_column
from masking.values.plaintext import FIELDS

ERASED_COLUMNS = {
    "waybill": {
        "reference": "cleared",
        "waybill_number": "cleared",
        "routing_code": "cleared",
        "masked": "cleared",
        "merge_reference": "cleared",
        "recipient_index": "cleared",
        "sender_index": "cleared",
        "content_mac": "cleared",
    },
    "sealed": dict.fromkeys(("waybill", *(sealed_column(name) for name in FIELDS)), "row deleted"),
    "slot": {"waybill": "cleared", "merchant": "cleared", "until": "cleared after the cool-down"},
    "intent": dict.fromkeys(
        ("id", "waybill", "actor", "caller", "expires", "used", "switch", "reported", "called_back"), "row deleted"
    ),
    "binding": {"waybill": "cleared"},
    "call_report": dict.fromkeys(("call", "event", "waybill", "at", "seconds"), "row deleted"),
    "label_print": dict.fromkeys(("waybill", "number", "job", "station", "actor", "reason", "at"), "row deleted"),
    "wrap": dict.fromkeys(
        ("waybill", "generation", "tenant", "online_key", "online", "archive_key", "archive"), "row deleted"
    ),
}
"""The columns that a destruction clears or deletes, by table."""

RETAINED_COLUMNS = {
    "waybill": {
        "id": "names the tombstone, and keeps the id from being used again",
        "tenant": "whose tombstone it is",
        "merchant": "whose tombstone it is",
        "state": "says destroyed",
        "created": "retention statistics; no person",
        "generation": "a count",
        "leg": "a word of a closed list",
        "custody": "a word of a closed list",
        "custodian_unit": "who handled the parcel; no personal data",
        "holder": "who handled the parcel; no personal data",
        "received_by": "who handled the parcel; no personal data",
        "bound_for": "who handled the parcel; no personal data",
        "diverted_to": "who handled the parcel; no personal data",
        "prints": "a count",
        "live_print": "a count",
        "misses": "a count",
        "delivered": "retention proof",
        "sealed_away": "retention proof",
        "destroyed": "the certificate's time",
        "destroy_reason": "a word of a closed list",
    },
    "scan": dict.fromkeys(
        ("id", "waybill", "kind", "unit", "actor", "at", "bound_for"), "who handled the parcel; no personal data"
    )
    | {"event": "the scanner's own name for the scan, keyed"},
    "assignment": dict.fromkeys(
        (
            "id",
            "waybill",
            "unit",
            "leg",
            "courier",
            "given_by",
            "at",
            "closed",
            "masked_views",
            "opened_at",
            "counted_since",
            "mac",
        ),
        "who had the duty and when they opened the parcel, needed in a dispute",
    ),
    "envelope": dict.fromkeys(("id", "until"), "a random number of the sender; deleted when it expires"),
    "hold": dict.fromkeys(
        ("waybill", "actor", "reason", "at"), "a held waybill is not destroyed; the row is deleted on release"
    ),
    "line": dict.fromkeys(("main", "digits", "provider", "city", "switch", "rest"), "the operator's own numbers"),
    "slot": dict.fromkeys(("main", "extension", "stage", "random_key"), "the operator's own numbers"),
    "person": dict.fromkeys(
        (
            "id",
            "tenant",
            "role",
            "unit",
            "phone",
            "phone_index",
            "active",
            "enrolled",
            "device",
            "level",
            "shift_until",
            "mac",
        ),
        "staff, not parties of an order",
    ),
    "credential": dict.fromkeys(
        ("digest", "person", "kind", "expires", "key", "mac"), "hashes of 256 random bits; staff"
    ),
    "code": dict.fromkeys(
        ("digest", "person", "maker", "at", "until", "confirmed_by", "used", "phone", "phone_index", "mac"),
        "who enrolled whom; deleted after two days, the phone when the code is used or replaced",
    ),
    "intervention": dict.fromkeys(
        ("id", "kind", "person", "supervisor", "at", "done"),
        "which supervisor ended or unlocked whose access; deleted after two days",
    ),
    "proof": dict.fromkeys(("id", "until"), "hashes of used proofs; deleted when the proofs expire"),
    "budget": dict.fromkeys(Counts._fields, "counts of staff's acts, one row each"),
    "binding": dict.fromkeys(
        ("call", "main", "subscription", "until"),
        "bindings that the provider has yet to end; deleted when they have ended or expired",
    ),
    "canary": dict.fromkeys(("waybill", "at"), "an invented parcel that no one should open"),
    "alarm": dict.fromkeys(
        ("id", "at", "kind", "actor", "partner", "attempts", "due", "acknowledged"), "no record, no person"
    ),
    "leaf": dict.fromkeys(("id", "subject", "body", "position"), "keyed record ids only (FORMAT.md section 8)"),
    "node": dict.fromkeys(("node_index", "hash"), "hashes of leaves"),
    "checkpoint": dict.fromkeys(("number", "size", "note"), "hashes of leaves"),
    "stored_key": dict.fromkeys(
        ("purpose", "name", "wrapped", "archived", "sealed_to", "created", "revoked", "died"),
        "keys are deleted by their own schedule",
    ),
    "signed_head": dict.fromkeys(("log", "size", "root"), "hashes of leaves"),
    "announced_loss": dict.fromkeys(("leaf", "body", "note"), "hashes and counts of leaves that were lost"),
    "root": dict.fromkeys(("status", "id", "proof"), "which root wraps the keys; no person"),
    "worker": dict.fromkeys(
        ("name", "seen", "root"), "a process of the service: its machine, process number and last sign of life"
    ),
    "access_leaf": dict.fromkeys(
        ("id", "hash", "person"),
        "leaves about staff, until the signed ledger holds them: a minute, or 30 days if it never does",
    ),
    "ended": {"what": "hashes of staff names, devices and secrets, so that an old row brings none of them back"},
    "backup": dict.fromkeys(("at", "mac"), "when a copy was made; empty in use"),
    "destruction": dict.fromkeys(
        ("waybill", "at", "actor", "reason", "finished"), "destructions that a restored backup must replay; no person"
    ),
}
"""The columns that stay, by table, each with the reason."""
