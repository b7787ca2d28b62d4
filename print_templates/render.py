"""Labels in, one document out: each label is laid out, passes the release gate, and is drawn; a bad one is reported.

There is no way round the gate here: writers take only what it released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import final

from masking.errors import InputError, RefusedError
from masking.waybill import LabelData
from print_templates import pdf, printers, qr, raster
from print_templates.gate import Released, release
from print_templates.layout import Note, lay_out
from print_templates.template import template as load

FORMATS = ("pdf", "png", *printers.LANGUAGES)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A label that is in the document, on this page (counted from 1); `notes` are what a person should know of it."""

    page: int
    notes: tuple[Note, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NotPrinted:
    """A label that is not in the document: the field and the rule it breaks, never the value."""

    field: str
    rule: str


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The document, and what became of each label, in the order they came in."""

    data: bytes
    outcomes: list[Printed | NotPrinted]


def render(
    labels: Sequence[LabelData], *, template: str | Path = "100x180", to: str = "pdf", dpi: int = 203
) -> Rendered:
    """One document of all labels that can be printed, and an outcome for every label.

    Equal labels give equal bytes. `template` is a built-in size, or the `Path` of a TOML file; `dpi` is the printer's,
    203 or 300; `to` is pdf, png (one label), or a printer's language: tspl, zpl, cpcl. With no label that can be printed,
    `data` is empty.

    Raises:
        InputError: the template, the format or the resolution is unknown; nothing is drawn then.
    """
    if to not in FORMATS:
        raise InputError("to", f"unknown; there are {', '.join(FORMATS)}")
    if to == "png" and len(labels) != 1:
        raise InputError("to", "a PNG holds one label")
    drawings, outcomes = draw(labels, template=template, dpi=dpi)
    if not drawings:
        return Rendered(data=b"", outcomes=outcomes)
    if to == "pdf":
        return Rendered(data=pdf.write(drawings), outcomes=outcomes)
    data = raster.png(drawings[0]) if to == "png" else b"".join(printers.write(drawings, to))
    return Rendered(data=data, outcomes=outcomes)


def draw(
    labels: Sequence[LabelData], *, template: str | Path = "100x180", dpi: int = 203
) -> tuple[list[Released], list[Printed | NotPrinted]]:
    """The released drawings of all labels that can be printed, and an outcome for every label.

    Raises:
        InputError: the template or the resolution is unknown.
    """
    form = load(template, dpi)
    drawings: list[Released] = []
    outcomes: list[Printed | NotPrinted] = []
    for label, symbol in zip(labels, _symbols(labels), strict=True):
        try:
            laid = lay_out(label, form, symbol)
            drawings.append(release(laid.drawing, label, form))
            outcomes.append(Printed(page=len(drawings), notes=laid.notes))
        except InputError as error:
            outcomes.append(NotPrinted(field=error.field, rule=error.rule))
        except RefusedError as error:
            outcomes.append(NotPrinted(field="label", rule=error.reason))
    return drawings, outcomes


def _symbols(labels: Sequence[LabelData]) -> list[bytes | None]:
    """The QR modules of each label's code, drawn together; None where the code is none."""
    good = [n for n, label in enumerate(labels) if qr.encodable(label.code)]
    drawn = dict(zip(good, qr.symbols([labels[n].code for n in good]), strict=True))
    return [drawn.get(n) for n in range(len(labels))]
