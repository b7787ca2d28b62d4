"""Overwrites and deletes a plaintext file, as far as a program can.

Copies may remain on disks that don't overwrite in place (flash, copy-on-write and journalling file systems), and in
snapshots, backups, synced folders and mailboxes: see docs/cleaning-up.md.
"""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from masking.disk import BINARY, sync_folder
from masking.errors import InputError

_CHUNK = 1 << 20
_NO_FOLLOW = getattr(os, "O_NOFOLLOW", 0)


def shred(path: Path) -> None:
    """Overwrite the file once with random bytes, flush it, give it a random name, and delete it.

    Raises:
        InputError: the file is a link, has another hard link, or can't be written.
    """
    if path.is_symlink():
        raise InputError("--shred", "the file is a link: give the file that it points to")
    try:
        with os.fdopen(os.open(path, os.O_RDWR | _NO_FOLLOW | BINARY), "rb+", buffering=0) as file:
            found = os.fstat(file.fileno())  # of the opened file, so that it can't be swapped after the check
            if not stat.S_ISREG(found.st_mode):
                raise InputError("--shred", "not a regular file: delete it yourself")
            if found.st_nlink > 1:
                raise InputError("--shred", "the file has another hard link, which would remain: delete that first")
            left = found.st_size
            while left > 0:
                left -= file.write(secrets.token_bytes(min(left, _CHUNK)))
            os.fsync(file.fileno())
        gone = path.rename(path.with_name(secrets.token_hex(8)))
        gone.unlink()
        sync_folder(path.parent)
    except OSError as error:
        raise InputError("--shred", f"the file can't be overwritten: {error.strerror}") from error
