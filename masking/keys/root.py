"""Which root opens a deployment, also after a rotation that was cut off; and how a root is rotated.

The root is a key file, or in a PKCS#11 token where `waybill.toml` says so:

    [root]
    library = "/usr/lib/softhsm/libsofthsm2.so"
    token = "waybill"
    key = "root-1"
    pin_file = "/etc/waybill/pin"        # mode 0600; or the environment's WAYBILL_PIN

The next root is on disk (`root.key.next`) before it is announced; it wraps every key in one transaction, which begins when all
workers of the service can open it; it is verified; then it takes the root's name. Cut off before the commit, the old root opens the
store; cut off after it, only the next one does, and every process of this folder takes it up. Both are tried, so that
nothing needs a restart. No root is ever deleted that might still open something.
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
"""How long a rotation waits for workers: those that died without a word are forgotten by then."""

_NAMES = {"library", "token", "key", "pin_file"}


def open_root(folder: Path, table: Mapping[str, Any]) -> KeySource:
    """The keeper of the root that these settings (a read `waybill.toml`) name.

    Raises:
        SettingsError: it is not there, or not safe.
    """
    return _token(folder, table, Pkcs11KeySource.open) if "root" in table else FileKeySource.open(folder / FILE)


def create_root(folder: Path, table: Mapping[str, Any], world: World) -> None:
    """See to it that there is a root where these settings say; one that is there already is never replaced.

    Raises:
        SettingsError: see `open_root`.
    """
    if "root" in table:
        _token(folder, table, Pkcs11KeySource.create)
    elif not (folder / FILE).exists():
        FileKeySource.create(folder / FILE, world.entropy)


def move_root(folder: Path, table: Mapping[str, Any], keys: KeyStore, world: World) -> int:
    """Wrap every key by a new root in the token that these settings name; how many keys.

    Until the settings in the deployment's folder say the same, it does not open. The old root is left where it is.

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
    """Wrap every key by a new root, in place of the one at `path`; how many keys. Workers follow by themselves.

    Raises:
        SettingsError: a worker that is alive can't open the new root; nothing was changed.
        IntegrityError: a key does not open.
    """
    following = _next(path)
    source = FileKeySource.open(following) if following.exists() else FileKeySource.create(following, world.entropy)
    count = _rotate(keys, source, world, patience)
    _take_up(path)
    return count


def _rotate(keys: KeyStore, source: KeySource, world: World, patience: timedelta) -> int:
    """Announce a root, wait for the workers, wrap every key by it, and open each again before this returns."""
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
    """Every root that a deployment's folder and its settings, as they are now, give."""
    for path in (folder / FILE, _next(folder / FILE)):
        with suppress(SettingsError, FileNotFoundError):
            yield FileKeySource.open(path)
    table = read_table(folder)
    if "root" in table:
        yield open_root(folder, table)


def settle_root(path: Path, keys: KeyStore) -> None:
    """Finish a rotation that a crash cut off after its commit: if the next root is the current one, it takes its name."""
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
