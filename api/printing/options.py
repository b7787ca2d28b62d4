"""The printer options that `waybill label` and `waybill printer` share."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from masking.errors import InputError

if TYPE_CHECKING:
    from print_templates.printers import Setup


def add_printer(parser: argparse.ArgumentParser) -> None:
    """Add the options for the output, the paper and the print quality."""
    add = parser.add_argument
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--out", type=Path, help="the file to write to; - for standard output")
    to.add_argument(
        "--printer",
        metavar="PRINTER",
        help="the printer: HOST, HOST:PORT or [IPv6]:PORT (port 9100), a device such as /dev/usb/lp0, or cups:QUEUE",
    )
    add("--patience", type=int, metavar="SECONDS", help="how long a printer may pause, paper out (default: 120)")
    add("--overwrite", action="store_true", help="replace the file of --out if it holds other content")
    add("--dpi", type=int, default=203, help="the printer's resolution, 203 or 300 (default: 203)")
    add("--right", type=int, default=0, metavar="DOTS", help="move the picture right, or left if negative")
    add("--down", type=int, default=0, metavar="DOTS", help="move the picture down, or up if negative")
    add("--darkness", type=int, help="darkness, 0 to 15 (default: the printer's own)")
    add("--speed", type=int, metavar="INCHES", help="speed, 1 to 14 inches a second (default: the printer's own)")
    add(
        "--media", default="keep", help="how labels are separated: gap, mark, continuous (default: keep, as calibrated)"
    )
    add("--gap", type=float, default=2, metavar="MM", help="height of the gap or mark in mm (default: 2)")


def setup_of(args: argparse.Namespace) -> Setup:
    """The printer's setup from the options.

    Raises:
        InputError: an option is outside its limits.
    """
    from print_templates.printers import Setup  # noqa: PLC0415  loads fonts and numpy, which `--help` does not need

    return Setup(
        right=args.right, down=args.down, darkness=args.darkness, speed=args.speed, media=args.media, gap=args.gap
    )


def patience_of(args: argparse.Namespace) -> int:
    """Seconds that the printer may pause.

    Raises:
        InputError: less than a second or more than an hour.
    """
    from .sending import PATIENCE  # noqa: PLC0415  as above

    seconds = PATIENCE if args.patience is None else args.patience
    if not 1 <= seconds <= 3600:
        raise InputError("--patience", "not 1 to 3600 seconds")
    return int(seconds)
