"""Files on disk: readable by their owner only, replaced as a whole, locked between processes.

This is the only module that knows how POSIX systems and Windows differ here. On Windows the folder's access list decides who
can read a file, so mode bits are neither set nor checked, and a folder's entries can't be flushed separately.
"""

from __future__ import annotations

import importlib
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from masking.errors import SettingsError

POSIX = hasattr(os, "getuid")
"""Whether files have an owner and mode bits; Windows has neither."""
PATIENCE = 30.0
"""Seconds to wait for a lock. It is held while a few small files are written, so a longer wait means a stopped process."""
BINARY = getattr(os, "O_BINARY", 0)
"""A flag for `os.open`: Windows would otherwise translate the ends of lines."""
_NO_WAIT = getattr(os, "O_NONBLOCK", 0)
_NEW = os.O_WRONLY | os.O_CREAT | os.O_EXCL | BINARY
"""Flags for a file that must not exist yet. Opening fails if a link has its name, so no data is written through a link."""
_LOCKED_BYTE = 1 << 30
"""Windows locks a byte and keeps others from reading it, so it is one beyond the end of any file that we lock."""


def write_secret(path: Path, secret: bytes) -> None:
    """Write a new file that only its owner can read. It is on disk before this returns.

    Raises:
        SettingsError: a file or link of that name exists, even a broken link. It is never overwritten.
        OSError: the folder can't be written.
    """
    try:
        _write(path, secret)
    except FileExistsError as error:
        raise SettingsError(f"{path.name} exists, and keys are never overwritten. Move it away first") from error
    sync_folder(path.parent)


def read_secret(path: Path, size: int | None = None) -> bytes:
    """Read `size` bytes (by default any number below 1 KiB) from a file that only its owner can read. Links are followed.

    Raises:
        SettingsError: the file is missing, others can read it, or it has another length.
    """
    try:
        handle = os.open(path, os.O_RDONLY | BINARY | _NO_WAIT)  # a pipe must not hang the start
    except OSError as error:
        raise SettingsError(f"{path.name} can't be read: {error.strerror}") from error
    try:
        found = os.fstat(handle)  # of the opened file, so that it can't be swapped after the check
        if not stat.S_ISREG(found.st_mode):
            raise SettingsError(f"{path.name} is not a file")
        if POSIX and found.st_mode & 0o077:
            raise SettingsError(f"{path.name} is open to others (mode {found.st_mode & 0o777:04o}); chmod 600 it")
        if found.st_size != size and (size is not None or found.st_size > 1024):
            raise SettingsError(f"{path.name} does not hold {size or 'at most 1024'} bytes")
        return os.read(handle, found.st_size)
    finally:
        os.close(handle)


def write_beside(path: Path, data: bytes) -> Path:
    """Write a private file under an unused name next to `path`. It is on disk before this returns.

    The caller renames it to `path` (`Path.replace`), or removes it.

    Raises:
        OSError: the folder can't be written, or is full. No file is left then.
    """
    part = _beside(path)
    try:
        _write(part, data)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return part


def open_beside(path: Path) -> tuple[Path, IO[bytes]]:
    """Open a new file under an unused name next to `path`. The umask decides who can read it.

    Raises:
        OSError: the folder can't be written.
    """
    part = _beside(path)
    return part, os.fdopen(os.open(part, _NEW, 0o666), "wb")


def remove_leftovers(path: Path) -> None:
    """Remove the files that killed writers of `path` left next to it. The caller makes sure that no writer is running."""
    leftover = re.compile(rf"\.{re.escape(path.name)}\.[0-9a-f]{{16}}")
    for each in path.parent.iterdir():
        if leftover.fullmatch(each.name):
            each.unlink(missing_ok=True)


