"""Prints labels that a service draws, so that an outlet's computer needs neither keys nor the deployment's folder.

The job's file is in `jobs/` next to the credentials, or in the folder of `--state`. The service draws 100 labels at a time, in the printer's language.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from masking.errors import InputError
from masking.values.printable import Labels, Note, PrintedPage, Refusal, WaybillId

from ..output import check_output, output
from .jobs import PrintJob, opened
from .options import patience_of, setup_of
from .reporting import not_printed, report_notes
from .sending import printer

if TYPE_CHECKING:
    from masking.client import Outlet

LANGUAGES = ("tspl", "zpl", "cpcl")
TOGETHER = 100


def print_from_service(args: argparse.Namespace, ids: Sequence[WaybillId]) -> tuple[int, list[str]]:
    """Print; the number of printed labels, and a line for each other one with its position and the reason.

    Raises:
        InputError: an option is missing, or can't be used with a service.
    """
    from masking.client import Outlet  # noqa: PLC0415  httpx, which a folder does not need

    if args.credentials is None:
        raise InputError("--credentials", "missing: give the file with your enrolment code")
    if args.again:
        raise InputError(
            "--again", "not possible with a service: reprint labels by their ids, under a new --job with --reason"
        )
    if args.to not in (LANGUAGES if args.printer else ("pdf", *LANGUAGES)):
        raise InputError("--to", f"not supported here: give one of {', '.join(LANGUAGES)}, or pdf with --out")
    if args.out:
        check_output(args.out)
    with (
        opened((args.state or args.credentials.parent) / "jobs", args.job) as job,
        Outlet.connect(args.service, credentials=args.credentials, state=args.state) as outlet,
    ):
        plan = job.asked(ids)
        if not job.plan:
            job.set_plan(plan)
        missed: list[str] = []
        printed = _send(args, outlet, job, missed) if args.printer else _write(args, outlet, job, missed)
    return printed, missed


def _send(args: argparse.Namespace, outlet: Outlet, job: PrintJob, missed: list[str]) -> int:
    positions = job.span("--only", args.only) if args.only else job.pending(args.resume)
    printed = 0
    if positions:
        with printer(args.printer, patience=patience_of(args)) as send:
            for position, part in _parts(args, outlet, job, positions, missed):
                with job.sending(position):
                    send(part)
                printed += 1
    return printed


def _write(args: argparse.Namespace, outlet: Outlet, job: PrintJob, missed: list[str]) -> int:
    positions = job.span("--only", args.only) if args.only else range(1, len(job.plan) + 1)
    if args.to == "pdf":
        labels = _ask(args, outlet, [job.plan[n - 1] for n in positions])
        printed = len(_pages(labels, positions, missed))
        if printed:
            with output(args.out, overwrite=args.overwrite) as file:
                file.write(labels.pdf)
        return printed
    parts = [part for _, part in _parts(args, outlet, job, positions, missed)]
    if parts:
        with output(args.out, overwrite=args.overwrite) as file:
            file.writelines(parts)
    return len(parts)


def _parts(
    args: argparse.Namespace, outlet: Outlet, job: PrintJob, positions: Sequence[int], missed: list[str]
) -> Iterator[tuple[int, bytes]]:
    """The labels at these positions in the printer's language. A line for each other one goes to `missed`."""
    for start in range(0, len(positions), TOGETHER):
        some = positions[start : start + TOGETHER]
        labels = _ask(args, outlet, [job.plan[n - 1] for n in some])
        yield from zip(_pages(labels, some, missed), labels.parts, strict=True)


def _ask(args: argparse.Namespace, outlet: Outlet, ids: Sequence[WaybillId]) -> Labels:
    return outlet.labels(
        ids,
        job=args.job,
        station=args.station,
        reason=args.reason,
        template=args.template,
        to=args.to,
        dpi=args.dpi,
        printer=asdict(setup_of(args)),
    )


def _pages(labels: Labels, positions: Sequence[int], missed: list[str]) -> list[int]:
    """The positions that were printed. A line for each other one goes to `missed`."""
    printed: list[int] = []
    notes: list[tuple[int, Note]] = []
    for position, outcome in zip(positions, labels.outcomes, strict=True):
        if isinstance(outcome, PrintedPage):
            printed.append(position)
            notes += [(position, note) for note in outcome.notes]
        elif isinstance(outcome, Refusal):
            missed.append(f"label {position}: {outcome.reason}")
        else:
            missed.append(not_printed(position, outcome.field, outcome.rule, outcome.sizes))
    report_notes(notes)
    return printed
