"""Finds PostgreSQL settings that are off although durability needs them. For SQLite, the program sets its own."""

from __future__ import annotations

import sqlalchemy as sa

from masking.database.engine import reading
from masking.store.store import Store

_OFF = sa.text(
    "SELECT name FROM pg_settings WHERE setting = 'off'"
    " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)


def unsafe_durability_settings(store: Store) -> list[tuple[str, str]]:
    """(database, setting) of each setting that lets a power cut undo commits. The database is "data" or "keys".

    Raises:
        UnavailableError: a server did not answer.
    """
    found = []
    for database, engine in (("data", store.data), ("keys", store.keys.engine)):
        if engine.dialect.name == "postgresql":
            with reading(engine) as tx:
                found += [(database, name) for name in tx.execute(_OFF).scalars()]
    return found
