"""Opens, creates and rotates the root key of a deployment, and finishes an interrupted rotation.

The root is a key file, or in a PKCS#11 token if `waybill.toml` names one:

    [root]
    library = "/usr/lib/softhsm/libsofthsm2.so"
    token = "waybill"
    key = "root-1"
    pin_file = "/etc/waybill/pin"        # mode 0600; or the environment's WAYBILL_PIN

A rotation writes the next root to disk (`root.key.next`), announces it, and waits until all workers of the service can open it.
Then it wraps every key with it in one transaction, verifies that, and renames the file to `root.key`. If it is interrupted
before the commit, the old root still opens the store. If it is interrupted after the commit, only the next one does. Each
process tries both files, so that none has to be restarted. A root that might still open something is never deleted.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

from masking.crypto.hsm import Pkcs11KeySource
from masking.crypto.keys import FileKeySource, KeySource
from masking.database.engine import reading
from masking.disk import read_secret, sync_folder
from masking.errors import IntegrityError, SettingsError
from masking.keys import lifecycle, root_record
from masking.keys.keystore import KeyStore
from masking.runtime import World

FILE = "root.key"
PATIENCE = 2 * root_record.ALIVE
"""How long a rotation waits for workers. By then, a worker that crashed no longer counts as alive."""

_NAMES = {"library", "token", "key", "pin_file"}


def open_root(folder: Path, table: Mapping[str, Any]) -> KeySource:
    """The root that these settings (the tables of `waybill.toml`) name.

    Raises:
        SettingsError: the root is missing, or others can read its file.
    """
    return _token(folder, table, Pkcs11KeySource.open) if "root" in table else FileKeySource.open(folder / FILE)


def create_root(folder: Path, table: Mapping[str, Any], world: World) -> None:
    """Create the root that these settings name, unless it exists. An existing root is never replaced.

    Raises:
        SettingsError: see `open_root`.
    """
    if "root" in table:
        _token(folder, table, Pkcs11KeySource.create)
    elif not (folder / FILE).exists():
        FileKeySource.create(folder / FILE, world.entropy)


def move_root(folder: Path, table: Mapping[str, Any], keys: KeyStore, world: World) -> int:
    """Wrap every key with a new root in the token that these settings name. Returns the number of keys.

    The deployment does not open until the settings in its folder name the token, too. The old root is not deleted.

    Raises:
        SettingsError: the settings name no token, or a service is running.
    """
    if "root" not in table:
        raise SettingsError("these settings name no [root]")
    return _rotate(keys, _token(folder, table, Pkcs11KeySource.create), world, timedelta(0))


def _token(folder: Path, table: Mapping[str, Any], how: Callable[[str, str, str, str], KeySource]) -> KeySource:
    root = table["root"]
    if not isinstance(root, dict) or set(root) - _NAMES or not all(isinstance(text, str) for text in root.values()):
        raise SettingsError(f"[root] takes {', '.join(sorted(_NAMES))}")
    pin = os.environ.get("WAYBILL_PIN")
    if pin is None:
        pin = read_secret(folder / root.get("pin_file", "pin")).decode().strip()
    return how(root.get("library", ""), root.get("token", ""), root.get("key", ""), pin)


def rotate_root(path: Path, keys: KeyStore, world: World, patience: timedelta = PATIENCE) -> int:
    """Replace the root at `path` by a new one, and wrap every key with it. Returns the number of keys.

    Running workers switch to the new root by themselves.

    Raises:
        SettingsError: a live worker can't open the new root. Nothing was changed.
        IntegrityError: a key does not open.
    """
    following = _next(path)
    source = FileKeySource.open(following) if following.exists() else FileKeySource.create(following, world.entropy)
    count = _rotate(keys, source, world, patience)
    _take_up(path)
    return count


def _rotate(keys: KeyStore, source: KeySource, world: World, patience: timedelta) -> int:
    """Announce a root, wait for the workers, wrap every key with it, and check that each one opens."""
    root_record.announce(keys.engine, source, world)
    until = time.monotonic() + patience.total_seconds()
    while waiting := root_record.unconfirmed(keys.engine):
        if time.monotonic() > until:
            root_record.withdraw(keys.engine)
            raise SettingsError(
                f"{len(waiting)} workers can't open the new root, or did not answer: {', '.join(waiting[:9])}. Nothing was "
                "changed. Copy root.key.next into the folder of each machine, or stop the service; then run this again"
            )
        time.sleep(0.5)
    count = lifecycle.rewrap_root(keys, source, world)
    if wrong := lifecycle.unopened(KeyStore(keys.engine, source)):
        raise IntegrityError(
            f"the new root does not open {', '.join(wrong[:9])}; keep both root files, and stop the service"
        )
    return count


def reachable_roots(folder: Path, read_table: Callable[[Path], Mapping[str, Any]]) -> Iterator[KeySource]:
    """Every root that the files of a deployment's folder and its current settings give access to."""
    for path in (folder / FILE, _next(folder / FILE)):
        with suppress(SettingsError, FileNotFoundError):
            yield FileKeySource.open(path)
    table = read_table(folder)
    if "root" in table:
        yield open_root(folder, table)


def settle_root(path: Path, keys: KeyStore) -> None:
    """Finish a rotation that a crash interrupted after its commit: rename the file of the next root."""
    if not _next(path).exists():
        return
    with reading(keys.engine) as tx:
        current = root_record.read(tx)
    with suppress(FileNotFoundError):  # another process was faster
        if current and current.is_opened_by(FileKeySource.open(_next(path))):
            _take_up(path)


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _take_up(path: Path) -> None:
    with suppress(FileNotFoundError):  # a process that opened the store since the commit was faster
        _next(path).replace(path)
    sync_folder(path.parent)
