"""`connect(where)`: the one way in for merchants.

A folder is an embedded deployment: SQLite files and the root key, held by whoever runs it, who can therefore open
everything. An `https://` address is a service that holds the keys instead. The methods and outcomes are the same.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self, TypeVar, overload

from masking.access.people import Actor, Role
from masking.config import SETTINGS, databases, read_settings, read_table, written
from masking.crypto.keys import FileKeySource
from masking.disk import network_file_system, sync_folder, write_secret
from masking.drawing import installed
from masking.errors import (
    ClosedError,
    ForkedError,
    InputError,
    SettingsError,
    UnavailableError,
    UnknownWaybillError,
    not_installed,
)
from masking.journal import journal
from masking.keys.root import create_root, open_root, reachable_roots, settle_root
from masking.runtime import World
from masking.steps.change import Amend, Cancel, Change, Ship, change
from masking.steps.checkout import Checkout, checkout
from masking.steps.find import Find, find
from masking.steps.label import Label, label
from masking.store.rows import people
from masking.store.store import Settings, Store, create_keys, files, missing_sqlite_file, reason_not_empty
from masking.upkeep.recovery import reconcile
from masking.values import arguments
from masking.values.arguments import PAGE
from masking.values.plaintext import Order, Plain
from masking.values.printable import LabelData, Labels, Pending, Refusal, Rejected, Waybill, WaybillId

if TYPE_CHECKING:
    from masking.client import RemoteShop

ROOT_KEY = "root.key"
OFFLINE_KEY = "offline-archive.key"
PART = 1000
"""Requests of one transaction; SQLite takes 32,766 values in a statement."""
SHOP = "shop"
OPERATOR = "operator"


Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


class Shop:
    """A merchant's connection. Use it as a context manager; every method answers after the data is on disk."""

    def __init__(self, world: World, store: Store, merchant: Actor) -> None:
        self.world = world
        self.store = store
        self.merchant = merchant

    def checkout(self, orders: Iterable[Order]) -> list[Waybill | Rejected]:
        """A waybill or a rejection for each order, same order and length. Same reference and content: same waybill.

        Raises:
            UnavailableError: nothing is known to be stored; ask again with the same references.
        """
        return self._in_parts(
            checkout, [Checkout(merchant=self.merchant, order=order) for order in arguments.orders(orders)]
        )

    def ship(self, numbers: Iterable[tuple[WaybillId, str, str]]) -> list[Waybill | Rejected | Refusal]:
        """Enter the carrier's (id, waybill number, routing code) of waybills; each waybill as it is now, or why not."""
        return self._change(
            [
                Ship(merchant=self.merchant, id=WaybillId(id_), waybill_number=n, routing_code=r)
                for id_, n, r in arguments.numbers(numbers)
            ]
        )

    def amend(self, corrected: Iterable[tuple[WaybillId, Order]]) -> list[Waybill | Rejected | Refusal]:
        """Replace the content of waybills whose parcels have not left; each takes a new key."""
        return self._change(
            [
                Amend(merchant=self.merchant, id=WaybillId(id_), order=order)
                for id_, order in arguments.corrected(corrected)
            ]
        )

    def cancel(self, ids: Iterable[WaybillId]) -> list[Waybill | Rejected | Refusal]:
        """Destroy the data of orders that will not be sent."""
        return self._change([Cancel(merchant=self.merchant, id=id_) for id_ in arguments.ids(ids)])

    def find(
        self,
        *,
        phone: str | None = None,
        reference: str | None = None,
        limit: int = PAGE,
        after: WaybillId | None = None,
    ) -> list[Waybill]:
        """This merchant's waybills of one exact phone, or of one of its own references, oldest first, a page at a time.

        A list shorter than `limit` (1 to 100) is the last page. For the next one give the last waybill's id as `after`.

        Raises:
            InputError: not exactly one of phone and reference was given, or `limit` or `after` is not valid.
        """
        self.store.check_open()
        if (phone is None) == (reference is None):
            raise InputError("find", "give-a-phone-or-a-reference")
        plain = Plain(phone) if phone else None
        asked = Find(merchant=self.merchant, phone=plain, reference=reference, limit=limit, after=after)
        return find(self.world, self.store, [asked])[0]

    def status(self, id_: WaybillId) -> Waybill:
        """One waybill by its token.

        Raises:
            UnknownWaybillError: never issued, or not this merchant's.
        """
        found = find(self.world, self.store, [Find(merchant=self.merchant, id=id_)])[0]
        if not found:
            raise UnknownWaybillError
        return found[0]

    def labels(self, ids: Sequence[WaybillId], *, job: str, station: str = "shop", template: str = "100x180") -> Labels:
        """Labels as one PDF, counted once a job: asking again under the same job gives the same prints.

        Raises:
            SettingsError: what draws them is not installed; nothing was counted.
        """
        draw = installed()
        return draw(self.label_data(ids, job=job, station=station), template)

    def label_data(self, ids: Sequence[WaybillId], *, job: str, station: str) -> list[LabelData | Refusal]:
        """What these labels show, for a printer's own language or another template; counted as `labels` counts them."""
        asked = [Label(actor=self.merchant, id=id_, job=job, station=station) for id_ in arguments.ids(ids)]
        return self._in_parts(label, asked)

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Nothing: no order waits on its way to a folder. A service's shop sends its outbox."""
        self.store.check_open()
        return {}

    def pending(self) -> Pending:
        """No order waits on its way to a folder; see a service's shop."""
        self.store.check_open()
        return Pending(count=0)

    def close(self) -> None:
        """Give waiting ledger leaves their places and let go of the files."""
        # the next one to open the store gives them; closing twice, or what was opened before a fork, is no error
        with contextlib.suppress(UnavailableError, ClosedError, ForkedError):
            journal.sequence(self.world, self.store)
        self.store.close()

    def _change(self, changes: Sequence[Change]) -> list[Waybill | Rejected | Refusal]:
        return self._in_parts(change, changes)

    def _in_parts(
        self, step: Callable[[World, Store, Sequence[Request]], list[Outcome]], requests: Sequence[Request]
    ) -> list[Outcome]:
        """The outcomes of all requests, committed `PART` at a time: nobody else waits for the whole of a large batch."""
        self.store.check_open()
        parts = (requests[start : start + PART] for start in range(0, len(requests), PART))
        return [outcome for part in parts for outcome in step(self.world, self.store, part)]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


