"""Prints each line of the demo in the reader's language, and only if it is true."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO, final

from masking.access.people import Actor
from masking.runtime import World
from masking.store.store import Store

PHONES = {"courier-7": "13900000107", "courier-8": "13900000108"}
"""The phones of the demo's couriers."""


class UntrueError(Exception):
    """A line of the demo is not true: the demo stops and fails."""


@final
@dataclass(slots=True, kw_only=True)
class Stage:
    """The demo's environment: a store, its people, a folder for results, and the output."""

    world: World
    store: Store
    people: dict[str, Actor]
    folder: Path
    chinese: bool
    out: TextIO
    log: logging.Logger

    def scene(self, zh: str, en: str) -> None:
        """Print a heading."""
        print(f"\n■ {zh if self.chinese else en}", file=self.out)

    def say(self, zh: str, en: str, *, true: bool) -> None:
        """Print a checked line.

        Raises:
            UntrueError: the line is not true.
        """
        line = zh if self.chinese else en
        if not true:
            raise UntrueError(line)
        print(f"  {'✓'} {line}", file=self.out)

    def show(self, text: str) -> None:
        """Print text indented."""
        for line in text.splitlines():
            print(f"    {line}", file=self.out)
