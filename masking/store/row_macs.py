"""Rows of the data that decide who may do what carry a MAC, so that the right to write the data is not a right to act.

Credentials, people, one-time codes and assignments are read through here: a row whose MAC is wrong is treated as absent, and
raises an alarm. They are written through here: a MAC covers every column but those of `UNCOVERED`, so a new column can't be
forgotten. The key is in the key store and lives as long as the deployment. A MAC does not show that a row is put back as it
once was: people, devices and secrets that were ended are on a list of the key store (`ended`); what else that allows is in
docs/threat-model.md.
"""

from __future__ import annotations

import hmac
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from operator import itemgetter
from typing import Any, Literal, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from masking.crypto.rowmac import row_head, row_mac
from masking.database.engine import streaming
from masking.database.schema import assignment, code, credential, person
from masking.errors import IntegrityError
from masking.keys import ended_access
from masking.keys.keystore import ROW_KEY, KeyStore
from masking.ledger.log import is_name
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.words.alarms import AlarmKind

OWNERS = {person: "id", credential: "person", code: "person", assignment: "courier"}
"""The tables whose rows carry a MAC, each with the column that says whose a row is."""

_COUNTED = "a count or a time of use, which a look changes; without a MAC a writer of the data can reset it"
UNCOVERED: dict[str, dict[str, str]] = {
    "assignment": {"closed": "an open row has a MAC, a closed one has none"}
    | dict.fromkeys(("masked_views", "opened_at", "counted_since"), _COUNTED),
}
"""The columns that a MAC does not cover, by table, each with the reason."""

ALARM = AlarmKind.ROW_NOT_AS_WRITTEN
_ID, _ACTIVE = (person.columns.keys().index(name) for name in ("id", "active"))
_DIGEST, _KEY = (credential.columns.keys().index(name) for name in ("digest", "key"))
_OFTEN = timedelta(hours=1)
_OPTION = "row_macs"
_REMEMBERED = 5000


class _Shape(NamedTuple):
    """How the MAC of a table's rows is made: its head, the covered columns' names, and their values out of a whole row."""

    head: bytes
    names: tuple[str, ...]
    covered: itemgetter[Any]
    mac: int
    owner: int


@cache
def _shape(table: sa.Table) -> _Shape:
    every = [each.name for each in table.columns]
    names = tuple(name for name in every if name != "mac" and name not in UNCOVERED.get(table.name, ()))
    places = [every.index(name) for name in names]
    head = row_head(table.name, names)
    return _Shape(head, names, itemgetter(*places), every.index("mac"), every.index(OWNERS[table]))


class RowMacs:
    """Makes and checks the MACs of one deployment's rows, and remembers whose rows were wrong until that was reported."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys
        self._good: dict[tuple[Any, ...], list[bytes]] = {}  # with the entries under which each would be ended
        self.wrong: set[str] = set()

    def made(self, table: sa.Table, row: Mapping[str, Any]) -> bytes:
        """The MAC of a row that is about to be written.

        Raises:
            IntegrityError: the key store has no key for it.
            KeyError: the row lacks a column.
        """
        key, shape = self._key(), _shape(table)
        if key is None:
            raise IntegrityError("the key store has no key for the MACs of rows; put back a copy of it")
        return row_mac(key, shape.head, [row[name] for name in shape.names])

    def holds(self, table: sa.Table, row: Sequence[Any]) -> bool:
        """Whether a whole row, in the order of its columns, is as it was written, and is not one that was ended."""
        whole = (table.name, *row)
        known = self._good.get(whole)  # the same login and person come with each request
        entries = _entries(table, row) if known is None else known
        ended = bool(entries) and ended_access.includes(self.keys, entries)
        if ended or (known is None and not self._is_good(_shape(table), row)):
            self._blame(table, row)
            return False
        if known is None and entries:  # an assignment, which has none, comes back too seldom
            if len(self._good) >= _REMEMBERED:
                self._good.clear()
            self._good[whole] = entries
        return True

    def _blame(self, table: sa.Table, row: Sequence[Any]) -> None:
        if len(self.wrong) < _REMEMBERED:
            self.wrong.add(_name(row[_shape(table).owner]))

    def _is_good(self, shape: _Shape, row: Sequence[Any]) -> bool:
        key, mac = self._key(), row[shape.mac]
        if key is None or not isinstance(mac, bytes):
            return False
        try:
            return hmac.compare_digest(mac, row_mac(key, shape.head, shape.covered(row)))
        except (AttributeError, OverflowError):  # SQLite keeps any kind of value in any column
            return False

    def _key(self) -> bytes | None:
        return self.keys.existing(*ROW_KEY)


def _entries(table: sa.Table, row: Sequence[Any]) -> list[bytes]:
    """The entries of `ended` under which a row that gives access would be; a device's own are looked up where it signs in."""
    if table is person and row[_ACTIVE]:
        return [ended_access.person(_name(row[_ID]))]
    if table is credential:
        return [ended_access.credential(each) for each in (row[_DIGEST], row[_KEY]) if isinstance(each, bytes)]
    return []


def _name(owner: object) -> str:
    """The id in a row, as text. A foreign writer may have stored any type."""
    return owner if isinstance(owner, str) and is_name(owner) else "unknown"


def install(engine: sa.Engine, macs: RowMacs) -> None:
    """Let the transactions of this engine make and check MACs."""
    engine.update_execution_options(**{_OPTION: macs})


def of(tx: Connection) -> RowMacs:
    """What makes and checks the MACs in this transaction."""
    found: RowMacs = tx.get_execution_options()[_OPTION]
    return found


def with_mac(tx: Connection, table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A new row, every column of it, as it is written."""
    return {**row, "mac": of(tx).made(table, row)}


def found(
    tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool], lock: Literal["share", "update"] | None = None
) -> list[sa.Row[Any]]:
    """The rows under these conditions that are as they were written; with `lock` they stay so until the transaction ends."""
    query = sa.select(table).where(*where).order_by(*table.primary_key.columns)
    if lock:
        query = query.with_for_update(read=lock == "share")
    macs = of(tx)
    return [row for row in tx.execute(query) if macs.holds(table, row)]


def change(tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool], **values: Any) -> list[sa.Row[Any]]:
    """Set columns of the rows under these conditions, each under a new MAC; the rows as they were before.

    A row whose MAC is wrong is left as it is: a new MAC would make it good.
    """
    [key] = table.primary_key.columns
    rows = found(tx, table, *where, lock="update")
    for row in rows:
        after = dict(row._mapping) | values  # noqa: SLF001  the name that SQLAlchemy documents
        update = table.update().where(key == row._mapping[key])  # noqa: SLF001
        tx.execute(update.values(with_mac(tx, table, after)))
    return rows


def wrong_rows(engine: sa.Engine, macs: RowMacs) -> Iterator[tuple[str, str]]:
    """Every row that decides something and is not as it was written: table, and whose it is."""
    for table, owner in OWNERS.items():
        open_ = (table.c.closed.is_(None),) if "closed" in table.c else ()
        for row in streaming(engine, sa.select(table).where(*open_)):
            if not macs.holds(table, row):
                yield table.name, _name(row._mapping[owner])  # noqa: SLF001


def report(tx: Connection, now: datetime, world: World) -> None:
    """Raise an alarm for each person whose rows were wrong since the last call, once an hour."""
    macs = of(tx)
    for owner in sorted(macs.wrong):
        raise_alarm(tx, ALARM, owner, now, world, at_most_every=_OFTEN)
    macs.wrong.clear()
