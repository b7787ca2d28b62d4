"""Draw labels into one PDF or a printer's language, with an outcome for each request."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from masking.errors import InputError
from masking.values.printable import LabelData, Labels, PrintedPage, Refusal, Rejected
from masking.words.request_rules import RequestRule
from print_templates import pdf, printers
from print_templates.gate import Released
from print_templates.printers import PLAIN, Setup
from print_templates.render import NotPrinted, Printed, draw


def draw_labels(
    found: Sequence[LabelData | Refusal],
    template: str | Path,
    *,
    to: str = "pdf",
    dpi: int = 203,
    setup: Setup = PLAIN,
) -> Labels:
    """The labels as one PDF, empty if nothing could be drawn, or each in a printer's language; and what became of each.

    The title of the PDF names the job.

    Raises:
        InputError: the template, the language or the resolution is unknown, or the setup moves a code off the paper.
    """
    if to not in ("pdf", *printers.LANGUAGES):
        raise InputError("to", RequestRule.NOT_LISTED, detail=f"give one of pdf, {', '.join(printers.LANGUAGES)}")
    data = [each for each in found if isinstance(each, LabelData)]
    results = draw(data, template=template, dpi=dpi)
    drawings: list[Released] = []
    outcomes: list[PrintedPage | Rejected | Refusal] = []
    for each in found:
        if isinstance(each, Refusal):
            outcomes.append(each)
            continue
        drawing, outcome = next(results)
        match outcome:
            case Printed(page=page, notes=notes):
                outcomes.append(PrintedPage(page=page, notes=notes))
            case NotPrinted(field=field, rule=rule, sizes=sizes):
                outcomes.append(Rejected(reference=None, field=field, rule=rule, sizes=sizes))
        drawings += [drawing] if drawing is not None else []
    if to == "pdf":
        title = f"labels {data[0].job}" if data else ""
        return Labels(pdf=pdf.write(drawings, title), outcomes=outcomes)
    return Labels(pdf=b"", outcomes=outcomes, parts=[printers.write(each, to, setup) for each in drawings])
