"""A screen without a monitor, where windows take the keys from one another as they do on a desk, and a scanner that types there."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

PROGRAMS = ("Xvfb", "openbox", "xdotool")


class Screen:
    """A display of Xvfb. Its keys go to the window that has the focus, be it the page's or the browser's own."""

    def __init__(self, display: str) -> None:
        self.display = display

    def type(self, text: str) -> None:
        """Characters, as fast as a hand scanner sends them."""
        self._do("type", "--delay", "8", text)

    def press(self, key: str) -> None:
        """One key, by its name in X."""
        self._do("key", key)

    def click(self, x: int, y: int) -> None:
        """The left button, at a place of the screen."""
        self._do("mousemove", str(x), str(y), "click", "1")

    def _do(self, *words: str) -> None:
        subprocess.run(["xdotool", *words], env=os.environ | {"DISPLAY": self.display}, check=True, capture_output=True)


@contextmanager
def screen() -> Iterator[Screen]:
    """A screen of 1300 x 1000 dots with a window manager, which gives each new window the focus."""
    read, write = os.pipe()
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    words = ["Xvfb", "-displayfd", str(write), "-screen", "0", "1300x1000x24", "-nolisten", "tcp"]
    server = subprocess.Popen(words, pass_fds=[write], **quiet)
    os.close(write)
    with os.fdopen(read) as said:
        display = f":{said.readline().strip()}"
    manager = subprocess.Popen(["openbox"], env=os.environ | {"DISPLAY": display}, **quiet)
    try:
        yield Screen(display)
    finally:
        for each in (manager, server):
            each.terminate()
            each.wait()
