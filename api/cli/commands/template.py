"""`waybill template new | check | preview`: a merchant's own label templates."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.errors import InputError

from ...output import beside, output


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="new | check | preview")
    new = verbs.add_parser("new", help="write a template to start from")
    new.add_argument("file", type=Path, help="the new file, NAME.toml")
    new.add_argument("--like", default="100x180", metavar="SIZE", help="the built-in size to copy (100x180)")
    check = verbs.add_parser("check", help="say what is wrong with a template, and where")
    check.add_argument("file", type=Path)
    preview = verbs.add_parser("preview", help="draw a sample label as a picture that can't be taken for a label")
    preview.add_argument("template", help="a built-in size, or a .toml file")
    preview.add_argument("picture", type=Path, help="the PNG to write")
    preview.add_argument("--overwrite", action="store_true", help="replace the picture if it holds something else")
    preview.add_argument("--dpi", type=int, default=203, help="the printer's resolution, 203 or 300 (203)")


def run(args: argparse.Namespace) -> int:
    """Do it; 1 if a template has faults."""
    return {"new": _new, "check": _check, "preview": _preview}[args.verb](args)


def _new(args: argparse.Namespace) -> int:
    from print_templates.schema import FILE
    from print_templates.template import FOLDER, built_in, read

    if args.like not in built_in():
        raise InputError("--like", f"unknown; there are {', '.join(built_in())}")
    try:
        with args.file.open("x", encoding="utf-8") as file:
            file.write(f"#:schema {FILE}\n" + read(FOLDER / f"{args.like}.toml"))
    except OSError as error:
        raise InputError("file", f"not written: {error.strerror}") from None
    print(f"{args.file}: a copy of {args.like}; change it, then: waybill template check {args.file}")
    return 0


def _check(args: argparse.Namespace) -> int:
    from ...printing.own_templates import faults

    found = faults(args.file)
    for fault in found:
        print(f"{args.file}: {fault.where}: {fault.rule}", file=sys.stderr)
    if not found:
        print(f"{args.file}: good")
    return 1 if found else 0


def _preview(args: argparse.Namespace) -> int:
    from print_templates.preview import picture, sample

    from ...printing.own_templates import chosen

    drawn = picture(sample(), chosen(args.template), dpi=args.dpi)
    with output(args.picture, overwrite=args.overwrite) as file:
        drawn.save(file, format="PNG")
    print(args.picture, file=beside(args.picture))
    return 0
