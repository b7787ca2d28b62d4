"""One run over one file: enters, writes and prints. It may be interrupted at any point and run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, TextIO, final

from masking.connection import Shop
from masking.disk import remove_leftovers
from masking.errors import InputError
from masking.values.printable import WaybillId

from ..deployment import exclusive_folder
from ..output import check_output
from .earlier import earlier_waybills, require_same_waybill
from .importing import BATCH, Taken, enter
from .layout import Layout
from .orders import Survey, digest, parcels
from .progress import Progress
from .rules import meaning
from .writing import MASKED, REJECTED, masked_row, sheet

if TYPE_CHECKING:
    from masking.client import RemoteShop
    from masking.connection import Shop


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ImportJob:
    """An understood file and how to import it. `template` is that of the labels; None for no labels."""

    path: Path
    folder: Path
    layout: Layout
    survey: Survey
    amend: bool = False
    overwrite: bool = False
    confidence: float
    template: str | Path | None
    batch: int = BATCH


@final
@dataclass(slots=True, kw_only=True)
class Result:
    """The result of a run: orders by how they were entered, and faults by field and rule."""

    taken: Counter[str] = field(default_factory=Counter)
    faults: Counter[tuple[str, str]] = field(default_factory=Counter)
    unshipped: int = 0
    """Waybills that have no waybill number yet, so that their labels can't be printed."""
    printed: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    files: list[Path] = field(default_factory=list)


def _earlier(job: ImportJob, names: Sequence[Path]) -> dict[str, set[str]]:
    """The waybill ids by order number in the files of an earlier run. This run has to give the same ones.

    Raises:
        InputError: the files can't be written, or replacing them would lose an order.
    """
    if job.path.resolve() in [name.resolve() for name in names]:
        raise InputError("--out", "the results would replace the file itself: give another folder")
    for name in names:
        check_output(name)
        remove_leftovers(name)
    return {} if job.overwrite else earlier_waybills(job.layout, *names)


def run_job(shop: Shop | RemoteShop, job: ImportJob, progress: TextIO) -> Result:
    """Enter every order of the file, write the masked and the rejected rows, and print the labels.

    Raises:
        InputError: the file changed while it was read, another run writes to the same folder, or an earlier result
            would be lost.
        UnavailableError: the store did not answer. Entered orders are kept, and the next run continues.
    """
    _unchanged(job)
    job.folder.mkdir(parents=True, exist_ok=True)
    result = Result()
    with exclusive_folder(job.folder, InputError("--out", "another run is writing to this folder")):
        ids = _import(shop, job, result, progress)
        if job.template and ids:
            _print(shop, job, job.template, ids, result, progress)
    return result


def _import(shop: Shop | RemoteShop, job: ImportJob, result: Result, progress: TextIO) -> list[WaybillId]:
    chinese = job.layout.chinese
    suffix = ".xlsx" if job.layout.reading.sheet else ".csv"
    names = [job.folder / f"{name}{suffix}" for name in ("masked", "rejected")]
    earlier = _earlier(job, names)
    headers = [list(table.values() if chinese else table) for table in (MASKED, REJECTED)]
    found = parcels(job.layout, job.survey.repeated, confidence=job.confidence)
    ids: list[WaybillId] = []
    with (
        sheet(names[0], headers[0], overwrite=True) as masked,
        sheet(names[1], headers[1], overwrite=True) as rejected,
        Progress("orders", job.survey.orders, progress) as bar,
    ):
        for outcomes in enter(shop, found, amend=job.amend, batch=job.batch):
            for outcome in outcomes:
                if isinstance(outcome, Taken):
                    require_same_waybill(earlier, outcome.waybill.reference or "", outcome.waybill.id, names[0])
                    masked.write(masked_row(outcome))
                    result.taken[outcome.how] += 1
                    result.unshipped += not outcome.waybill.waybill_number
                    ids.append(outcome.waybill.id)
                else:
                    rows = ", ".join(map(str, outcome.rows))
                    names_of = job.layout.names(outcome.field)
                    said = meaning(outcome.rule, chinese=chinese)
                    rejected.write([rows, names_of, outcome.field, outcome.rule, said])
                    result.faults[outcome.field, outcome.rule] += 1
            bar.step(len(outcomes))
        _unchanged(job)
    result.files += names
    return ids


def _print(
    shop: Shop | RemoteShop,
    job: ImportJob,
    template: str | Path,
    ids: list[WaybillId],
    result: Result,
    progress: TextIO,
) -> None:
    from .printing import print_labels  # noqa: PLC0415  fonts and numpy, only where labels are drawn

    name = f"file-{job.survey.digest[:32]}"
    with Progress("labels", len(ids), progress) as bar:
        prints = print_labels(shop, ids, job=name, folder=job.folder, template=template, step=bar.step)
    result.printed, result.refused = prints.printed, prints.refused
    result.files += prints.files


def _unchanged(job: ImportJob) -> None:
    if digest(job.path) != job.survey.digest:
        raise InputError("file", "changed while it was read: run the command again")
