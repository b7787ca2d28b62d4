"""Prints the labels of imported waybills as one job, in volumes of so many pages that memory stays bounded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import final

from api.files.importing import Shop
from api.files.writing import whole
from masking.waybill import LabelData, Token
from print_templates.render import Printed, render

VOLUME = 500
"""Pages of one PDF."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Prints:
    """How many labels were printed, into which files, and why others were not."""

    printed: int = 0
    files: Sequence[Path] = ()
    refused: Counter[str] = field(default_factory=Counter)


def print_labels(
    shop: Shop, ids: Sequence[Token], *, job: str, folder: Path, template: str, step: Callable[[int], None]
) -> Prints:
    """Write `labels-JOB.pdf`, or numbered volumes of it. The same ids under the same job give the same bytes.

    Raises:
        InputError: the template is unknown.
        UnavailableError: ask again under the same job.
    """
    printed, files, refused = 0, [], Counter[str]()
    for start in range(0, len(ids), VOLUME):
        answers = shop.labels(ids[start : start + VOLUME], job=job, station="file")
        labels = [answer for answer in answers if isinstance(answer, LabelData)]
        refused.update(answer.reason for answer in answers if not isinstance(answer, LabelData))
        if labels:
            document = render(labels, template=template, to="pdf")
            good = sum(isinstance(outcome, Printed) for outcome in document.outcomes)
            refused.update(f"{o.field}: {o.rule}" for o in document.outcomes if not isinstance(o, Printed))
            if good:
                volume = f"-{start // VOLUME + 1:03}" if len(ids) > VOLUME else ""
                path = folder / f"labels-{job[-8:]}{volume}.pdf"
                with whole(path) as part:
                    part.write_bytes(document.data)
                files.append(path)
            printed += good
        step(len(answers))
    return Prints(printed=printed, files=files, refused=refused)
