"""Hot statements, past the expression layer: compiled once for each kind of database, then handed to the driver as text.

They stay Core statements, so that one place knows tables and columns; only what SQLAlchemy does anew for each execution
falls away, which is more than what the database does for a row by its key. Values go to the driver as they are: bytes,
texts, numbers, None. Errors are SQLAlchemy's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy.engine import Connection, Dialect
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.dml import UpdateBase
from sqlalchemy.sql.selectable import Select

FILLED = 1024
"""The longest list that is filled up."""


def rows(tx: Connection, statement: Select[Any], /, **values: Any) -> Sequence[Any]:
    """The rows that a query finds. Lists are for the places made by `engine.among`; among none there is nothing."""
    lists = {name: len(value) for name, value in values.items() if isinstance(value, list)}
    if not all(lists.values()):
        return ()
    text, places, constants = _query(tx.dialect, statement, tuple((name, _room(size)) for name, size in lists.items()))
    values = constants | values
    given = [values[name] if index is None else values[name][index % lists[name]] for _, name, index in places]
    if tx.dialect.positional:
        return tx.exec_driver_sql(text, tuple(given)).all()
    return tx.exec_driver_sql(text, {place: value for (place, *_), value in zip(places, given, strict=True)}).all()


def write(tx: Connection, statement: UpdateBase, values: Sequence[Mapping[str, Any]]) -> None:
    """Run an insertion or update once for each of these, which all have the same members; nothing if there are none."""
    if not values:
        return
    text, places = _change(tx.dialect, statement, tuple(values[0]))
    if places is None:
        tx.exec_driver_sql(text, [dict(each) for each in values])
    else:
        tx.exec_driver_sql(text, [tuple(each[place] for place in places) for each in values])


def _room(size: int) -> int:
    """The next power of two: a list is filled up with its own members, so that few texts are compiled and prepared.

    Not a long list, which could grow past what the database takes.
    """
    return 1 << (size - 1).bit_length() if size <= FILLED else size


@lru_cache(maxsize=512)
def _query(
    dialect: Dialect, statement: Select[Any], lists: tuple[tuple[str, int], ...]
) -> tuple[str, list[tuple[str, str, int | None]], dict[str, Any]]:
    """The text; its parameters in order: the driver's name, ours, and which member of a list; and values of its own."""
    compiled = statement.compile(dialect=dialect)
    assert isinstance(compiled, SQLCompiler)
    constants = {name: parameter.value for parameter, name in compiled.bind_names.items()}
    names = constants | {name: [None] * room for name, room in lists}
    state = compiled.construct_expanded_state(names)
    places: dict[str, tuple[str, str, int | None]] = {name: (name, name, None) for name in names}
    for name, expanded in state.parameter_expansion.items():
        places |= {each: (each, name, index) for index, each in enumerate(expanded)}
    order = state.positiontup if state.positiontup is not None else list(state.parameters)
    return state.statement, [places[each] for each in order], constants


@lru_cache(maxsize=512)
def _change(dialect: Dialect, statement: UpdateBase, members: tuple[str, ...]) -> tuple[str, list[str] | None]:
    """The text, and the members in the order of its parameters; None where the driver takes them by name."""
    compiled = statement.compile(dialect=dialect, column_keys=list(members))
    assert isinstance(compiled, SQLCompiler)
    return compiled.string, compiled.positiontup
