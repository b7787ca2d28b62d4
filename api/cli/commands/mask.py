"""`waybill mask orders.csv`: a merchant's file becomes masked waybills, labels, and a list of what was rejected.

Exit status: 0 every order went through, 1 some were rejected, 3 none went through, 2 the file was not understood or the
command was wrong, 130 interrupted. After any of them the same command may be given again.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.config import SETTINGS
from masking.connection import connect
from masking.errors import InputError, not_installed

from ...deployment import MADE, add_state, usual
from ...importing import explaining
from ...importing.importing import BATCH
from ...importing.job import ImportJob, Result, run_job
from ...importing.layout import Answers, read_answers, understand
from ...importing.orders import survey
from ...importing.pasted import SURE
from ...importing.shredding import shred
from ...importing.table import readings
from ...terminal import one_line

NONE_WENT_THROUGH = 3


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("file", type=Path, help="a CSV or XLSX file of orders, from a shop or an ERP")
    where = usual() if (usual() / SETTINGS).exists() else MADE
    told = f"a folder (made on first use), or a service (default: this folder if it is a deployment, else {MADE})"
    add("--to", "--folder", default=str(where), metavar="WHERE", help=told)
    add("--credentials", type=Path, help="for a service: the file with the code of your enrolment")
    add_state(parser)
    add("--out", type=Path, help="folder for what is made (default: FILE-masked, beside the file)")
    add("--overwrite", action="store_true", help="replace what another file left in that folder")
    add("--columns", type=Path, metavar="TOML", help="what the file's columns mean, where that isn't plain")
    add("--sheet", help="which sheet of a workbook")
    add("--explain", action="store_true", help="show how the file is understood; enter nothing")
    add("--amend", action="store_true", help="orders that changed since they were entered replace what was entered")
    add("--confidence", type=float, default=SURE, help=f"take pasted lines apart from this confidence on ({SURE})")
    add("--labels", default="100x180", metavar="SIZE|FILE.toml", help="size, your own template, or none (100x180)")
    add("--batch", type=_batch, default=BATCH, help=f"orders that are committed together, 1 to {BATCH} ({BATCH})")
    add("--shred", action="store_true", help="overwrite and delete the file once every order in it is entered")


def run(args: argparse.Namespace) -> int:
    """Mask the file; see the module for the exit status."""
    try:
        return _run(args)
    except KeyboardInterrupt:
        print("\nstopped. Nothing is lost: the same command goes on, and enters nothing twice", file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    answers = read_answers(args.columns) if args.columns else Answers()
    layout = understand(readings(args.file), answers, args.sheet)
    found = survey(layout)
    questions = explaining.questions(layout, found)
    if args.explain:
        print(explaining.explain(layout, found, args.confidence))
        if not questions:
            return 0
    if questions:
        print(questions, file=sys.stderr)
        return 2
    template = _template(args.labels)  # wrong sizes are said before anything is entered
    job = ImportJob(
        path=args.file,
        folder=args.out or args.file.with_name(f"{args.file.stem}-masked"),
        layout=layout,
        survey=found,
        amend=args.amend,
        overwrite=args.overwrite,
        confidence=args.confidence,
        batch=args.batch,
        template=template,
    )
    with connect(args.to, credentials=args.credentials, state=args.state) as shop:
        result = run_job(shop, job, sys.stderr)
    print(explaining.summary(job, result))
    _say_what_remains(args, result)
    return _status(result)


def _template(name: str) -> str | Path | None:
    """A size of labels or a template of one's own, checked; None for no labels."""
    if name == "none":
        return None
    try:
        from ...printing.own_templates import chosen
    except ImportError as error:
        raise InputError("--labels", f"{not_installed(error)}; or mask without labels: --labels none") from error
    return chosen(name)


def _batch(text: str) -> int:
    """A number from 1 to `BATCH`."""
    if not text.isdecimal() or not 1 <= int(text) <= BATCH:
        raise argparse.ArgumentTypeError(f"not 1 to {BATCH}")
    return int(text)


def _status(result: Result) -> int:
    if not result.faults:
        return 0
    return 1 if result.taken else NONE_WENT_THROUGH


def _say_what_remains(args: argparse.Namespace, result: Result) -> None:
    """Name the input as the leak that remains, or shred it."""
    if not args.shred:
        print(
            f"\nThe leak that remains is {one_line(args.file)}: everything in it is plain. --shred overwrites and deletes it;"
        )
        print("copies in mailboxes, sheets and back offices: see docs/cleaning-up.md")
        return
    if result.faults:
        raise InputError("--shred", "refused: orders that were not entered stand only in this file")
    shred(args.file)
    print(
        f"\n{one_line(args.file)} is overwritten and deleted. On flash, snapshots, backups and synced folders its text may live on:"
    )
    print("see docs/cleaning-up.md")
