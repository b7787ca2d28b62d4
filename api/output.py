"""Writes the files that a user names: whole or not at all, never through a link, never over other content.

A printer's device or a pipe is opened and written as it is; `-` is standard output.
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
    """A binary file to write. It appears as `path` when the block ends without an error; until then, `path` stays as it was.

    Content that is already there is left alone, and a file of no bytes is replaced.

    Raises:
        InputError: `path` is a link, a folder or a disk; or it holds other content, and `overwrite` is not set.
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
    """Refuse what `output` can never write to, before anything is done that would be lost.

    Raises:
        InputError: as in `output`, except for other content.
    """
    if str(path) not in _STDOUT:
        _is_stream(path)


def beside(path: Path) -> TextIO:
    """Where to say what was written: standard output, or standard error if the file itself goes to standard output."""
    return sys.stderr if str(path) in _STDOUT else sys.stdout


def _is_stream(path: Path) -> bool:
    """Whether bytes are to be sent there as they come: a device such as a printer's, or a pipe.

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
    raise InputError("file", f"{path} is {what}: give the name of a file")


def _of_the_system(path: Path) -> bool:
    """Whether a link is one of `/dev/fd` or an administrator's name for a device, and no other user can have made it."""
    folder = path.absolute().parent
    if folder.parts[1:2] not in (("dev",), ("proc",)):
        return False
    found = folder.stat()
    return found.st_uid in (0, os.getuid()) and not found.st_mode & 0o022


def open_stream(path: Path) -> int:
    """A device or pipe, opened to write.

    Raises:
        InputError: it is something else by now.
        OSError: it can't be opened.
    """
    handle = os.open(path, os.O_WRONLY | os.O_NOCTTY)
    found = os.fstat(handle).st_mode
    if stat.S_ISCHR(found) or stat.S_ISFIFO(found):
        return handle
    os.close(handle)
    raise InputError("file", f"{path} was replaced while it was opened: try again")


def _publish(part: Path, path: Path, *, overwrite: bool) -> None:
    """Give a finished file its name.

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
            os.link(part, path)  # unlike a rename it never replaces anything
        else:
            part.rename(path)  # which does not on Windows either
    except FileExistsError:
        if not filecmp.cmp(part, path, shallow=False):
            raise InputError(
                "file", f"{path} exists with other content: give another name, or --overwrite to replace it"
            ) from None
    except OSError:
        if path.exists():
            raise
        part.replace(path)  # a file system without hard links
