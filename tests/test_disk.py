"""Files that are private, whole after a crash, and locked between threads and processes."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
import threading

import pytest

from masking import disk
from tests.support.running_service import ROOT


def test_replaced_file_is_private_under_any_umask(tmp_path):
    path = tmp_path / "state.json"
    mask = os.umask(0)
    try:
        disk.replace(path, b"one")
        disk.replace(path, b"two")
    finally:
        os.umask(mask)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_failed_replacement_leaves_no_file_behind(tmp_path):
    path = tmp_path / "state.json"
    path.mkdir()
    with pytest.raises(OSError, match="directory"):
        disk.replace(path, b"one")
    assert list(tmp_path.iterdir()) == [path]


def test_lock_admits_one_thread_at_a_time(tmp_path):
    counted, path = [0], tmp_path / "shop.lock"

    def count() -> None:
        for _ in range(25):
            with disk.locked(path):
                seen = counted[0]
                path.stat()  # another thread may run here
                counted[0] = seen + 1

    threads = [threading.Thread(target=count) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert counted == [200]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_lock_excludes_other_processes_and_ends_with_a_crash(tmp_path, kind):
    path = tmp_path / "locked"
    if kind == "folder":
        path.mkdir()
    program = f"""
import pathlib, sys
from masking import disk
with disk.locked(pathlib.Path({str(path)!r})):
    print("held", flush=True)
    sys.stdin.read()
"""
    command = [sys.executable, "-c", program]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout.readline() == "held\n"
        with pytest.raises(BlockingIOError), disk.locked(path, patience=0.05):
            pass
        other.kill()
    with disk.locked(path, patience=5):
        pass


def test_child_forked_under_a_lock_does_not_hold_it(tmp_path):
    path = tmp_path / "shop.lock"
    waiting, go = os.pipe()
    with disk.locked(path):
        child = os.fork()
        if child == 0:
            os.read(waiting, 1)
            os._exit(0)
    try:
        with disk.locked(path, patience=0.05):
            pass
    finally:
        os.write(go, b".")
        os.waitpid(child, 0)
        os.close(waiting)
        os.close(go)
