"""Hot statements, past the expression layer: compiled once for each kind of database, then handed to its driver as text.

They stay Core statements, so that one place knows tables and columns; only what SQLAlchemy does anew for each execution
falls away, which is more than what the database does for a row by its key. Values go to the driver as they are: bytes,
texts, numbers, None. Rows come back as tuples, errors as SQLAlchemy's own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.exc import DBAPIError
from sqlalchemy.sql import visitors
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import Insert, Update
from sqlalchemy.sql.elements import BinaryExpression, BindParameter
from sqlalchemy.sql.selectable import Select
from sqlalchemy.types import TypeEngine

from masking.database.engine import has_moved

FILLED = 1024
"""The longest list that is filled up."""

Take = Callable[[Sequence[tuple[Any, ...]]], object]
"""Takes the rows that a statement answers: now, or when the block ends that it is sent in one `pipeline` with others in."""

Key = TypeVar("Key")
Value = TypeVar("Value")


_PIPELINED = "pipelined"
"""Where a connection keeps what a block has sent and not heard of yet: cursors, each with who takes its rows."""


@contextmanager
def pipeline(tx: Connection) -> Iterator[None]:
    """What is asked and written in this block goes to a server in one go, in this order; its answers are there afterwards.

    A way there and back costs as much as a statement. Not for statements that need an answer of this block, nor for others
    than this module's. A database that is a file answers each at once.
    """
    kept = tx.info
    if tx.dialect.name != "postgresql" or _PIPELINED in kept:
        yield
        return
    sent: list[tuple[Any, Take | None]] = []
    kept[_PIPELINED] = sent
    try:
        with _as_ours(tx), tx.connection.driver_connection.pipeline():  # type: ignore[union-attr]  # it is connected
            yield
    finally:
        del kept[_PIPELINED]
    for cursor, take in sent:
        if take:
            take(cursor.fetchall())
        cursor.close()


def by_key(
    tx: Connection,
    entry: Callable[[tuple[Any, ...]], tuple[Key, Value]],
    statement: Select[Any],
    /,
    *,
    keep: Callable[[tuple[Any, ...]], bool] | None = None,
    **values: Any,
) -> dict[Key, Value]:
    """The rows that a query finds and `keep` allows, each as `entry` makes it; in a block of `pipeline` filled at its end.

    Lists are for the places made by `engine.among`; among none there is nothing.
    """
    found: dict[Key, Value] = {}
    asked = _asked(tx, statement, values)
    if asked:
        run(tx, *asked, take=lambda rows: found.update(map(entry, filter(keep, rows) if keep else rows)))
    return found


def rows(tx: Connection, statement: Select[Any], /, **values: Any) -> Sequence[tuple[Any, ...]]:
    """The rows that a query finds; lists as in `by_key`. Not in a block of `pipeline`."""
    assert _PIPELINED not in tx.info
    found: list[tuple[Any, ...]] = []
    asked = _asked(tx, statement, values)
    if asked:
        run(tx, *asked, take=found.extend)
    return found


def write(
    tx: Connection, statement: Insert | Update, values: Sequence[Mapping[str, Any]], *, take: Take | None = None
) -> None:
    """Run an insertion or update once for each of these, which all have the same members; nothing if there are none.

    No two of them are for the same row. For PostgreSQL they are one statement over arrays: each of many costs the driver
    more than the server. Only there `take` gets what the statement returns.
    """
    if not values:
        return
    text, places, constants, over_arrays = _change(tx.dialect, statement, tuple(values[0]))
    if over_arrays:
        lists = {name: [each[name] for each in values] for name in values[0]}
        run(tx, text, constants | lists, take=take)
        return
    given = [constants | dict(each) for each in values] if constants else values
    run(tx, text, [tuple(each[place] for place in places) for each in given], many=True)


def run(tx: Connection, text: str, values: Any, *, take: Take | None = None, many: bool = False) -> None:
    """Have the driver do a text of its own dialect; `take` gets the rows that are to come; `many`: once for each of `values`."""
    sent = tx.info.get(_PIPELINED)
    with _as_ours(tx):
        cursor = tx.connection.cursor(binary=True) if tx.dialect.name == "postgresql" else tx.connection.cursor()
        try:
            for hear in tx.dispatch.before_cursor_execute:  # who listens to the engine hears of these as well
                hear(tx, cursor, text, values, None, many)
            (cursor.executemany if many else cursor.execute)(text, values)
            found = cursor.fetchall() if take and sent is None else ()
            for hear in tx.dispatch.after_cursor_execute:
                hear(tx, cursor, text, values, None, many)
        finally:
            if sent is None:
                cursor.close()
    if sent is not None:
        sent.append((cursor, take))
    elif take:
        take(found)


@contextmanager
def _as_ours(tx: Connection) -> Iterator[None]:
    """The driver's errors as SQLAlchemy's own, without statement and values."""
    errors = tx.dialect.loaded_dbapi.Error
    try:
        yield
    except errors as error:
        moved = has_moved(error)
        gone = moved or tx.dialect.is_disconnect(error, tx.connection.dbapi_connection, None)
        if gone:
            tx.invalidate()
        if moved:
            tx.engine.pool._invalidate(None)  # type: ignore[arg-type]  # noqa: SLF001  as the engine does for its own errors
        raise DBAPIError.instance(
            None, None, error, errors, hide_parameters=True, connection_invalidated=gone, dialect=tx.dialect
        ) from None


def _asked(tx: Connection, statement: Select[Any], values: dict[str, Any]) -> tuple[str, Any] | None:
    """The text and values of a query, for the driver; None where it looks among none."""
    lists = {name: len(value) for name, value in values.items() if isinstance(value, list)}
    if not all(lists.values()):
        return None
    if tx.dialect.name == "postgresql":
        text, constants = _query_of_arrays(tx.dialect, statement, frozenset(lists))
        return text, constants | values
    text, places, constants = _query(tx.dialect, statement, tuple((name, _room(size)) for name, size in lists.items()))
    values = constants | values
    return text, tuple(values[name] if n is None else values[name][n % lists[name]] for name, n in places)


def _room(size: int) -> int:
    """The next power of two: a list is filled up with its own members, so that few texts are compiled and prepared.

    Not a long list, which could grow past what the database takes.
    """
    return 1 << (size - 1).bit_length() if size <= FILLED else size


@lru_cache(maxsize=512)
def _query(
    dialect: Dialect, statement: Select[Any], lists: tuple[tuple[str, int], ...]
) -> tuple[str, list[tuple[str, int | None]], dict[str, Any]]:
    """The text; its parameters in order, each by our name and which member of a list; and values of its own."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    constants = _constants(compiled)
    names = constants | {name: [None] * room for name, room in lists}
    state = compiled.construct_expanded_state(names)
    places: dict[str, tuple[str, int | None]] = {name: (name, None) for name in names}
    for name, expanded in state.parameter_expansion.items():
        places |= {each: (name, index) for index, each in enumerate(expanded)}
    return state.statement, [places.get(each, (each, None)) for each in state.positiontup or ()], constants


