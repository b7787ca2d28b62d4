"""`waybill template new | check | preview`: creates, checks and previews a merchant's own label templates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.errors import InputError

from ...language import say
from ...output import message_stream, output


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="new | check | preview")
    new = verbs.add_parser("new", help="write a template to start from")
    new.add_argument("file", type=Path, help="the new file, NAME.toml")
    new.add_argument("--like", default="100x180", metavar="SIZE", help="the built-in size to copy (default: 100x180)")
    check = verbs.add_parser("check", help="list the faults of a template, and where they are")
    check.add_argument("file", type=Path, help="the template, a .toml file")
    preview = verbs.add_parser("preview", help="draw a sample label as a picture that can't be used as a label")
    preview.add_argument("template", help="a built-in size, or a .toml file")
    preview.add_argument("picture", type=Path, help="the PNG file to write")
    preview.add_argument("--overwrite", action="store_true", help="replace the file if it holds other content")
    preview.add_argument("--dpi", type=int, default=203, help="the printer's resolution, 203 or 300 (default: 203)")


def run(args: argparse.Namespace) -> int:
    """Run the command; 1 if the template has faults."""
    return {"new": _new, "check": _check, "preview": _preview}[args.verb](args)


def _new(args: argparse.Namespace) -> int:
    from print_templates.schema import FILE
    from print_templates.template import FOLDER, built_in, read

    if args.like not in built_in():
        raise InputError("--like", f"not a built-in size: give one of {', '.join(built_in())}")
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(f"#:schema {FILE}\n" + read(FOLDER / f"{args.like}.toml"))
    except OSError as error:
        raise InputError("file", f"not written: {error.strerror}") from None
    print(say(f"{args.file} is a copy of {args.like}. Change it, then run: waybill template check {args.file}"))
    return 0


def _check(args: argparse.Namespace) -> int:
    from ...printing.own_templates import faults

    found = faults(args.file)
    for fault in found:
        print(f"{args.file}: {fault.where}: {say(fault.rule)}", file=sys.stderr)
    if not found:
        print(say(f"{args.file}: no faults"))
    return 1 if found else 0


def _preview(args: argparse.Namespace) -> int:
    from print_templates.preview import picture, sample

    from ...printing.own_templates import chosen

    drawn = picture(sample(), chosen(args.template), dpi=args.dpi)
    with output(args.picture, overwrite=args.overwrite) as file:
        drawn.save(file, format="PNG")
    print(args.picture, file=message_stream(args.picture))
    return 0
