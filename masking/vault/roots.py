"""Which root opens a deployment, also after a rotation that was cut off; and how a root is rotated.

The root is a key file, or in a PKCS#11 token where `waybill.toml` says so:

    [root]
    library = "/usr/lib/softhsm/libsofthsm2.so"
    token = "waybill"
    key = "root-1"
    pin_file = "/etc/waybill/pin"        # mode 0600; or the environment's WAYBILL_PIN

The next root is on disk (`root.key.next`) before any key is wrapped by it; all keys are rewrapped in one transaction; then
it takes the root's name. Cut off before the commit, the old root opens the store; cut off after it, only the next one
does, and the next start takes it up. No root is ever deleted that might still open something.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from masking.crypto.hsm import Pkcs11KeySource
from masking.crypto.keys import FileKeySource, KeySource
from masking.disk import read_secret, sync_folder
from masking.errors import IntegrityError, SettingsError
from masking.vault import keylives
from masking.vault.keystore import KeyStore
from masking.world import World

FILE = "root.key"
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
    """
    if "root" not in table:
        raise SettingsError("these settings name no [root]")
    return keylives.rewrap_root(keys, _token(folder, table, Pkcs11KeySource.create), world)


def _token(folder: Path, table: Mapping[str, Any], how: Callable[[str, str, str, str], KeySource]) -> KeySource:
    root = table["root"]
    if not isinstance(root, dict) or set(root) - _NAMES or not all(isinstance(text, str) for text in root.values()):
        raise SettingsError(f"[root] takes {', '.join(sorted(_NAMES))}")
    pin = os.environ.get("WAYBILL_PIN")
    if pin is None:
        pin = read_secret(folder / root.get("pin_file", "pin")).decode().strip()
    return how(root.get("library", ""), root.get("token", ""), root.get("key", ""), pin)


def rotate_root(path: Path, keys: KeyStore, world: World) -> int:
    """Wrap every key by a new root, in place of the one at `path`; how many keys. Other workers must be restarted."""
    following = _next(path)
    source = FileKeySource.open(following) if following.exists() else FileKeySource.create(following, world.entropy)
    count = keylives.rewrap_root(keys, source, world)
    _take_up(path)
    return count


def settle_root(path: Path, keys: KeyStore) -> None:
    """Finish a rotation that a crash cut off after its commit: if only the next root opens the store, it is the root."""
    if not _next(path).exists() or _opens(keys):
        return
    source = FileKeySource.open(_next(path))
    if _opens(KeyStore(keys.engine, source)):
        _take_up(path)
        keys.source = source
        keys.forget()


def _next(path: Path) -> Path:
    return path.with_name(f"{path.name}.next")


def _take_up(path: Path) -> None:
    _next(path).replace(path)
    sync_folder(path.parent)


def _opens(keys: KeyStore) -> bool:
    try:
        return keys.existing("sign", "ledger") is not None
    except IntegrityError:
        return False
