"""MACs of database rows and of backups of the key store, under a key of the key store (FORMAT.md section 11)."""

from __future__ import annotations

import hmac
from collections.abc import Iterable, Sequence

from masking.crypto.encoding import framed

Value = int | str | bytes | None
_NULL = b"\xff\xff\xff\xff"


def row_head(table: str, columns: Sequence[str]) -> bytes:
    """The prefix of the MAC input for a table's rows. It keeps a row from passing in another table or other columns."""
    return framed("waybill-masking/row/1", table, ",".join(columns))


def row_mac(key: bytes, head: bytes, values: Iterable[Value]) -> bytes:
    """The 32-byte MAC of a row's values, in the order of the columns that `head` names."""
    return hmac.digest(key, head + b"".join(map(framed_value, values)), "sha256")


def copy_mac(key: bytes, at: int, content: bytes) -> bytes:
    """The 32-byte MAC of a backup of the key store, over the time when it was made and its content."""
    return row_mac(key, row_head("backup", ["at", "content"]), [at, content])


def framed_value(value: Value) -> bytes:
    """A value prefixed with its length, so that no two rows of a table share an encoding."""
    if value is None:
        return _NULL
    if isinstance(value, str):
        raw = value.encode()
    elif isinstance(value, bytes):
        raw = value
    else:  # a number, or a boolean
        raw = value.to_bytes(8, "big", signed=True)
    return len(raw).to_bytes(4, "big") + raw
