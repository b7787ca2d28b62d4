"""`waybill label`: prints waybills as one job, sorted by routing code, to a file or a printer.

A job prints each label once: the same command resumes it where it stopped. After a paper jam, `--again` reprints a range
as a new job, whose reason goes on the ledger; only an outlet that has the parcels may do so.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from masking.access.people import Actor, Role
from masking.deployment import SHOP
from masking.errors import InputError
from masking.journal import journal
from masking.runtime import World
from masking.steps.label import PRINTED_BEFORE, REASONS, Label, label
from masking.store.rows import people
from masking.store.store import Store
from masking.values.printable import LabelData, Note, WaybillId

from ...deployment import add_folder, add_state, opening
from ...importing.own_table import ids_of, require_own
from ...importing.table import readings
from ...language import say
from ...output import check_output, message_stream, output
from ...printing.options import add_printer, patience_of, setup_of
from ...printing.reporting import not_printed, report_notes

if TYPE_CHECKING:
    from print_templates.gate import Released
    from print_templates.printers import Setup

    from ...printing.jobs import PrintJob

TOKEN = re.compile(r"wb1_[0-9a-z]{26}")
BATCH = 200
AGAIN = """\
some labels were printed before. To get the same labels again, give their own --job, or run waybill mask on the same file. A
reprint is made by an outlet that has the parcel (--as PERSON --reason WORD)"""
Todo = Sequence[tuple[int, LabelData]]
"""Labels to print, with their positions in the job."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    add = parser.add_argument
    add("ids", nargs="*", metavar="ID|FILE", help="waybill ids wb1_..., or files that hold them; none: resume the job")
    add("--job", required=True, help="the print job's name, by which it is resumed or reprinted")
    add("--service", metavar="URL", help="print labels drawn by a service: https://... (default: by this deployment)")
    add("--credentials", type=Path, help="for a service: the file with your enrolment code")
    add_state(parser)
    add("--station", default="shop", help="the name of the printing station (default: shop)")
    add(
        "--as", dest="person", default=SHOP, metavar="PERSON", help="the enrolled person who prints (default: the shop)"
    )
    add("--template", default="100x180", metavar="SIZE|FILE.toml", help="size, or your own template (default: 100x180)")
    add(
        "--to",
        default="pdf",
        help="pdf, png, tspl, zpl or cpcl (default: pdf); network printers and devices take no pdf",
    )
    add_printer(parser)
    add("--from", dest="resume", type=int, metavar="N", help="position to resume at, if a label may not have come out")
    add(
        "--only",
        metavar="A-B",
        help="send only these positions, as printed before: where a label tore, and is thrown away",
    )
    add("--again", metavar="A-B", help="reprint these positions of the job")
    add("--reason", choices=sorted(REASONS), help="the reason for the reprint (default with --again: printer-jam)")
    add_folder(parser)


class How(NamedTuple):
    """The print settings, checked before a print is counted."""

    template: str | Path
    dpi: int
    to: str
    setup: Setup
    paper: tuple[float, float]


def run(args: argparse.Namespace) -> int:
    """Print; 1 if some labels were not printed, each named by position or waybill id, and rule."""
    from ...printing.jobs import opened

    if args.service:
        from ...printing.remote import print_from_service

        return _report(args, *print_from_service(args, _ids(args.ids)))
    how, world, jobs = _how(args), World(), args.folder / "jobs"
    with opening(args.folder, world) as store:
        try:
            if not args.again:
                with opened(jobs, args.job) as job:
                    return _print(args, how, world, store, job, _ids(args.ids), args.job, args.reason)
            with opened(jobs, args.job) as job:
                wanted = [job.plan[n - 1] for n in job.span("--again", args.again)]
            name = f"{args.job}.again-{args.again}"
            with opened(jobs, name) as job:
                return _print(args, how, world, store, job, wanted, name, args.reason or "printer-jam")
        finally:
            journal.sequence(world, store)


def _how(args: argparse.Namespace) -> How:
    from print_templates.preview import sample_drawing
    from print_templates.printers import LANGUAGES, check_offset
    from print_templates.render import FORMATS
    from print_templates.template import template

    from ...printing.own_templates import chosen
    from ...printing.sending import CUPS

    known = FORMATS
    if args.printer:
        known = ("pdf", *LANGUAGES) if args.printer.startswith(CUPS) else tuple(LANGUAGES)
    if args.to not in known:
        raise InputError("--to", f"not supported here: give one of {', '.join(known)}")
    setup, chosen_one = setup_of(args), chosen(args.template)
    form = template(chosen_one, args.dpi)
    if args.to in LANGUAGES:
        check_offset(sample_drawing(form), setup)
    if args.out:
        check_output(args.out)
    return How(chosen_one, args.dpi, args.to, setup, form.paper)


