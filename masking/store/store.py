"""The store of one deployment, which every step gets: the data database, the key store and the settings."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, final

from sqlalchemy.engine import Connection, Engine, make_url
from sqlalchemy.exc import ArgumentError

from masking.access.budget import ALWAYS, DAYTIME, Hours
from masking.access.detectors import Thresholds
from masking.access.network import Network
from masking.crypto import archive, labelcode
from masking.crypto.keys import KeySource
from masking.database import fork_guard, key_schema, schema
from masking.database.connections import open_engine
from masking.database.engine import reading, transaction
from masking.database.key_schema import KEYS_HEAD
from masking.database.migrating import migrate
from masking.database.schema import DATA_HEAD
from masking.database.schema_check import check_schema
from masking.errors import SettingsError
from masking.keys.keystore import ROW_KEY, KeyStore
from masking.ledger.log import Leaf, letters, subject
from masking.runtime import DAY, World, day_at, milliseconds
from masking.store import row_macs
from masking.store.row_macs import RowMacs
from masking.values.states import Retention
from masking.words.ledger_kinds import LedgerKind

PAGE = 1000
"""How many waybills one transaction of a sweep handles. SQLite allows 32,766 values in a statement."""

Transaction = Connection
"""The value of `Store.transaction`. Steps pass it to `masking.store` and `masking.journal` and don't use it themselves."""


class TransactionHook(Protocol):
    """Code that runs at the beginning of each transaction, such as the check of a login."""

    def __call__(self, tx: Transaction) -> None:
        """Run in the new transaction. An exception rolls it back."""
        ...

    def close(self) -> None:
        """Run after the commit."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment's settings.

    Attributes:
        tenant: the carrier or platform that runs the deployment. Every ciphertext is bound to it.
        carrier: the name printed on labels.
        demo: whether visibly fake numbers may be loaded; never set for real parcels.
        retention: how long waybills stay in each state.
        network: which outlet collects from which merchants, and which outlet delivers where.
        watch: thresholds for the findings of a day.
        name_next_unit: whether a departure has to name the unit that comes next.
        hours: when parcels may be opened by couriers who have no recorded shift.
        lease_at_print: whether a virtual number is leased with the first label instead of at checkout.
        number_share: the most virtual numbers that a merchant may hold, in percent of the free ones and its own.
    """

    tenant: str = "carrier"
    carrier: str = ""
    demo: bool = False
    retention: Retention = field(default_factory=Retention)
    network: Network = field(default_factory=Network)
    watch: Thresholds = field(default_factory=Thresholds)
    name_next_unit: bool = False
    hours: Hours = DAYTIME
    lease_at_print: bool = True
    number_share: int = 50

    @property
    def opening(self) -> Hours:
        """The hours that apply. A demo allows all."""
        return ALWAYS if self.demo else self.hours

    @property
    def origin(self) -> str:
        """The name of the ledger in its checkpoints (FORMAT.md section 9)."""
        return f"waybill-masking/{self.tenant}"


