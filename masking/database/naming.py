"""Names of constraints and indexes, derived from the table and its columns so that no declaration gives one."""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import Index, text

NAMING: Final = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}
"""The naming convention of both databases' metadata."""


def partial_index(*columns: Any, where: str, unique: bool = False, name: str | None = None) -> Index:
    """An index of the rows that fulfil a condition, on both kinds of database.

    It needs a `name` where the table has another index of the same columns.
    """
    return Index(name, *columns, unique=unique, sqlite_where=text(where), postgresql_where=text(where))
