"""`connect(where)`: the entry point for merchants.

A folder is an embedded deployment with SQLite files and the root key, so that the owner of the folder can open everything. An
`https://` address is a service that holds the keys instead. Methods and outcomes are the same.
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
from masking.words.request_rules import RequestRule

if TYPE_CHECKING:
    from masking.client import RemoteShop

ROOT_KEY = "root.key"
OFFLINE_KEY = "offline-archive.key"
PART = 1000
"""How many requests one transaction handles. SQLite allows 32,766 values in a statement."""
SHOP = "shop"
OPERATOR = "operator"


Request = TypeVar("Request")
Outcome = TypeVar("Outcome")


class Shop:
    """A merchant's connection, to be used as a context manager. Every method returns after its changes are on disk."""

    def __init__(self, world: World, store: Store, merchant: Actor) -> None:
        self.world = world
        self.store = store
        self.merchant = merchant

    def checkout(self, orders: Iterable[Order]) -> list[Waybill | Rejected]:
        """Check out orders. Returns a waybill or a rejection for each, in the same sequence.

        An order with the same reference and content as an earlier one gets the same waybill.

        Raises:
            UnavailableError: the orders may not be stored. Check them out again with the same references.
        """
        return self._in_parts(
            checkout, [Checkout(merchant=self.merchant, order=order) for order in arguments.orders(orders)]
        )

    def ship(self, numbers: Iterable[tuple[WaybillId, str, str]]) -> list[Waybill | Rejected | Refusal]:
        """Set the waybill number and routing code of each (id, number, code). Returns each waybill, or why it was not changed."""
        return self._change(
            [
                Ship(merchant=self.merchant, id=WaybillId(id_), waybill_number=n, routing_code=r)
                for id_, n, r in arguments.numbers(numbers)
            ]
        )

    def amend(self, corrected: Iterable[tuple[WaybillId, Order]]) -> list[Waybill | Rejected | Refusal]:
        """Replace the order of waybills whose parcels have not left. Each waybill gets a new key."""
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
        """One page of this merchant's waybills for an exact phone or a reference, oldest first.

        A page shorter than `limit` (1 to 100) is the last one. For the next page, give the last waybill's id as `after`.

        Raises:
            InputError: not exactly one of phone and reference was given, or `limit` or `after` is not valid.
        """
        self.store.check_open()
        if (phone is None) == (reference is None):
            raise InputError("find", RequestRule.PHONE_OR_REFERENCE)
        plain = Plain(phone) if phone else None
        asked = Find(merchant=self.merchant, phone=plain, reference=reference, limit=limit, after=after)
        return find(self.world, self.store, [asked])[0]

    def status(self, id_: WaybillId) -> Waybill:
        """One waybill by its id.

        Raises:
            UnknownWaybillError: it does not exist, or belongs to another merchant.
        """
        found = find(self.world, self.store, [Find(merchant=self.merchant, id=id_)])[0]
        if not found:
            raise UnknownWaybillError
        return found[0]

    def labels(self, ids: Sequence[WaybillId], *, job: str, station: str = "shop", template: str = "100x180") -> Labels:
        """Print labels into one PDF. A call with the same job returns the same prints and counts no others.

        Raises:
            SettingsError: the packages that draw labels are not installed. Nothing was counted.
        """
        draw = installed()
        return draw(self.label_data(ids, job=job, station=station), template)

    def label_data(self, ids: Sequence[WaybillId], *, job: str, station: str) -> list[LabelData | Refusal]:
        """The content of labels, to be drawn with another program or template. Counts as a print, like `labels`."""
        asked = [Label(actor=self.merchant, id=id_, job=job, station=station) for id_ in arguments.ids(ids)]
        return self._in_parts(label, asked)

    def flush(self) -> dict[str, Waybill | Rejected]:
        """Return {}. Only a shop of a service has an outbox to send."""
        self.store.check_open()
        return {}

    def pending(self) -> Pending:
        """Return that no order is pending. Only a shop of a service has an outbox."""
        self.store.check_open()
        return Pending(count=0)

    def close(self) -> None:
        """Sequence pending ledger leaves, and close the databases. Closing twice is not an error."""
        # leaves that stay pending are sequenced when the store is next opened
        with contextlib.suppress(UnavailableError, ClosedError, ForkedError):
            journal.sequence(self.world, self.store)
        self.store.close()

    def _change(self, changes: Sequence[Change]) -> list[Waybill | Rejected | Refusal]:
        return self._in_parts(change, changes)

    def _in_parts(
        self, step: Callable[[World, Store, Sequence[Request]], list[Outcome]], requests: Sequence[Request]
    ) -> list[Outcome]:
        """Decide requests in parts, one transaction each, so that no other process waits for a whole large batch."""
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
    """Connect to the deployment at `where`: a folder, which is made on first use, or an `https://` address.

    A service needs `credentials`, a file of mode 0600 with the one-time code of this merchant's enrolment. The client keeps its
    state next to that file, or in the folder `state`.

    Raises:
        SettingsError: the folder can't be written or holds other files, others can read its key file, the address is not
            https:// (http:// is allowed only on this machine), or the credentials are missing.
    """
    if str(where).startswith(("https://", "http://")):
        try:
            from masking.client import RemoteShop  # noqa: PLC0415  needs packages that an embedded deployment does not have
        except ImportError as error:
            raise not_installed(error) from error
        return RemoteShop.connect(str(where), credentials=credentials, state=state)
    world = world or World()
    folder = Path(where)
    store = open_folder(folder, world)
    return Shop(world, store, Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP))


