"""Which deployment a command works on if it is not told: the same for all of them."""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.settings import SETTINGS

MADE = Path("waybill-data")
"""The folder that `waybill mask` makes on first use where there is no deployment."""


def usual() -> Path:
    """This folder if it is a deployment, else the one that `waybill mask` has made in it, else this folder after all."""
    found = [folder for folder in (Path(), MADE) if (folder / SETTINGS).exists()]
    return (found or [Path()])[0]


def add_folder(parser: argparse.ArgumentParser) -> None:
    """The option `--folder`."""
    told = f"the deployment (default: this folder, or {MADE} in it)"
    parser.add_argument("--folder", type=Path, default=usual(), help=told)
