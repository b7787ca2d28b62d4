"""`waybill printer`: a page to set a label printer up with: paper edges, single dots, darkness, offset."""

from __future__ import annotations

import argparse
import re
import sys
from pathlib import Path

from masking.errors import InputError

from ..files.output import beside, output

HOW_TO_READ = """\
All four sides of the outer frame must be there; if not, move it with --right and --down (8 dots a millimetre
at 203 dpi). In each row of bars all must be there, and apart: if some lack, more --darkness; if they run, less."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("--to", required=True, help="the printer's language: tspl, zpl or cpcl")
    add("--paper", default="100x180", metavar="WxH", help="millimetres (100x180)")
    add("--dpi", type=int, default=203, help="the printer's resolution, 203 or 300 (203)")
    to = parser.add_mutually_exclusive_group(required=True)
    to.add_argument("--out", type=Path, help="a file or device to write the bytes to; - for standard output")
    to.add_argument("--printer", metavar="HOST[:9100]", help="the printer to send them to")
    add("--overwrite", action="store_true", help="replace the file of --out if it holds something else")
    add("--right", type=int, default=0, metavar="DOTS", help="move the picture to the right, or left if negative")
    add("--down", type=int, default=0, metavar="DOTS", help="move the picture down, or up if negative")
    add("--darkness", type=int, help="0 to 15 (the printer's own)")


def run(args: argparse.Namespace) -> int:
    """Print the page, and say how to read it."""
    from print_templates.printers import Setup, setup_page
    from print_templates.template import RESOLUTIONS

    from ..printing.sending import printer

    paper = re.fullmatch(r"(\d{2,3})x(\d{2,3})", args.paper)
    if not paper or not all(30 <= int(side) <= 210 for side in paper.groups()):
        raise InputError("--paper", "not WIDTHxHEIGHT in millimetres, 30 to 210")
    if args.dpi not in RESOLUTIONS:
        raise InputError("--dpi", f"unknown; there are {', '.join(map(str, RESOLUTIONS))}")
    setup = Setup(right=args.right, down=args.down, darkness=args.darkness)
    width, height = (float(side) for side in paper.groups())
    data = setup_page(width, height, RESOLUTIONS[args.dpi], args.to, setup)
    if args.printer:
        with printer(args.printer) as send:
            send(data)
    else:
        with output(args.out, overwrite=args.overwrite) as file:
            file.write(data)
    print(HOW_TO_READ, file=beside(args.out) if args.out else sys.stdout)
    return 0
