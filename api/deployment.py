"""The deployment that a command works on, and exclusive use of a folder."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from masking.config import SETTINGS
from masking.deployment import open_folder
from masking.disk import POSIX, locked
from masking.errors import MaskingError, SettingsError
from masking.runtime import World
from masking.store.store import Store

MADE = Path("waybill-data")
"""The folder that `waybill mask` creates on first use where there is no deployment."""


def usual() -> Path:
    """The default deployment: this folder or `MADE` in it, the first that is a deployment. If neither is, this folder."""
    try:
        found = [folder for folder in (Path(), MADE) if (folder / SETTINGS).exists()]
    except PermissionError:  # `sudo -u waybill` in a folder that only root can read
        found = []
    return (found or [Path()])[0]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """Add the option `--folder`."""
    text = f"the deployment's folder (default: this folder, or {MADE} in it)"
    parser.add_argument("--folder", type=Path, default=usual(), help=text)


def add_where(parser: argparse.ArgumentParser) -> None:
    """Add the options of a merchant's connection: `--to`, `--credentials` and `--state`."""
    where = usual() if (usual() / SETTINGS).exists() else MADE
    text = f"a deployment's folder (created on first use) or a service (default: this folder if it is one, else {MADE})"
    parser.add_argument("--to", "--folder", default=str(where), metavar="WHERE", help=text)
    parser.add_argument("--credentials", type=Path, help="for a service: the file with your enrolment code")
    add_state(parser)


def add_state(parser: argparse.ArgumentParser) -> None:
    """Add the option `--state` of commands that talk to a service."""
    text = "for a service: folder for the device's key and other state (default: the credentials' folder)"
    parser.add_argument("--state", type=Path, metavar="FOLDER", help=text)


@contextmanager
def opening(folder: Path, world: World) -> Iterator[Store]:
    """The store of the deployment in a folder. It is closed when the block ends.

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
    """Lock a folder while the block runs. If another program holds the lock, raise `otherwise`.

    A crash releases the lock. It keeps out only programs that also take it.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(folder, patience=0))
        except BlockingIOError:
            raise otherwise from None
        yield


def require_posix(command: str) -> None:
    """Refuse to run a command that does not support Windows.

    Raises:
        SettingsError: this is not a POSIX system.
    """
    if not POSIX:
        raise SettingsError(f"{command} needs Linux or another POSIX system; on Windows use mask, label and the client")
