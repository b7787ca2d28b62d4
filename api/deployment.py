"""Which deployment a command works on if it is not told, the same for all of them; and who has a folder to themselves."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from masking.config import SETTINGS
from masking.connection import open_folder
from masking.disk import POSIX, locked
from masking.errors import MaskingError, SettingsError
from masking.runtime import World
from masking.store.store import Store

MADE = Path("waybill-data")
"""The folder that `waybill mask` makes on first use where there is no deployment."""


def usual() -> Path:
    """This folder if it is a deployment, else the one that `waybill mask` has made in it, else this folder after all."""
    try:
        found = [folder for folder in (Path(), MADE) if (folder / SETTINGS).exists()]
    except PermissionError:  # `sudo -u waybill`, in a folder that is root's alone
        found = []
    return (found or [Path()])[0]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The option `--folder`."""
    told = f"the deployment (default: this folder, or {MADE} in it)"
    parser.add_argument("--folder", type=Path, default=usual(), help=told)


def add_state(parser: argparse.ArgumentParser) -> None:
    """The option `--state`, of commands that talk to a service."""
    told = "for a service: folder for what is kept between runs (default: that of the credentials)"
    parser.add_argument("--state", type=Path, metavar="FOLDER", help=told)


@contextmanager
def opening(folder: Path, world: World) -> Iterator[Store]:
    """The store of the deployment in a folder, closed when the block ends, however it does.

    Raises:
        SettingsError: see `open_folder`.
    """
    store = open_folder(folder, world, must_exist=True)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def exclusive_folder(folder: Path, otherwise: MaskingError) -> Iterator[None]:
    """Hold a folder while the block runs, or raise `otherwise`: another program holds it. A crash releases it.

    Programs that don't ask for it use the folder as before.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(folder, patience=0))
        except BlockingIOError:
            raise otherwise from None
        yield


def require_posix(command: str) -> None:
    """Refuse a command that is not made for Windows.

    Raises:
        SettingsError: this is no POSIX system.
    """
    if not POSIX:
        raise SettingsError(f"{command} needs Linux or another POSIX system; on Windows use mask, label and the client")
