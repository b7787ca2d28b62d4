"""Overwrites and deletes a plaintext file, as far as a program can.

On disks that write elsewhere than before (flash, copy-on-write and journalling file systems), in snapshots, backups, synced
folders and mailboxes the text may live on: docs/cleaning-up.md says what to do about those.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from masking.disk import sync_folder
from masking.errors import InputError

_CHUNK = 1 << 20


def shred(path: Path) -> None:
    """Overwrite the file once with random bytes, flush it, rename it to nothing telling, delete it.

    Raises:
        InputError: it is a link, or has other names under which the text would stay, or can't be written.
    """
    if path.is_symlink():
        raise InputError("--shred", "the file is a link; shred what it points to")
    try:
        if path.stat().st_nlink > 1:
            raise InputError("--shred", "the file has another name, under which it would stay")
        with path.open("rb+", buffering=0) as file:
            left = os.fstat(file.fileno()).st_size
            while left > 0:
                left -= file.write(secrets.token_bytes(min(left, _CHUNK)))
            os.fsync(file.fileno())
        gone = path.rename(path.with_name(secrets.token_hex(8)))
        gone.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise InputError("--shred", f"the file can't be overwritten: {error.strerror}") from error