@overload
def connect(where: Path, *, world: World | None = None) -> Shop: ...


@overload
def connect(
    where: str | os.PathLike[str],
    *,
    world: World | None = None,
    credentials: str | os.PathLike[str] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Shop | RemoteShop: ...


def connect(
    where: str | os.PathLike[str],
    *,
    world: World | None = None,
    credentials: str | os.PathLike[str] | None = None,
    state: str | os.PathLike[str] | None = None,
) -> Shop | RemoteShop:
    """A connection to the deployment at `where`: a folder, made on first use, or an `https://` address.

    A service needs `credentials`: a file of mode 0600 with the one-time code of this merchant's enrolment. What is kept between
    runs lies next to it, or in the folder `state`.

    Raises:
        SettingsError: the folder can't be written, holds other things, or its key file can be read by others; the
            address is not https:// (http:// only on this machine), or the credentials are missing.
    """
    if str(where).startswith(("https://", "http://")):
        try:
            from masking.client import RemoteShop  # noqa: PLC0415  an extra that an embedded deployment does without
        except ImportError as error:
            raise not_installed(error) from error
        return RemoteShop.connect(str(where), credentials=credentials, state=state)
    world = world or World()
    folder = Path(where)
    store = open_folder(folder, world)
    return Shop(world, store, Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP))


def operator(store: Store) -> Actor:
    """Whoever holds the folder, as the ledger names them."""
    return Actor(id=OPERATOR, tenant=store.settings.tenant, role=Role.OPERATOR, unit=OPERATOR)


