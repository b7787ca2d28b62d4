"""The store that steps are given: the data database, the key store, and the settings of one deployment."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime, timedelta
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
from masking.database.engine import migrate, open_engine, reading, transaction
from masking.database.key_schema import KEYS_HEAD
from masking.database.schema import DATA_HEAD
from masking.database.schema_check import check_schema
from masking.errors import SettingsError
from masking.keys.keystore import ROW_KEY, KeyStore
from masking.ledger.log import Leaf, letters, subject
from masking.runtime import World, day_of, milliseconds, moment
from masking.store import row_macs
from masking.store.row_macs import RowMacs
from masking.values.states import Retention
from masking.words.ledger_kinds import LedgerKind

PAGE = 1000
"""How many waybills one transaction of a sweep looks at; SQLite takes 32,766 values in a statement."""

Transaction = Connection
"""What `Store.transaction` gives; steps pass it on and never look inside."""


class TransactionHook(Protocol):
    """What is done at the beginning of each transaction of a step, by those who run it."""

    def __call__(self, tx: Transaction) -> None:
        """Do it."""
        ...

    def close(self) -> None:
        """That transaction is committed."""
        ...


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """One deployment's settings.

    Attributes:
        tenant: the carrier or platform that runs it; part of what every ciphertext is bound to.
        carrier: the name printed on labels.
        demo: whether visibly fake numbers may be loaded; never set for real parcels.
        retention: how long waybills stay in each state.
        network: which outlet collects from whom, and delivers what.
        watch: what stands out in a day.
        name_next_unit: whether a departure has to name the unit that comes next.
        hours: when parcels are opened, by those of whom no shift is on record.
        lease_at_print: whether a virtual number is leased with the first label, or at checkout already.
        number_share: how much of the virtual numbers that are left a merchant may hold, with those it has, in percent.
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
        """The hours in force: a demo has no night."""
        return ALWAYS if self.demo else self.hours

    @property
    def origin(self) -> str:
        """The name of the ledger in its checkpoints (FORMAT.md section 9)."""
        return f"waybill-masking/{self.tenant}"


