"""MACs of rows in the data and of copies of the keys, under a key of the key store (FORMAT.md section 11)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from masking.crypto.encoding import framed

Value = int | str | bytes | None
_NULL = b"\xff\xff\xff\xff"


def row_head(table: str, columns: Sequence[str]) -> bytes:
    """What the MACs of a table's rows begin with: no row passes for one of another table, or of other columns."""
    return framed("waybill-masking/row/1", table, ",".join(columns))


def row_mac(key: bytes, head: bytes, values: Iterable[Value]) -> bytes:
    """The 32 bytes for these values, in the order of the columns that `head` names."""
    return hmac.digest(key, head + b"".join(map(framed_value, values)), "sha256")


def copy_mac(key: bytes, at: int, content: bytes) -> bytes:
    """The 32 bytes that say of a copy of the key store when it was made, and over what content."""
    return row_mac(key, row_head("backup", ["at", "content"]), [at, content])


def framed_value(value: Value) -> bytes:
    """A value behind its length, so that no two rows of a table share an encoding."""
    if value is None:
        return _NULL
    if isinstance(value, str):
        raw = value.encode()
    elif isinstance(value, bytes):
        raw = value
    else:  # a number, or a boolean
        raw = value.to_bytes(8, "big", signed=True)
    return len(raw).to_bytes(4, "big") + raw
