"""Brings a database's schema up to date with Alembic."""

from __future__ import annotations

import threading
from functools import cache
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.engine import Engine
from sqlalchemy.exc import SQLAlchemyError

from masking.database import fork_guard
from masking.database.causes import AWAY
from masking.database.engine import advisory_lock, fault_in, quiet
from masking.errors import SettingsError, UnavailableError

MIGRATIONS = Path(__file__).parent / "migrations"


def migrate(engine: Engine, metadata: str, head: str) -> None:
    """Bring the schema of the database "data" or "keys" to `head`. Imports Alembic only if there is something to do.

    Raises:
        SettingsError: the database can't be written, or is of a newer version than this program.
        UnavailableError: the database server does not answer.
    """
    try:
        with fork_guard.connected(engine) as connection:
            found = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    except SQLAlchemyError as error:
        fault = fault_in(error, engine)
        if fault.cause in AWAY and engine.dialect.name != "sqlite":
            raise UnavailableError(
                f"the server of the {metadata} database can't be used now ({fault.cause}). Start it, then try again",
                fault=fault,
            ) from quiet(error)
        found = None
    if found == head:
        return
    from alembic import command  # noqa: PLC0415  takes a tenth of a second, needed only at the first start
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util.exc import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("version_locations", str(MIGRATIONS / metadata))
    config.set_main_option("path_separator", "os")
    try:
        with fork_guard.connected(engine) as connection, _alembic_lock(), connection.begin():
            advisory_lock(connection, "migrate")
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except CommandError as error:
        raise SettingsError(
            f"the {metadata} database is of another version than this program. Install the version that made it"
        ) from error
    except SQLAlchemyError as error:
        raise SettingsError(
            f"the {metadata} database can't be opened for writing. Check its address, and that this user may write it"
        ) from error


@cache
def _alembic_lock() -> threading.Lock:
    """The lock that makes threads take turns, since Alembic keeps its state in module globals.

    It is only held during a use of an engine, for whose end a fork waits, so that no child inherits it locked.
    """
    return threading.Lock()