class Store:
    """Data, keys and settings. Holds no state of the trade in memory, only connections and opened keys."""

    def __init__(self, data: Engine, keys: KeyStore, settings: Settings) -> None:
        self.data = data
        self.keys = keys
        self.settings = settings
        self._engines: tuple[Engine, ...] = (data, keys.engine)
        self.macs = RowMacs(keys)
        row_macs.install(data, self.macs)
        self._entry: TransactionHook | None = None

    def entering(self, entry: TransactionHook) -> Store:
        """This store, whose transactions begin with `entry`; what that raises undoes them."""
        other = copy(self)
        other._entry = entry  # noqa: SLF001  our own copy
        return other

    @classmethod
    def open(cls, data_url: str, keys_url: str, source: KeySource, settings: Settings) -> Store:
        """Open both databases, bringing their schemas up to date.

        Raises:
            SettingsError: one of them can't be written, is newer than this program, is of a kind that it can't open, or has
                a schema that is not this program's.
        """
        data, keys = open_engine(data_url, "data"), open_engine(keys_url, "keys")
        migrate(data, "data", DATA_HEAD)
        migrate(keys, "keys", KEYS_HEAD)
        store = cls(data, KeyStore(keys, source), settings)
        store.check_schemas()
        return store

    def check_schemas(self) -> None:
        """Refuse databases whose schemas are not this program's; see `schema_check.check_schema`."""
        check_schema(self.data, schema.data, "data")
        check_schema(self.keys.engine, key_schema.keys, "keys")

    @contextmanager
    def transaction(self) -> Iterator[Transaction]:
        """One transaction on the data: committed when the block ends well. See `engine.transaction`."""
        with transaction(self.data, self._entry) as tx:
            yield tx
        if self._entry:
            self._entry.close()

    def reading(self) -> AbstractContextManager[Transaction]:
        """A look at the data that waits for no writer. See `engine.reading`."""
        return reading(self.data)

    def nowait(self) -> Store | None:
        """This store on connections of its own, which wait for no other writer; None where that is not certain.

        A transaction takes no longer than the work itself and the disk, or else raises `BusyError`. The caller closes it. A
        database in memory has only one connection, and nothing bounds how long a server takes for a COMMIT.
        """
        if self.data.dialect.name != "sqlite" or not self.data.url.database:
            return None
        other = copy(self)
        other.data = open_engine(self.data.url.render_as_string(hide_password=False), "data", patient=False)
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
        """Close all connections. In a process that was forked since they were opened they are the parent's, and stay."""
        for engine in self._engines:
            fork_guard.close(engine)

    def read_codes(self, codes: Iterable[str], world: World, now: datetime) -> list[tuple[bytes, int] | None]:
        """The waybill and print number of each authentic label code, None for another text. Asks no database of data."""
        keys = self.keys.label_keys(world, now)
        return [labelcode.decode(keys, self.settings.tenant, code) for code in codes]

    def write_code(self, waybill: bytes, print_number: int, world: World, now: datetime) -> str:
        """The label code of one print."""
        key_id, key = max(self.keys.label_keys(world, now).items())
        return labelcode.encode(key_id, key, self.settings.tenant, waybill, print_number)

    def leaf(
        self, world: World, now: datetime, kind: LedgerKind, actor: str, waybill: bytes | None = None, /, **detail: str
    ) -> Leaf:
        """A ledger leaf about an act; the waybill appears only as its keyed subject."""
        about = None if waybill is None else self.subject(waybill, world, now)
        return Leaf(id=world.record_id(now), at=now, kind=kind, actor=actor, subject=about, detail=detail)

    def refusal_leaf(self, world: World, now: datetime, actor: str, waybill: bytes, reason: str, *, step: str) -> Leaf:
        """The leaf of an act that was refused, whatever uniform answer the actor got."""
        return self.leaf(world, now, LedgerKind.REFUSAL, actor, waybill, reason=reason, step=step)

    def subject(self, waybill: bytes, world: World, now: datetime) -> bytes:
        """A waybill's name in the ledger, under the salt of the day it was made (FORMAT.md section 8)."""
        made = int.from_bytes(waybill[:6], "big")
        known = made < milliseconds(now + timedelta(days=2))
        salt = self.keys.existing("salt", day_of(moment(made))) if known else None
        recent = known and made > milliseconds(now - timedelta(days=400))
        if salt is None:  # a made-up id must not make keys for any day it likes
            salt = self.keys.key("salt", day_of(moment(made)) if recent else day_of(now), world, now)
        return subject(salt, waybill)

    def duty(self, assignment: bytes, world: World, now: datetime) -> str:
        """An assignment's name in the ledger: in the leaf that gave the duty, and in those of what it allowed."""
        return letters(self.subject(assignment, world, now))


def reason_not_empty(data_url: str, keys_url: str) -> str:
    """Why these two databases are no place for new keys; empty if they are. Then SQLite's files are their owner's alone.

    Raises:
        SettingsError: see `Store.open`.
    """
    for file in files((data_url, keys_url)):
        file.touch(mode=0o600)  # SQLite itself would leave that to the umask; its log takes after them
    for url, name, head, table, why in (
        (keys_url, "keys", KEYS_HEAD, key_schema.stored_key, "there are keys already; they are never written over"),
        (data_url, "data", DATA_HEAD, schema.person, "there is data already; only a copy of its own keys opens it"),
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
    """The name of an SQLite file among these addresses that is not there; empty if none is missing."""
    return next((file.name for file in files(urls) if not file.exists()), "")


def files(urls: Iterable[str]) -> list[Path]:
    """The files of those databases that are SQLite's.

    Raises:
        SettingsError: one is not a database's address.
    """
    try:
        places = [make_url(url) for url in urls]
    except (ArgumentError, ValueError):
        places = []
    if not places or any(place.get_backend_name() not in ("sqlite", "postgresql") for place in places):
        raise SettingsError("a database's address is sqlite:///path or postgresql+psycopg://user@host/name")
    return [Path(place.database) for place in places if place.get_backend_name() == "sqlite" and place.database]


def create_keys(store: Store, world: World) -> bytes:
    """Give a new deployment its offline archive key; the private half, which is kept nowhere here."""
    now = world.now()
    private, public = archive.generate()
    store.keys.put("offline", "1", public, world, now)
    if store.keys.offline_public() != ("1", public):
        raise FileExistsError
    store.keys.key("sign", "ledger", world, now)
    store.keys.key(*ROW_KEY, world, now)
    return private