def _print(
    args: argparse.Namespace,
    how: How,
    world: World,
    store: Store,
    job: PrintJob,
    ids: Sequence[WaybillId],
    name: str,
    reason: str | None,
) -> int:
    asked = job.asked(ids)
    if how.to == "png" and len(asked) > 1:
        raise InputError("--to", "a PNG holds one label: give one waybill id, or --to pdf")
    found, missed = _labels(args, world, store, asked, name, reason)
    if found and not job.plan:
        job.set_plan(_sorted(asked, found))
    if args.only:
        positions: Sequence[int] = job.span("--only", args.only)
    else:
        positions = job.pending(args.resume) if args.printer else range(1, len(job.plan) + 1)
    todo = [(n, found[job.plan[n - 1]]) for n in positions if job.plan[n - 1] in found]
    printed = _send(args, how, job, todo, missed) if args.printer else _write(args, how, todo, missed)
    return _report(args, printed, missed)


def _report(args: argparse.Namespace, printed: int, missed: list[str]) -> int:
    for line in missed:
        print(f"waybill label: {say(line)}", file=sys.stderr)
    if any(line.endswith(PRINTED_BEFORE.reason) for line in missed):
        print(f"waybill label: {say(AGAIN)}", file=sys.stderr)
    print(
        say(f"{printed} printed, {len(missed)} not printed"), file=message_stream(args.out) if args.out else sys.stdout
    )
    return 1 if missed else 0


def _sorted(ids: Sequence[WaybillId], found: Mapping[WaybillId, LabelData]) -> list[WaybillId]:
    """The ids by routing code, as outlets sort. Labels that can't be printed now come last and keep that position."""
    return sorted(ids, key=lambda id_: (found[id_].routing_code, found[id_].waybill_number) if id_ in found else ("~",))


def _labels(
    args: argparse.Namespace, world: World, store: Store, ids: Sequence[WaybillId], job: str, reason: str | None
) -> tuple[dict[WaybillId, LabelData], list[str]]:
    """The labels' data by waybill id, and a line for each refused label."""
    actor = Actor(id=SHOP, tenant=store.settings.tenant, role=Role.MERCHANT, unit=SHOP)
    if args.person != SHOP:
        with store.transaction() as tx:
            known = people.active(tx, {args.person})
        if args.person not in known:
            raise InputError("--as", "no person of this name is enrolled")
        actor = known[args.person]
    found, missed = {}, []
    for start in range(0, len(ids), BATCH):
        part = ids[start : start + BATCH]
        asked = [Label(actor=actor, id=id_, job=job, station=args.station, reason=reason) for id_ in part]
        for id_, answer in zip(part, label(world, store, asked), strict=True):
            if isinstance(answer, LabelData):
                found[id_] = answer
            else:
                missed.append(f"{id_}: {answer.reason}")
    return found, missed


def _send(args: argparse.Namespace, how: How, job: PrintJob, todo: Todo, missed: list[str]) -> int:
    from print_templates import pdf
    from print_templates.printers import write

    from ...printing.sending import RAW, media_of, printer

    if not todo:
        return 0
    printed = 0
    options = media_of(how.paper) if how.to == "pdf" else RAW
    with printer(args.printer, patience=patience_of(args), options=options) as send:
        for position, drawing in _drawn(how, todo, missed):
            data = pdf.write([drawing]) if how.to == "pdf" else write(drawing, how.to, how.setup)
            with job.sending(position):
                send(data)
            printed += 1
    return printed


def _write(args: argparse.Namespace, how: How, todo: Todo, missed: list[str]) -> int:
    from print_templates import pdf, raster
    from print_templates.printers import write

    before = len(missed)
    drawings = (drawing for _, drawing in _drawn(how, todo, missed))
    first = next(drawings, None)
    if first is None:
        return 0
    pages = chain([first], drawings)
    with output(args.out, overwrite=args.overwrite) as file:
        if how.to == "pdf":
            file.write(pdf.write(pages, f"labels {args.job}"))
        else:
            file.writelines(raster.png(page) if how.to == "png" else write(page, how.to, how.setup) for page in pages)
    return len(todo) - (len(missed) - before)


def _drawn(how: How, todo: Todo, missed: list[str]) -> Iterator[tuple[int, Released]]:
    """The released drawings, some at a time. A line for each label that can't be drawn goes to `missed`."""
    from print_templates.render import NotPrinted, Printed, draw

    drawn = draw([data for _, data in todo], template=how.template, dpi=how.dpi)
    notes: list[tuple[int, Note]] = []
    for (position, _), (drawing, outcome) in zip(todo, drawn, strict=True):
        if drawing is not None and isinstance(outcome, Printed):
            notes += [(position, note) for note in outcome.notes]
            yield position, drawing
        elif isinstance(outcome, NotPrinted):
            missed.append(not_printed(position, outcome.field, outcome.rule, outcome.sizes))
    report_notes(notes)


def _ids(words: Sequence[str]) -> list[WaybillId]:
    """The waybill ids that are given, and those in the files that are given."""
    found = []
    for word in words:
        if TOKEN.fullmatch(word):
            found.append(WaybillId(word))
            continue
        try:
            text = Path(word).read_text("utf-8-sig")
        except UnicodeDecodeError:  # a workbook, or a table that a spreadsheet saved in another encoding
            found += ids_of(require_own(readings(Path(word))))
            continue
        except OSError:
            raise InputError(
                "ids", "neither a waybill id nor a readable file. 'waybill find ORDER' gives an order's id"
            ) from None
        found += [WaybillId(each) for each in TOKEN.findall(text)]
    return found
