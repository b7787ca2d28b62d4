"""`waybill printer`: a page to set a label printer up with: paper edges, single dots, darkness, offset."""

from __future__ import annotations

import argparse
import re
import sys

from masking.errors import InputError

from ...output import beside, output
from ...printing.options import add_printer, patience_of, setup_of

HOW_TO_READ = """\
All four sides of the outer frame must be there; if not, move it with --right and --down (8 dots a millimetre
at 203 dpi). In each row of bars all must be there, and apart: if some lack, more --darkness; if they run, less."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("--to", required=True, help="the printer's language: tspl, zpl or cpcl")
    add("--paper", default="100x180", metavar="WxH", help="millimetres (100x180)")
    add_printer(parser)


def run(args: argparse.Namespace) -> int:
    """Print the page, and say how to read it."""
    from print_templates.printers import setup_page
    from print_templates.template import RESOLUTIONS

    from ...printing.sending import printer

    paper = re.fullmatch(r"(\d{2,3})x(\d{2,3})", args.paper)
    if not paper or not all(30 <= int(side) <= 210 for side in paper.groups()):
        raise InputError("--paper", "not WIDTHxHEIGHT in millimetres, 30 to 210")
    if args.dpi not in RESOLUTIONS:
        raise InputError("--dpi", f"unknown; there are {', '.join(map(str, RESOLUTIONS))}")
    setup = setup_of(args)
    width, height = (float(side) for side in paper.groups())
    data = setup_page(width, height, RESOLUTIONS[args.dpi], args.to, setup)
    if args.printer:
        with printer(args.printer, patience=patience_of(args)) as send:
            send(data)
    else:
        with output(args.out, overwrite=args.overwrite) as file:
            file.write(data)
    print(HOW_TO_READ, file=beside(args.out) if args.out else sys.stdout)
    return 0
