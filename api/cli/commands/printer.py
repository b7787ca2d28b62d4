"""`waybill printer`: prints a setup page for a label printer: paper edges, single dots, darkness, offset."""

from __future__ import annotations

import argparse
import re
import sys

from masking.errors import InputError

from ...language import say
from ...output import message_stream, output
from ...printing.options import add_printer, patience_of, setup_of

HOW_TO_READ = """\
All four sides of the outer frame must be visible. If not, move it with --right and --down (8 dots a millimetre at 203
dpi). Every bar must be visible and separate: if some are missing, give more --darkness; if they run together, less."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("--to", required=True, help="the printer's language: tspl, zpl or cpcl")
    add("--paper", default="100x180", metavar="WxH", help="paper size in millimetres (default: 100x180)")
    add_printer(parser)


def run(args: argparse.Namespace) -> int:
    """Print the page, and explain how to read it."""
    from print_templates.printers import setup_page
    from print_templates.template import RESOLUTIONS

    from ...printing.sending import printer

    paper = re.fullmatch(r"(\d{2,3})x(\d{2,3})", args.paper)
    if not paper or not all(30 <= int(side) <= 210 for side in paper.groups()):
        raise InputError("--paper", "not WIDTHxHEIGHT in millimetres, 30 to 210")
    if args.dpi not in RESOLUTIONS:
        raise InputError("--dpi", f"not supported: give one of {', '.join(map(str, RESOLUTIONS))}")
    setup = setup_of(args)
    width, height = (float(side) for side in paper.groups())
    data = setup_page(width, height, RESOLUTIONS[args.dpi], args.to, setup)
    if args.printer:
        with printer(args.printer, patience=patience_of(args)) as send:
            send(data)
    else:
        with output(args.out, overwrite=args.overwrite) as file:
            file.write(data)
    print(say(HOW_TO_READ), file=message_stream(args.out) if args.out else sys.stdout)
    return 0
