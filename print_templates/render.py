"""Labels in, one document out: each label is laid out, passes the release gate, and is drawn; a bad one is reported.

There is no way round the gate here: writers take only what it released.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from masking.errors import InputError, RefusedError
from masking.rules import Rule
from masking.waybill import LabelData
from print_templates import pdf, printers, qr, raster
from print_templates.gate import Released, release
from print_templates.layout import Note, lay_out
from print_templates.template import built_in
from print_templates.template import template as load

AT_A_TIME = 256
"""Labels whose symbols are drawn together, and that memory is bounded by."""
_TOO_SMALL = frozenset({Rule.DOES_NOT_FIT, Rule.TOO_LONG_FOR_ITS_BARS})
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
    """A label that is not in the document: the field and the rule it breaks, never the value.

    `sizes` are the built-in sizes that have room for it, where that is what the label lacks.
    """

    field: str
    rule: Rule
    sizes: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The document, and what became of each label, in the order they came in."""

    data: bytes
    outcomes: list[Printed | NotPrinted]


def render(
    labels: Sequence[LabelData], *, template: str | Path = "100x180", to: str = "pdf", dpi: int = 203, title: str = ""
) -> Rendered:
    """One document of all labels that can be printed, and an outcome for every label.

    Equal labels give equal bytes. `template` is a built-in size, or the `Path` of a TOML file; `dpi` is the printer's,
    203 or 300; `to` is pdf, png (one label), or a printer's language: tspl, zpl, cpcl; `title` is what print queues call a
    PDF. With no label that can be printed, `data` is empty.

    Raises:
        InputError: the template, the format or the resolution is unknown; nothing is drawn then.
    """
    if to not in FORMATS:
        raise InputError("to", f"unknown; there are {', '.join(FORMATS)}")
    if to == "png" and len(labels) != 1:
        raise InputError("to", "a PNG holds one label")
    outcomes: list[Printed | NotPrinted] = []

    def released() -> Iterator[Released]:
        for drawing, outcome in draw(labels, template=template, dpi=dpi):
            outcomes.append(outcome)
            if drawing is not None:
                yield drawing

    if to == "pdf":
        data = pdf.write(released(), title)
    else:
        data = b"".join(raster.png(each) if to == "png" else printers.write(each, to) for each in released())
    return Rendered(data=data, outcomes=outcomes)


def draw(
    labels: Sequence[LabelData], *, template: str | Path = "100x180", dpi: int = 203
) -> Iterator[tuple[Released | None, Printed | NotPrinted]]:
    """Each label's released drawing, None where it can't be printed, and its outcome; some labels at a time.

    Raises:
        InputError: the template or the resolution is unknown.
    """
    form = load(template, dpi)
    page = 0
    for start in range(0, len(labels), AT_A_TIME):
        part = labels[start : start + AT_A_TIME]
        for label, symbol in zip(part, _symbols(part), strict=True):
            try:
                laid = lay_out(label, form, symbol)
                drawing = release(laid.drawing, label, form)
            except InputError as error:
                rule = Rule(error.rule)
                sizes = _sizes(label, symbol, dpi) if rule in _TOO_SMALL else ()
                yield None, NotPrinted(field=error.field, rule=rule, sizes=sizes)
            except RefusedError as error:
                yield None, NotPrinted(field="label", rule=Rule(error.reason))
            else:
                page += 1
                yield drawing, Printed(page=page, notes=laid.notes)


def _sizes(label: LabelData, symbol: bytes | None, dpi: int) -> tuple[str, ...]:
    """The built-in sizes that this label fits."""
    found = []
    for size in built_in():
        with suppress(InputError):
            lay_out(label, load(size, dpi), symbol)
            found.append(size)
    return tuple(found)


def _symbols(labels: Sequence[LabelData]) -> list[bytes | None]:
    """The QR modules of each label's code, drawn together; None where the code is none."""
    good = [n for n, label in enumerate(labels) if qr.encodable(label.code)]
    drawn = dict(zip(good, qr.symbols([labels[n].code for n in good]), strict=True))
    return [drawn.get(n) for n in range(len(labels))]
