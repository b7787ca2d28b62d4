"""Creates and opens a deployment: a folder with `waybill.toml`, a root key, and two databases.

The owner of the folder can open everything in it. `masking.connection` is the entry point for merchants.
"""

from __future__ import annotations

import shutil
import tempfile
from functools import partial
from pathlib import Path

from masking.access.people import Actor, Role
from masking.config import SETTINGS, databases, read_settings, read_table, written
from masking.crypto.keys import FileKeySource
from masking.disk import network_file_system, sync_folder, write_secret
from masking.errors import (
    SettingsError,
)
from masking.keys.root import create_root, open_root, reachable_roots, settle_root
from masking.runtime import World
from masking.store.rows import people
from masking.store.store import Settings, Store, create_keys, files, missing_sqlite_file, reason_not_empty
from masking.upkeep.recovery import reconcile

ROOT_KEY = "root.key"
OFFLINE_KEY = "offline-archive.key"
SHOP = "shop"
"""The id and unit of the folder's first merchant."""
OPERATOR = "operator"
"""The id and unit of the folder's owner."""


def operator(store: Store) -> Actor:
    """The actor for the owner of the folder."""
    return Actor(id=OPERATOR, tenant=store.settings.tenant, role=Role.OPERATOR, unit=OPERATOR)


def open_folder(folder: Path, world: World, *, must_exist: bool = False) -> Store:
    """Open the store of an embedded deployment. Makes the deployment on first use, unless it `must_exist`.

    Raises:
        SettingsError: see `masking.connect`. Also if there is no deployment, or a database of it is missing or empty.
    """
    if not (folder / SETTINGS).exists():
        if must_exist:
            raise SettingsError(f"no {SETTINGS} in this folder. Name the deployment with --folder")
        create(folder, world, Settings())
    if gone := missing_sqlite_file(*databases(folder)):
        raise SettingsError(
            f"{gone} is missing, and no empty one is made in its place. Restore a copy of it (waybill restore)"
        )
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