def open_folder(folder: Path, world: World, *, must_exist: bool = False) -> Store:
    """The store of an embedded deployment, made on first use unless it `must_exist`.

    Raises:
        SettingsError: see `connect`; or there is no deployment where one must be, or one of its databases is gone or empty.
    """
    if not (folder / SETTINGS).exists():
        if must_exist:
            raise SettingsError(f"no {SETTINGS} in this folder; name the deployment with --folder")
        create(folder, world, Settings())
    if gone := missing_sqlite_file(*databases(folder)):
        raise SettingsError(f"{gone} is missing: put a copy of it back; an empty one would hide that")
    store = _open(folder)
    if not _furnished(store):
        store.close()
        raise SettingsError(
            "a database is empty that should hold this deployment: put a copy back, or see `waybill init`"
        )
    reconcile(world, store)
    return store


def create(folder: Path, world: World, settings: Settings, *, addresses: tuple[str, str] | None = None) -> None:
    """Make a new deployment in a folder that is missing or empty; its data and keys in two files there, or at `addresses`.

    It is made beside the folder and renamed into place, so that a crash leaves nothing half-made.

    Raises:
        SettingsError: the folder or a database holds something, or can't be written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(f"the folder holds files but no {SETTINGS}: not a deployment, and not empty")
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
        try:
            FileKeySource.create(made / ROOT_KEY, world.entropy)
            # on disk at once, for an empty one would be read as another tenant; and databases' addresses hold passwords
            write_secret(made / SETTINGS, written(settings, addresses).encode())
            if why := reason_not_empty(*databases(made)):
                raise SettingsError(why)
            _furnish(made, world)
            made.rename(folder)
            sync_folder(folder.absolute().parent)  # before anything in it is acknowledged
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if not (folder / SETTINGS).exists():  # else somebody else was faster, which is as good
            raise SettingsError(f"the folder can't be written: {error.strerror}") from error


def create_in(folder: Path, world: World) -> None:
    """Make the keys of a deployment whose `waybill.toml` was written by hand, in the root that it names.

    Raises:
        SettingsError: there are keys, or data that only its own keys open.
    """
    table = read_table(folder)
    read_settings(folder / SETTINGS)  # before anything is made
    why = reason_not_empty(*databases(folder))
    if why or (folder / OFFLINE_KEY).exists():
        raise SettingsError(why or f"{OFFLINE_KEY} exists, and keys are never overwritten. Move it away first")
    create_root(folder, table, world)
    _furnish(folder, world)


def _furnish(folder: Path, world: World) -> None:
    """Give a new deployment its keys, and the two who are there from the beginning."""
    store = _open(folder)
    try:
        private = create_keys(store, world)
        with store.transaction() as tx:
            for id_, role in ((SHOP, Role.MERCHANT), (OPERATOR, Role.OPERATOR)):
                actor = Actor(id=id_, tenant=store.settings.tenant, role=role, unit=id_)
                people.enrol(world, store.keys, tx, actor, world.now())
    finally:
        store.close()
    write_secret(folder / OFFLINE_KEY, private)


def _furnished(store: Store) -> bool:
    """Whether both databases hold a deployment: who was there from the beginning, and the name of an offline key.

    Other keys are made on first use, and so by whoever was still at work on a key store that was emptied.
    """
    with store.reading() as tx:
        known = people.active(tx, [OPERATOR])
    return bool(known) and store.keys.next_name("offline") != "1"


def _open(folder: Path) -> Store:
    data, keys = databases(folder)
    for file in files((data, keys)):
        if kind := network_file_system(file.parent):
            raise SettingsError(
                f"{file.name} is on a network file system ({kind}), where SQLite loses data: its locks and its log need a disk of "
                "this machine. Move the deployment to one, or use PostgreSQL"
            )
    store = Store.open(data, keys, open_root(folder, read_table(folder)), read_settings(folder / SETTINGS))
    store.keys.other_roots = partial(reachable_roots, folder, read_table)
    settle_root(folder / ROOT_KEY, store.keys)
    return store
