"""Draw labels into one PDF, with an outcome for each request, for embedded deployments and for the service."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from masking.waybill import LabelData, Labels, OnPage, Refusal, Rejected
from print_templates.render import NotPrinted, Printed, render


def draw_labels(found: Sequence[LabelData | Refusal], template: str | Path) -> Labels:
    """The document, empty if nothing could be drawn, and what became of each label; its title names the job.

    Raises:
        InputError: the template is unknown.
    """
    data = [each for each in found if isinstance(each, LabelData)]
    if not data:
        return Labels(pdf=b"", outcomes=[each for each in found if isinstance(each, Refusal)])
    rendered = render(data, template=template, to="pdf", title=f"labels {data[0].job}")
    pages = iter(rendered.outcomes)
    drawn: list[OnPage | Rejected | Refusal] = []
    for each in found:
        if isinstance(each, Refusal):
            drawn.append(each)
            continue
        match next(pages):
            case Printed(page=page):
                drawn.append(OnPage(page=page))
            case NotPrinted(field=field, rule=rule):
                drawn.append(Rejected(reference=None, field=field, rule=rule))
    printed = any(isinstance(each, OnPage) for each in drawn)
    return Labels(pdf=rendered.data if printed else b"", outcomes=drawn)
