"""Lists as PostgreSQL's arrays in binary (`array_recv` in its `arrayfuncs.c`), for statements over many rows at once.

psycopg finds out the type of every member anew, in Python: of 32 rows of a few columns that took longer than the statement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from struct import Struct
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

_HEAD = Struct(">5i").pack
_LENGTH = Struct(">i").pack
_NULL = _LENGTH(-1)


class _Kind(NamedTuple):
    """PostgreSQL's number of a type (`pg_type.dat`), and its binary form."""

    oid: int
    raw: Callable[[Any], bytes]


_KINDS: dict[type[TypeEngine[Any]], _Kind] = {
    sa.LargeBinary: _Kind(17, bytes),
    sa.BigInteger: _Kind(20, Struct(">q").pack),
    sa.Integer: _Kind(23, _LENGTH),
    sa.String: _Kind(25, str.encode),
    sa.Text: _Kind(25, str.encode),
}


class PgArray(bytes):
    """An array as it goes to the server; the statement says of what type, by a cast."""

    __slots__ = ()


def packed(values: Sequence[Any], of: TypeEngine[Any]) -> PgArray:
    """The array of these values of a column's type, None among them.

    Raises:
        struct.error: a number is longer than its column.
    """
    oid, raw = _KINDS[type(of)]
    holes = None in values
    head = _HEAD(1, holes, oid, len(values), 1)
    members: list[Any] = [None if value is None else raw(value) for value in values] if holes else [*map(raw, values)]
    lengths = set() if holes else {*map(len, members)}
    if len(lengths) == 1:  # as ids and numbers are
        return PgArray(_LENGTH(*lengths).join((head, *members)))
    return PgArray(head + b"".join(_NULL if each is None else _LENGTH(len(each)) + each for each in members))


def register_array_dumper(connection: Any, _record: Any) -> None:
    """Let a new connection of psycopg's send them."""
    connection.adapters.register_dumper(PgArray, _dumper())


@cache
def _dumper() -> type[Any]:
    """One class for all connections: each new one would stay for good."""
    from psycopg.adapt import Dumper  # noqa: PLC0415  only where there is such a server
    from psycopg.pq import Format  # noqa: PLC0415

    class RawDumper(Dumper):
        format = Format.BINARY

        def dump(self, obj: PgArray) -> PgArray:
            return obj

    return RawDumper
