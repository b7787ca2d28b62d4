"""MACs of the rows that decide who may do what, so that a right to write the data database is not a right to act.

Credentials, people, one-time codes and assignments are read and written through this module. A row whose MAC is wrong is
treated as absent, and raises an alarm. A MAC covers every column except those of `UNCOVERED`, so that a new column can't be
forgotten. The MAC's key is in the key store and lives as long as the deployment.

A MAC does not reveal an old version of a row that is put back. Therefore the key store lists the people, devices and secrets
that were ended (`ended`). docs/threat-model.md says what an old row allows otherwise.
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
"""The tables whose rows carry a MAC, each with the column of the person whom a row concerns."""

_COUNTED = "a count or a time of use that each view changes; a writer of the data can reset it"
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
    """How the MAC of a table's rows is made.

    Attributes:
        head: the MAC's first input: table and columns.
        names: the covered columns.
        covered: takes their values out of a whole row.
        mac, owner: the positions of these two columns.
    """

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
    """Makes and checks the MACs of one deployment's rows. Collects the people whose rows were wrong for `report`."""

    def __init__(self, keys: KeyStore) -> None:
        self.keys = keys
        self._good: dict[tuple[Any, ...], list[bytes]] = {}  # with the entries under which each would be ended
        self.wrong: set[str] = set()

    def made(self, table: sa.Table, row: Mapping[str, Any]) -> bytes:
        """The MAC of a row that is about to be written.

        Raises:
            IntegrityError: the key store has no key for it. Restore a copy of the key store.
            KeyError: the row lacks a column.
        """
        key, shape = self._key(), _shape(table)
        if key is None:
            raise IntegrityError("the key store has no key for the MACs of rows. Restore a copy of the key store")
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
    """The entries of `ended` that would make this row invalid. The one of a device is looked up where the device signs in."""
    if table is person and row[_ACTIVE]:
        return [ended_access.person(_name(row[_ID]))]
    if table is credential:
        return [ended_access.credential(each) for each in (row[_DIGEST], row[_KEY]) if isinstance(each, bytes)]
    return []


def _name(owner: object) -> str:
    """The id in a row, "unknown" if it is not a valid one: a writer of the data may have stored any type."""
    return owner if isinstance(owner, str) and is_name(owner) else "unknown"


def install(engine: sa.Engine, macs: RowMacs) -> None:
    """Let the transactions of this engine make and check MACs with this object."""
    engine.update_execution_options(**{_OPTION: macs})


def of(tx: Connection) -> RowMacs:
    """The object that makes and checks MACs in this transaction."""
    found: RowMacs = tx.get_execution_options()[_OPTION]
    return found


def with_mac(tx: Connection, table: sa.Table, row: Mapping[str, Any]) -> dict[str, Any]:
    """A new row with its MAC. `row` holds every other column."""
    return {**row, "mac": of(tx).made(table, row)}


def found(
    tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool], lock: Literal["share", "update"] | None = None
) -> list[sa.Row[Any]]:
    """The valid rows that fulfil these conditions, in order of their keys; with `lock`, locked until the transaction ends."""
    query = sa.select(table).where(*where).order_by(*table.primary_key.columns)
    if lock:
        query = query.with_for_update(read=lock == "share")
    macs = of(tx)
    return [row for row in tx.execute(query) if macs.holds(table, row)]


def change(tx: Connection, table: sa.Table, *where: sa.ColumnElement[bool], **values: Any) -> list[sa.Row[Any]]:
    """Set columns of the rows that fulfil these conditions, and renew their MACs. Returns the rows as they were before.

    A row whose MAC is wrong is left alone: a new MAC would make it valid.
    """
    [key] = table.primary_key.columns
    rows = found(tx, table, *where, lock="update")
    for row in rows:
        after = dict(row._mapping) | values  # noqa: SLF001  the name that SQLAlchemy documents
        update = table.update().where(key == row._mapping[key])  # noqa: SLF001
        tx.execute(update.values(with_mac(tx, table, after)))
    return rows


def wrong_rows(engine: sa.Engine, macs: RowMacs) -> Iterator[tuple[str, str]]:
    """Every row whose MAC is wrong: its table, and the person whom it concerns."""
    for table, owner in OWNERS.items():
        open_ = (table.c.closed.is_(None),) if "closed" in table.c else ()
        for row in streaming(engine, sa.select(table).where(*open_)):
            if not macs.holds(table, row):
                yield table.name, _name(row._mapping[owner])  # noqa: SLF001


def report(tx: Connection, now: datetime, world: World) -> None:
    """Raise an alarm, at most once an hour, for each person whose rows were wrong since the last call."""
    macs = of(tx)
    for owner in sorted(macs.wrong):
        raise_alarm(tx, ALARM, owner, now, world, at_most_every=_OFTEN)
    macs.wrong.clear()
