"""Which root opens a deployment, also after a rotation that was cut off; and how a root is rotated.

The next root is on disk (`root.key.next`) before any key is wrapped by it; all keys are rewrapped in one transaction; then
it takes the root's name. Cut off before the commit, the old root opens the store; cut off after it, only the next one
does, and the next start takes it up. No root is ever deleted that might still open something.
"""

from __future__ import annotations

from pathlib import Path

from masking.crypto.keys import FileKeySource, sync_folder
from masking.errors import IntegrityError
from masking.vault import keylives
from masking.vault.keystore import KeyStore
from masking.world import World


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