class Store:
    """The data, keys and settings of one deployment. In memory are only connections and opened keys."""

    def __init__(self, data: Engine, keys: KeyStore, settings: Settings) -> None:
        self.data = data
        self.keys = keys
        self.settings = settings
        self._engines: tuple[Engine, ...] = (data, keys.engine)
        self.macs = RowMacs(keys)
        row_macs.install(data, self.macs)
        self._entry: TransactionHook | None = None

    def entering(self, entry: TransactionHook) -> Store:
        """This store with a hook that each transaction begins with. If the hook raises, the transaction is rolled back."""
        other = copy(self)
        other._entry = entry  # noqa: SLF001  our own copy
        return other

    @classmethod
    def open(cls, data_url: str, keys_url: str, source: KeySource, settings: Settings) -> Store:
        """Open both databases and bring their schemas up to date.

        Raises:
            SettingsError: a database can't be written, is newer than this program, is not SQLite or PostgreSQL, or has a
                foreign schema.
        """
        data, keys = open_engine(data_url, "data"), open_engine(keys_url, "keys")
        migrate(data, "data", DATA_HEAD)
        migrate(keys, "keys", KEYS_HEAD)
        store = cls(data, KeyStore(keys, source), settings)
        store.check_schemas()
        return store

    def check_schemas(self) -> None:
        """Refuse databases with a foreign schema; see `schema_check.check_schema`."""
        check_schema(self.data, schema.data, "data")
        check_schema(self.keys.engine, key_schema.keys, "keys")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """A transaction on the data, committed when the block ends without an exception. See `engine.transaction`."""
        with transaction(self.data, self._entry) as tx:
            yield tx
        if self._entry:
            self._entry.close()

    def reading(self) -> AbstractContextManager[Transaction]:
        """A read-only transaction on the data, which waits for no writer. See `engine.reading`."""
        return reading(self.data)

    def nowait(self) -> Store | None:
        """This store with a connection that raises `BusyError` instead of waiting for another writer.

        None unless the data is an SQLite file: a database in memory has only one connection, and nothing bounds the time of
        a COMMIT on a server. Close the returned store, too.
        """
        if self.data.dialect.name != "sqlite" or not self.data.url.database:
            return None
        other = copy(self)
        other.data = open_engine(self.data.url.render_as_string(hide_password=False), "data", wait_for_writers=False)
        other._engines = (other.data,)  # noqa: SLF001  our own copy, which closes what it opened
        row_macs.install(other.data, self.macs)
        return other

    def check_open(self) -> None:
        """Check that this store may be used.

        Raises:
            ForkedError: it was opened before the fork that made this process.
            ClosedError: it was closed.
        """
        for engine in self._engines:
            fork_guard.check(engine)

    def close(self) -> None:
        """Close all connections. In a forked child, connections that the parent opened stay open: they are the parent's."""
        for engine in self._engines:
            fork_guard.close(engine)

    def read_codes(self, codes: Iterable[str], world: World, now: datetime) -> list[tuple[bytes, int] | None]:
        """The waybill and print number of each authentic label code, None for any other string. Does not read the data."""
        keys = self.keys.label_keys(world, now)
        return [labelcode.decode(keys, self.settings.tenant, code) for code in codes]

    def write_code(self, waybill: bytes, print_number: int, world: World, now: datetime) -> str:
        """The label code of one print."""
        key_id, key = max(self.keys.label_keys(world, now).items())
        return labelcode.encode(key_id, key, self.settings.tenant, waybill, print_number)

    def leaf(
        self, world: World, now: datetime, kind: LedgerKind, actor: str, waybill: bytes | None = None, /, **detail: str
    ) -> Leaf:
        """A ledger leaf about an act. It names the waybill only by its subject."""
        about = None if waybill is None else self.subject(waybill, world, now)
        return Leaf(id=world.record_id(now), at=now, kind=kind, actor=actor, subject=about, detail=detail)

    def refusal_leaf(self, world: World, now: datetime, actor: str, waybill: bytes, reason: str, *, step: str) -> Leaf:
        """The leaf of a refused act, with the true reason. The actor may have got a more general one."""
        return self.leaf(world, now, LedgerKind.REFUSAL, actor, waybill, reason=reason, step=step)

    def subject(self, waybill: bytes, world: World, now: datetime) -> bytes:
        """A waybill's pseudonym in the ledger, made with the salt of the waybill's day (FORMAT.md section 8)."""
        made, present = int.from_bytes(waybill[:6], "big"), milliseconds(now)
        known = made < present + 2 * DAY
        salt = self.keys.existing("salt", day_at(made)) if known else None
        if salt is None:  # an invented id must not create keys for arbitrary days
            recent = known and made > present - 400 * DAY
            salt = self.keys.key("salt", day_at(made if recent else present), world, now)
        return subject(salt, waybill)

    def duty(self, assignment: bytes, world: World, now: datetime) -> str:
        """An assignment's pseudonym in the ledger. It links the leaf of the assignment to those of the acts it allowed."""
        return letters(self.subject(assignment, world, now))


def reason_not_empty(data_url: str, keys_url: str) -> str:
    """Why a new deployment can't be created in these databases, "" if it can. Creates missing SQLite files with mode 0600.

    Raises:
        SettingsError: see `Store.open`.
    """
    for file in files((data_url, keys_url)):
        file.touch(mode=0o600)  # SQLite would use the umask; its log gets the file's mode
    for url, name, head, table, why in (
        (
            keys_url,
            "keys",
            KEYS_HEAD,
            key_schema.stored_key,
            "there are keys already, and keys are never overwritten. Choose another folder or database",
        ),
        (
            data_url,
            "data",
            DATA_HEAD,
            schema.person,
            "there is data already, and only a copy of its own keys opens it. Restore that, or choose another folder or database",
        ),
    ):
        engine = open_engine(url)
        try:
            migrate(engine, name, head)
            with reading(engine) as tx:
                if tx.execute(table.select().limit(1)).first():
                    return why
        finally:
            fork_guard.close(engine)
    return ""


def missing_sqlite_file(*urls: str) -> str:
    """The name of a missing SQLite file of these addresses, "" if none is missing."""
    return next((file.name for file in files(urls) if not file.exists()), "")


def files(urls: Iterable[str]) -> list[Path]:
    """The files of the SQLite databases among these addresses.

    Raises:
        SettingsError: an address is not valid.
    """
    try:
        places = [make_url(url) for url in urls]
    except (ArgumentError, ValueError):
        places = []
    if not places or any(place.get_backend_name() not in ("sqlite", "postgresql") for place in places):
        raise SettingsError(
            "the address of a database is not valid. Write sqlite:///path or postgresql+psycopg://user@host/name"
        )
    return [Path(place.database) for place in places if place.get_backend_name() == "sqlite" and place.database]


def create_keys(store: Store, world: World) -> bytes:
    """Create a new deployment's first keys. Returns the private half of the offline key, which is not stored."""
    now = world.now()
    private, public = archive.generate()
    store.keys.put("offline", "1", public, world, now)
    if store.keys.offline_public() != ("1", public):
        raise FileExistsError
    store.keys.key("sign", "ledger", world, now)
    store.keys.key(*ROW_KEY, world, now)
    return private
