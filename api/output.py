"""Writes the files that a user names: completely or not at all, never through a link, never over other content.

A printer's device or a pipe is written directly. `-` is standard output.
"""

from __future__ import annotations

import filecmp
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TextIO

from masking.disk import POSIX, open_beside, sync_folder
from masking.errors import InputError

_STDOUT = frozenset({"-", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"})


@contextmanager
def output(path: Path, *, overwrite: bool = False) -> Iterator[IO[bytes]]:
    """A binary file to write. It appears as `path` when the block ends without an error. Until then `path` is unchanged.

    An empty file is replaced. A file with content is replaced only if `overwrite` is set.

    Raises:
        InputError: `path` is a link, a folder or a disk, or it holds other content and `overwrite` is not set.
        OSError: the folder can't be written, or is full.
    """
    if str(path) in _STDOUT:
        sys.stdout.flush()
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
    elif _is_stream(path):
        with os.fdopen(open_stream(path), "wb") as stream:
            yield stream
    else:
        part, file = open_beside(path)
        try:
            with file:
                yield file
                file.flush()
                os.fsync(file.fileno())
            _publish(part, path, overwrite=overwrite)
        finally:
            part.unlink(missing_ok=True)
        sync_folder(path.parent)


def check_output(path: Path) -> None:
    """Refuse a path that `output` can never write to, before any work is done whose result would be lost.

    Raises:
        InputError: as in `output`, except for other content.
    """
    if str(path) not in _STDOUT:
        _is_stream(path)


def message_stream(path: Path) -> TextIO:
    """The stream for messages about `path`: standard output, or standard error if the file goes to standard output."""
    return sys.stderr if str(path) in _STDOUT else sys.stdout


def _is_stream(path: Path) -> bool:
    """Whether `path` is a pipe or a device such as a printer's, to which bytes are sent directly.

    Raises:
        InputError: it is neither a regular file nor such a stream.
    """
    try:
        found = path.lstat()
        if stat.S_ISLNK(found.st_mode):
            found = path.stat() if _of_the_system(path) else found
    except FileNotFoundError:
        return False
    if stat.S_ISCHR(found.st_mode) or stat.S_ISFIFO(found.st_mode):
        return True
    if stat.S_ISREG(found.st_mode) and not path.is_symlink():
        return False
    what = "a link" if path.is_symlink() else "a folder" if path.is_dir() else "neither a file nor a printer or pipe"
    raise InputError("file", f"{path} is {what}: give the name of a regular file")


def _of_the_system(path: Path) -> bool:
    """Whether a link is in `/dev` or `/proc` and only root or this user can have created it."""
    folder = path.absolute().parent
    if folder.parts[1:2] not in (("dev",), ("proc",)):
        return False
    found = folder.stat()
    return found.st_uid in (0, os.getuid()) and not found.st_mode & 0o022


def open_stream(path: Path) -> int:
    """Open a device or pipe for writing; the file descriptor.

    Raises:
        InputError: the path is no longer a device or pipe.
        OSError: it can't be opened.
    """
    handle = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    found = os.fstat(handle).st_mode
    if stat.S_ISCHR(found) or stat.S_ISFIFO(found):
        return handle
    os.close(handle)
    raise InputError("file", f"{path} was replaced while it was opened: try again")


def _publish(part: Path, path: Path, *, overwrite: bool) -> None:
    """Rename a finished file to its final name.

    Raises:
        InputError: see `output`.
    """
    if _is_stream(path):
        raise InputError("file", f"{path} was replaced while it was written: try again")
    if overwrite or (path.exists() and not path.stat().st_size):
        part.replace(path)
        return
    try:
        if POSIX:
            os.link(part, path)  # unlike a rename, it never replaces a file
        else:
            part.rename(path)  # on Windows a rename never replaces a file
    except FileExistsError:
        if not filecmp.cmp(part, path, shallow=False):
            raise InputError(
                "file", f"{path} exists with other content: give another name, or --overwrite to replace it"
            ) from None
    except OSError:
        if path.exists():
            raise
        part.replace(path)  # a file system without hard links