def operator(store: Store) -> Actor:
    """The actor for the owner of the folder."""
    return Actor(id=OPERATOR, tenant=store.settings.tenant, role=Role.OPERATOR, unit=OPERATOR)


def open_folder(folder: Path, world: World, *, must_exist: bool = False) -> Store:
    """Open the store of an embedded deployment. Makes the deployment on first use, unless it `must_exist`.

    Raises:
        SettingsError: see `connect`. Also if there is no deployment, or a database of it is missing or empty.
    """
    if not (folder / SETTINGS).exists():
        if must_exist:
            raise SettingsError(f"no {SETTINGS} in this folder. Name the deployment with --folder")
        create(folder, world, Settings())
    if gone := missing_sqlite_file(*databases(folder)):
        raise SettingsError(f"{gone} is missing: put a copy of it back; an empty one would hide that")
    store = _open(folder)
    if not _furnished(store):
        store.close()
        raise SettingsError("a database of this deployment is empty: restore a copy of it, or see `waybill init`")
    reconcile(world, store)
    return store


def create(folder: Path, world: World, settings: Settings, *, addresses: tuple[str, str] | None = None) -> None:
    """Make a new deployment in a missing or empty folder, with its databases as two files there or at `addresses`.

    It is made in another folder next to it, which is then renamed, so that a crash leaves no half-made deployment.

    Raises:
        SettingsError: the folder or a database is not empty, or can't be written.
    """
    if folder.is_dir() and any(folder.iterdir()):
        raise SettingsError(
            f"the folder is not empty, and not a deployment: it has no {SETTINGS}. Choose another folder"
        )
    try:
        folder.absolute().parent.mkdir(parents=True, exist_ok=True)
        made = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.absolute().parent))
        try:
            FileKeySource.create(made / ROOT_KEY, world.entropy)
            # written with mode 0600, since addresses hold passwords, and synced, since an empty file would change the tenant
            write_secret(made / SETTINGS, written(settings, addresses).encode())
            if why := reason_not_empty(*databases(made)):
                raise SettingsError(why)
            _furnish(made, world)
            made.rename(folder)
            sync_folder(folder.absolute().parent)  # before any order in it is acknowledged
        finally:
            shutil.rmtree(made, ignore_errors=True)
    except OSError as error:
        if not (folder / SETTINGS).exists():  # otherwise another process made the deployment
            raise SettingsError(f"the folder can't be written: {error.strerror}") from error


def create_in(folder: Path, world: World) -> None:
    """Make the root and keys of a deployment whose `waybill.toml` was written by hand.

    Raises:
        SettingsError: there are keys already, or data that only its own keys open.
    """
    table = read_table(folder)
    read_settings(folder / SETTINGS)  # an invalid file is an error before anything is made
    why = reason_not_empty(*databases(folder))
    if why or (folder / OFFLINE_KEY).exists():
        raise SettingsError(why or f"{OFFLINE_KEY} exists, and keys are never overwritten. Move it away first")
    create_root(folder, table, world)
    _furnish(folder, world)


def _furnish(folder: Path, world: World) -> None:
    """Create the keys of a new deployment, and enrol its first merchant and its operator."""
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
    """Whether both databases hold a deployment: the data its operator, the key store an offline key.

    Other keys are no evidence: they are made on first use, also by a process that still uses an emptied key store.
    """
    with store.reading() as tx:
        known = people.active(tx, [OPERATOR])
    return bool(known) and store.keys.next_name("offline") != "1"


def _open(folder: Path) -> Store:
    data, keys = databases(folder)
    for file in files((data, keys)):
        if kind := network_file_system(file.parent):
            raise SettingsError(
                f"{file.name} is on a network file system ({kind}), where SQLite loses data. Move the deployment to a local disk, or "
                "use PostgreSQL"
            )
    store = Store.open(data, keys, open_root(folder, read_table(folder)), read_settings(folder / SETTINGS))
    store.keys.other_roots = partial(reachable_roots, folder, read_table)
    settle_root(folder / ROOT_KEY, store.keys)
    return store
