"""What the servers of the two databases have switched off that this program counts on; of SQLite the program says it itself."""

from __future__ import annotations

import sqlalchemy as sa

from masking.database.engine import reading
from masking.store.store import Store

_OFF = sa.text(
    "SELECT name FROM pg_settings WHERE setting = 'off'"
    " AND name IN ('fsync', 'full_page_writes', 'synchronous_commit') ORDER BY name"
)


def unsafe_durability_settings(store: Store) -> list[tuple[str, str]]:
    """The database, "data" or "keys", and the setting by which a power cut undoes what its server has committed.

    Raises:
        UnavailableError: a server did not answer.
    """
    found = []
    for database, engine in (("data", store.data), ("keys", store.keys.engine)):
        if engine.dialect.name == "postgresql":
            with reading(engine) as tx:
                found += [(database, name) for name in tx.execute(_OFF).scalars()]
    return found
