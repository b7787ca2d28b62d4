"""Lists as PostgreSQL's arrays in binary (`array_recv` in its `arrayfuncs.c`), for statements over many rows at once.

psycopg finds out the type of every member anew, in Python: of 32 rows of a few columns that took longer than the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

_NULL = (-1).to_bytes(4, "big", signed=True)


class _Kind(NamedTuple):
    """PostgreSQL's number of a type (`pg_type.dat`), and its binary form."""

    oid: int
    raw: Callable[[Any], bytes]


_KINDS: dict[type[TypeEngine[Any]], _Kind] = {
    sa.LargeBinary: _Kind(17, bytes),
    sa.BigInteger: _Kind(20, lambda value: value.to_bytes(8, "big", signed=True)),
    sa.Integer: _Kind(23, lambda value: value.to_bytes(4, "big", signed=True)),
    sa.String: _Kind(25, str.encode),
    sa.Text: _Kind(25, str.encode),
}


class Packed(bytes):
    """An array as it goes to the server; the statement says of what type, by a cast."""

    __slots__ = ()


def packed(values: Sequence[Any], of: TypeEngine[Any]) -> Packed:
    """The array of these values of a column's type, None among them.

    Raises:
        OverflowError: a number is longer than its column.
    """
    oid, raw = _KINDS[type(of)]
    head = b"".join(each.to_bytes(4, "big") for each in (1, None in values, oid, len(values), 1))
    members = [_NULL if value is None else raw(value) for value in values]
    return Packed(head + b"".join(each if each is _NULL else len(each).to_bytes(4, "big") + each for each in members))


def taught(connection: Any, _record: Any) -> None:
    """Let a new connection of psycopg's send them."""
    from psycopg.adapt import Dumper  # noqa: PLC0415  only where there is such a server
    from psycopg.pq import Format  # noqa: PLC0415

    class AsTheyAre(Dumper):
        format = Format.BINARY

        def dump(self, obj: Packed) -> Packed:
            return obj

    connection.adapters.register_dumper(Packed, AsTheyAre)
