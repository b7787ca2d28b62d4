"""`waybill mask orders.csv`: turns a merchant's file into masked waybills, labels and a list of rejected orders.

Exit status: 0 every order was entered, 1 some were rejected, 3 all were rejected, 2 the file or the command was not
understood, 130 interrupted. After any of them the same command can be run again.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from masking.config import SETTINGS
from masking.connection import connect
from masking.errors import InputError
from masking.values.plaintext import Party

from ...deployment import add_where
from ...importing import explaining
from ...importing.answers import Answers, default_sender, read_answers, remember, remembered, sender_from
from ...importing.asking import Interview
from ...importing.importing import BATCH
from ...importing.job import ImportJob, Result, run_job
from ...importing.layout import Layout, understand
from ...importing.orders import HIDDEN, Survey, survey
from ...importing.own_table import OwnTable, own_table
from ...importing.pasted import SURE
from ...importing.shredding import shred
from ...importing.statuses import NOT_PAID
from ...importing.table import Reading, readings
from ...language import say
from ...terminal import one_line
from .. import shipping
from ..shipping import NONE_WENT_THROUGH, template_of
from ..waybills import connected


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("file", type=Path, help="a file of orders from a shop or an ERP: CSV, XLSX, XLS, XLSB, ODS, or a web page")
    add_where(parser)
    add("--out", type=Path, help="folder for the results (default: FILE-masked, next to the file)")
    add("--overwrite", action="store_true", help="replace the results of another file in that folder")
    add("--columns", type=Path, metavar="TOML", help="a file that says what columns mean, where headers don't")
    add("--sender", metavar="NAME,PHONE,ADDRESS", help="the sender of all parcels (default: [sender] in waybill.toml)")
    add("--encoding", help="the encoding of a text file (default: recognised; utf-8, gb18030, big5, utf-16)")
    add("--delimiter", type=_delimiter, help="the sign between the cells of a text file, or tab (default: recognised)")
    add("--sheet", help="the sheet of a workbook")
    add("--explain", action="store_true", help="show how the file is understood, and enter nothing")
    add("--every-status", action="store_true", help="enter closed, refunded, unpaid and self-pick-up orders, too")
    add("--skip-hidden", action="store_true", help="leave out the rows that the spreadsheet hides (XLSX)")
    add("--amend", action="store_true", help="replace orders that changed since they were entered")
    add(
        "--confidence",
        type=float,
        default=SURE,
        help=f"least confidence to split a pasted line into name, phone and address (default: {SURE})",
    )
    add(
        "--labels",
        default="100x180",
        metavar="SIZE|FILE.toml",
        help="size, your own template, or none (default: 100x180)",
    )
    add("--batch", type=_batch, default=BATCH, help=f"orders in one transaction, 1 to {BATCH} (default: {BATCH})")
    add("--shred", action="store_true", help="overwrite and delete the file once every order in it is entered")


def run(args: argparse.Namespace) -> int:
    """Mask the file. The module lists the exit statuses."""
    try:
        return _run(args)
    except KeyboardInterrupt:
        print(say("\nstopped. Nothing is lost: the same command continues, and enters nothing twice"), file=sys.stderr)
        return 130


def _run(args: argparse.Namespace) -> int:
    read = readings(args.file, encoding=args.encoding, delimiter=args.delimiter)
    if table := own_table(read):
        return _ship(args, table)
    layout, found, answers = _understood(args, read)
    questions = explaining.questions(layout, found)
    if args.explain:
        print(explaining.explain(layout, found, args.confidence))
        if not questions:
            return 0
    if questions and not args.explain and sys.stdin.isatty() and sys.stderr.isatty():
        layout, found, answers = _interview(args, read, layout, found, answers)
        questions = explaining.questions(layout, found)
    if questions:
        print(questions, file=sys.stderr)
        return 2
    template = template_of(args.labels)  # a wrong size is refused before an order is entered
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
    new = _is_new(args)
    with connect(args.to, credentials=args.credentials, state=args.state) as shop:
        if new:
            print(
                say(
                    f"{args.to} was made: it holds the databases and the keys (root.key) that open them. Keep it from others, and "
                    "back it up (waybill backup).\nLabels from it are for your own couriers: another carrier's can't open them. "
                    "That needs the carrier's service (--to https://...)."
                ),
                file=sys.stderr,
            )
        result = run_job(shop, job, sys.stderr)
    if answers.columns or answers.ignore:
        remember(remembered(_memory(args), layout.headers), answers)
    print(explaining.summary(job, result))
    _say_what_remains(args, found, result)
    return _status(result)


def _is_new(args: argparse.Namespace) -> bool:
    """Whether the run is going to make a deployment."""
    return "://" not in args.to and not (Path(args.to) / SETTINGS).exists()


def _ship(args: argparse.Namespace, table: OwnTable) -> int:
    """Ship the waybills of a file that an earlier run wrote.

    Raises:
        InputError: the file is to be shredded, although it holds no plaintext.
        SettingsError: there is no deployment in the folder.
    """
    if args.shred:
        raise InputError("--shred", "this file holds masked waybills and no plaintext: give the file they came from")
    template = template_of(args.labels)
    with connected(args) as shop:
        return shipping.run(shop, table, args.out or args.file.parent, template)


def _understood(args: argparse.Namespace, found: Sequence[Reading]) -> tuple[Layout, Survey, Answers]:
    """The file as understood, what it holds, and the answers that were given now or for an earlier file of this form."""
    memory = _memory(args)
    usual = sender_from(args.sender) if args.sender else None
    if args.columns:
        answers = read_answers(args.columns)
        layout = understand(found, _sent_by(answers, usual or answers.sender or default_sender(memory)), args.sheet)
    else:
        answers = Answers()
        layout = understand(found, _sent_by(answers, usual or default_sender(memory)), args.sheet)
        earlier = remembered(memory, layout.headers)
        if earlier.is_file():
            answers = read_answers(earlier)
            sender = usual or answers.sender or default_sender(memory)
            layout = understand(found, _sent_by(answers, sender), args.sheet)
            print(say(f"the answers of an earlier file with these headers are used: {earlier}"), file=sys.stderr)
    return *_surveyed(args, layout), answers


def _interview(
    args: argparse.Namespace, read: Sequence[Reading], layout: Layout, found: Survey, answers: Answers
) -> tuple[Layout, Survey, Answers]:
    """The file as understood with the answers of the user at the terminal."""
    print(explaining.open_questions(layout, found), file=sys.stderr)
    try:
        answers = Interview(sys.stdin, sys.stderr).answers(layout, found, answers)
    except EOFError:
        return layout, found, answers
    layout = understand(read, _sent_by(answers, answers.sender or layout.sender), args.sheet)
    return *_surveyed(args, layout), answers


def _surveyed(args: argparse.Namespace, layout: Layout) -> tuple[Layout, Survey]:
    """The file as understood, and what it holds; with `--every-status` no column says that a row is left out."""
    layout = replace(layout, skip_hidden=args.skip_hidden)
    if args.every_status:
        layout = replace(layout, columns={name: hits for name, hits in layout.columns.items() if name != "status"})
    return layout, survey(layout)


def _sent_by(answers: Answers, sender: Party | None) -> Answers:
    return replace(answers, sender=sender)


def _memory(args: argparse.Namespace) -> Path:
    """The folder that holds remembered answers: the deployment's, or that of a service's state."""
    if "://" not in args.to:
        return Path(args.to)
    return Path(args.state or (args.credentials.parent if args.credentials else Path()))


def _delimiter(text: str) -> str:
    """One character."""
    text = "\t" if text in {"tab", "\\t"} else text
    if len(text) != 1 or text in '"\r\n':
        raise argparse.ArgumentTypeError("not one character, or tab")
    return text


def _batch(text: str) -> int:
    """A number from 1 to `BATCH`."""
    if not text.isdecimal() or not 1 <= int(text) <= BATCH:
        raise argparse.ArgumentTypeError(f"not 1 to {BATCH}")
    return int(text)


def _status(result: Result) -> int:
    if not result.faults:
        return 0
    return 1 if result.taken else NONE_WENT_THROUGH


def _say_what_remains(args: argparse.Namespace, found: Survey, result: Result) -> None:
    """Point out that the input file still holds plaintext, or shred it."""
    if not args.shred:
        print(
            say(
                f"\n{one_line(args.file)} still holds all data in plaintext. --shred overwrites and deletes it. For copies in "
                "mailboxes, sheets and back offices see docs/cleaning-up.md"
            )
        )
        return
    if result.unshipped:
        raise InputError(
            "--shred",
            f"refused: {result.unshipped:,} orders have no waybill number yet. Fill the numbers into masked.csv, run "
            "waybill ship on it, and then this command again",
        )
    if result.faults:
        raise InputError("--shred", "refused: rejected orders are only in this file. Correct them and run it again")
    waiting = sum(len(found.left_out.get(reason, ())) for reason in (NOT_PAID, HIDDEN))
    if waiting:
        raise InputError(
            "--shred",
            f"refused: {waiting:,} unpaid or hidden rows are only in this file. Enter them (--every-status, without "
            "--skip-hidden), or move them to another file",
        )
    shred(args.file)
    print(
        say(
            f"\n{one_line(args.file)} is overwritten and deleted. Copies of it may remain on flash disks, in snapshots, backups "
            "and synced folders: see docs/cleaning-up.md"
        )
    )
