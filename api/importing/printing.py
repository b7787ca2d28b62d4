"""Prints the labels of imported waybills as one job, in volumes of limited size, so that memory stays bounded.

Labels of an embedded deployment are drawn here. A service draws its labels itself, because it never gives out label codes
as data.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, final

from masking.connection import Shop
from masking.disk import remove_leftovers
from masking.errors import InputError
from masking.values.printable import PrintedPage, Refusal, Rejected, WaybillId
from print_templates.document import draw_labels

from ..output import output

if TYPE_CHECKING:
    from masking.client import RemoteShop

STATION = "file"
VOLUME = 500
"""Pages of one PDF."""
VOLUME_OF_A_SERVICE = 100
"""Labels in one request."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """The number of printed labels, their files, and the reasons why others were not printed."""

    printed: int = 0
    files: Sequence[Path] = ()
    refused: Counter[str] = field(default_factory=Counter)


def print_labels(
    shop: Shop | RemoteShop,
    ids: Sequence[WaybillId],
    *,
    job: str,
    folder: Path,
    template: str | Path,
    step: Callable[[int], None],
) -> Prints:
    """Write `labels-JOB.pdf`, or numbered volumes of it. The same ids under the same job give the same bytes.

    Raises:
        InputError: the template is unknown.
        UnavailableError: the store did not answer. Call it again with the same job.
    """
    printed, files, refused = 0, [], Counter[str]()
    size = VOLUME if isinstance(shop, Shop) else VOLUME_OF_A_SERVICE
    for start in range(0, len(ids), size):
        some = ids[start : start + size]
        pdf, reasons = _draw(shop, some, job, template)
        refused.update(reasons)
        if len(reasons) < len(some):
            volume = f"-{start // size + 1:04}" if len(ids) > size else ""
            path = folder / f"labels-{job[-8:]}{volume}.pdf"
            remove_leftovers(path)
            with output(path, overwrite=True) as file:  # the job is part of the name, so the content is the same
                file.write(pdf)
            files.append(path)
        printed += len(some) - len(reasons)
        step(len(some))
    return Prints(printed=printed, files=files, refused=refused)


def _draw(shop: Shop | RemoteShop, ids: Sequence[WaybillId], job: str, template: str | Path) -> tuple[bytes, list[str]]:
    """A PDF of the labels, and a reason for each that is not in it."""
    if isinstance(shop, Shop):
        drawn = draw_labels(shop.label_data(ids, job=job, station=STATION), template)
    elif isinstance(template, Path):
        raise InputError("--labels", "a service can't use a local template: give one of its sizes")
    else:
        drawn = shop.labels(ids, job=job, station=STATION, template=template)
    return drawn.pdf, [_reason(outcome) for outcome in drawn.outcomes if not isinstance(outcome, PrintedPage)]


def _reason(outcome: Rejected | Refusal) -> str:
    return outcome.reason if isinstance(outcome, Refusal) else f"{outcome.field}: {outcome.rule}"
