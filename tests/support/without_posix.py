"""A Python that lacks what Windows lacks: `python -m tests.support.without_posix SCRIPT.py|COMMAND ...` runs a script or `waybill`.

It can't show how Windows' own file system behaves; it shows that no module or name is used that isn't there.
"""

from __future__ import annotations

import asyncio  # noqa: F401  these use POSIX modules on this system, and others on Windows
import multiprocessing  # noqa: F401
import os
import runpy
import subprocess  # noqa: F401
import sys
import tempfile  # noqa: F401
import types
from pathlib import Path
from typing import Any

MODULES = ("fcntl", "termios", "tty", "pty", "pwd", "grp", "resource", "syslog", "readline")
NAMES = (
    "fchmod", "fchown", "chown", "fork", "forkpty", "getuid", "geteuid", "getgid", "getpgid", "setsid", "killpg",
    "register_at_fork", "O_NONBLOCK", "O_NOFOLLOW", "O_DIRECTORY", "O_CLOEXEC", "pread", "pwrite", "statvfs", "sysconf",
    "sched_getaffinity", "mkfifo",
)  # fmt: skip


def take_away() -> None:
    """Remove POSIX modules and names, keep folders from being opened, and put a `msvcrt` in their place."""
    import fcntl

    def locking(handle: int, mode: int, size: int) -> None:
        assert size == 1
        fcntl.flock(handle, fcntl.LOCK_UN if mode == 0 else fcntl.LOCK_EX | fcntl.LOCK_NB)

    stand_in = types.ModuleType("msvcrt")
    vars(stand_in).update(locking=locking, LK_UNLCK=0, LK_NBLCK=2)
    sys.modules["msvcrt"] = stand_in
    for module in MODULES:
        sys.modules[module] = None  # type: ignore[assignment]  # makes its import fail
    for name in NAMES:
        delattr(os, name)
    real = os.open

    def opened(path: Any, *more: Any, **named: Any) -> int:
        if Path(path).is_dir():
            raise PermissionError(13, "Permission denied")
        return real(path, *more, **named)

    os.open = opened


if __name__ == "__main__":
    take_away()
    words = sys.argv[1:]
    if words[0].endswith(".py"):
        sys.argv = words
        runpy.run_path(words[0], run_name="__main__")
    else:
        from api.cli.main import main

        sys.exit(main(words))