def replace(path: Path, data: bytes) -> None:
    """Replace the content of a private file. After a crash at any point it holds the old or the new content, as a whole.

    Raises:
        OSError: the folder can't be written, or is full.
    """
    part = write_beside(path, data)
    try:
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def sync_folder(path: Path) -> None:
    """Write a folder's entries to disk, after a file in it was made or renamed."""
    if not POSIX:
        return
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def locked(path: Path, *, patience: float = PATIENCE) -> Iterator[None]:
    """Hold the lock of a folder, or of a file, which is made if it is missing. Other threads and processes wait.

    A crash releases it. No data is written to the file. On Windows a folder is locked by a file `.lock` in it.

    Raises:
        BlockingIOError: another holder had it for `patience` seconds.
        OSError: the file can't be opened.
    """
    if not path.is_dir():
        handle = os.open(path, os.O_RDWR | os.O_CREAT | BINARY, 0o600)
    elif POSIX:
        handle = os.open(path, os.O_RDONLY)
    else:
        handle = os.open(path / ".lock", os.O_RDWR | os.O_CREAT | BINARY, 0o600)
    try:
        _wait_for(handle, patience)
        try:
            yield
        finally:  # closing would not do: a child that was forked meanwhile holds the same open file
            _lock(handle, hold=False)
    finally:
        os.close(handle)


def try_lock(handle: int) -> bool:
    """Lock an open file unless another holder has it. Closing the file releases the lock. Returns whether it is locked."""
    try:
        _lock(handle, hold=True)
    except OSError:
        return False
    return True


def _wait_for(handle: int, patience: float) -> None:
    end, pause = time.monotonic() + patience, 0.001
    while not try_lock(handle):
        if time.monotonic() >= end:
            raise BlockingIOError("another process holds the lock")
        time.sleep(pause)
        pause = min(2 * pause, 0.016)


def _lock(handle: int, *, hold: bool) -> None:
    """Take or release an exclusive lock, without waiting.

    Raises:
        OSError: another holder has it.
    """
    with suppress(ImportError):
        fcntl = importlib.import_module("fcntl")
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB if hold else fcntl.LOCK_UN)
        return
    msvcrt = importlib.import_module("msvcrt")
    at = os.lseek(handle, 0, os.SEEK_CUR)
    os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
    try:
        msvcrt.locking(handle, msvcrt.LK_NBLCK if hold else msvcrt.LK_UNLCK, 1)
    finally:
        os.lseek(handle, at, os.SEEK_SET)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{secrets.token_hex(8)}")


def _write(path: Path, data: bytes) -> None:
    """Write a new file that only its owner can read.

    Raises:
        FileExistsError: a file or link of that name exists, even a broken link.
    """
    handle = os.open(path, _NEW, 0o600)
    with os.fdopen(handle, "wb") as file:
        if POSIX:
            os.fchmod(handle, 0o600)  # the umask may have taken bits away
        file.write(data)
        file.flush()
        os.fsync(handle)


_NETWORK = re.compile(
    r"nfs\d?|cifs|smb\w*|afs|ceph|lustre|gfs2?|ocfs2|beegfs"
    r"|fuse\.(sshfs|rclone|s3fs|gcsfuse|glusterfs|davfs2?|juicefs|ceph|smbnetfs|onedrive\w*)"
)
"""Kinds of file systems whose files another machine can change, or that another program provides."""


def network_file_system(path: Path, mounts: str | None = None) -> str:
    """The kind of network file system that a path is on. "" if it is on a local disk, or the kind is unknown.

    `mounts` is the content of /proc/self/mountinfo, see proc(5).
    """
    if mounts is None:
        try:
            mounts = Path("/proc/self/mountinfo").read_text("utf-8", errors="replace")
        except OSError:
            return ""
    place, best, kind = path.resolve(), -1, ""
    for line in mounts.splitlines():
        before, _, after = line.partition(" - ")
        mounted = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), before.split(" ")[4]))
        if place.is_relative_to(mounted) and len(mounted.parts) >= best:  # the last of two on one place is on top
            best, kind = len(mounted.parts), after.split(" ")[0]
    return kind if _NETWORK.fullmatch(kind) else ""