@lru_cache(maxsize=512)
def _query_of_arrays(dialect: Dialect, statement: Select[Any], lists: frozenset[str]) -> tuple[str, dict[str, Any]]:
    """The text for PostgreSQL, where a list of any length is one value; and values of its own."""

    def array(element: Any, **_: Any) -> Any:
        listed = element.right if isinstance(element, BinaryExpression) else None
        if not isinstance(listed, BindParameter) or listed.key not in lists:
            return None
        return element.left == sa.any_(_array(listed.key, element.left.type))

    compiled = cast("Select[Any]", visitors.replacement_traverse(statement, {}, array)).compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    return compiled.string, _constants(compiled, lists)


@lru_cache(maxsize=512)
def _change(
    dialect: Dialect, statement: Insert | Update, members: tuple[str, ...]
) -> tuple[str, list[str], dict[str, Any], bool]:
    """The text for one, the order of its parameters, and values of its own; for PostgreSQL that for many, over arrays."""
    compiled = statement.compile(dialect=dialect, column_keys=list(members))
    assert isinstance(compiled, SQLCompiler)
    if dialect.name != "postgresql":
        return compiled.string, compiled.positiontup or [], _constants(compiled, members), False
    arrays = {name: compiled.binds[name].type for name in members}
    many = _over_arrays(statement, arrays).compile(dialect=dialect)
    assert isinstance(many, SQLCompiler)
    return many.string, [], _constants(many, members), True


def _array(name: str, of: TypeEngine[Any]) -> BindParameter[Any]:
    """A place for an array; of texts without a length, since a cast to one with a length would cut them off."""
    return sa.bindparam(name, type_=ARRAY(sa.Text() if isinstance(of, sa.String) else of))


def _constants(compiled: SQLCompiler, members: Collection[str] = ()) -> dict[str, Any]:
    """The values that a statement brings along."""
    return {name: given.value for given, name in compiled.bind_names.items() if name not in members}


def _over_arrays(statement: Insert | Update, types: Mapping[str, TypeEngine[Any]]) -> Insert | Update:
    """The statement for all rows of equally long arrays, one for each member."""
    given = sa.func.unnest(*(_array(name, of) for name, of in types.items()))
    table = given.table_valued(*types).render_derived(name="given")
    if isinstance(statement, Insert):
        return statement.from_select(list(types), sa.select(table))

    def column(element: Any, **_: Any) -> Any:
        return table.c[element.key] if isinstance(element, BindParameter) and element.key in types else None

    return cast("Update", visitors.replacement_traverse(statement, {}, column))
