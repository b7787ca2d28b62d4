"""Render labels into one document: each is laid out, checked by the release gate and drawn, or reported as not printed.

The gate can't be bypassed, since writers accept only drawings that it released.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import final

from masking.errors import InputError, RefusedError
from masking.values.printable import LabelData, Note
from masking.words.request_rules import RequestRule
from masking.words.rules import Rule
from print_templates import pdf, printers, qr, raster
from print_templates.gate import Released, release_checked
from print_templates.layout import lay_out
from print_templates.template import built_in
from print_templates.template import template as load

AT_A_TIME = 256
"""How many labels' QR symbols are encoded together. It bounds the memory."""
_TOO_SMALL = frozenset({Rule.DOES_NOT_FIT, Rule.TOO_LONG_FOR_ITS_BARS})
FORMATS = ("pdf", "png", *printers.LANGUAGES)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A label in the document: its page, counted from 1, and its defects."""

    page: int
    notes: tuple[Note, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class NotPrinted:
    """A label that is not in the document: the field and the rule that it breaks, never the value.

    `sizes` are the built-in sizes that have room for it, if the reason is a lack of room.
    """

    field: str
    rule: Rule
    sizes: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """The document, and the outcome of each label, in the order of the input."""

    data: bytes
    outcomes: list[Printed | NotPrinted]


def render(
    labels: Sequence[LabelData], *, template: str | Path = "100x180", to: str = "pdf", dpi: int = 203, title: str = ""
) -> Rendered:
    """Render all labels that can be printed into one document. Equal labels give equal bytes.

    Args:
        labels: the labels, in the order of the pages.
        template: a built-in size, or the `Path` of a TOML file.
        to: pdf, png (one label only), or a printer language: tspl, zpl, cpcl.
        dpi: the printer's resolution, 203 or 300.
        title: the name of a PDF in print queues.

    Returns:
        The document, empty if no label can be printed, and an outcome for every label.

    Raises:
        InputError: the template, the format or the resolution is unknown. Nothing is drawn.
    """
    if to not in FORMATS:
        raise InputError("to", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(FORMATS)}")
    if to == "png" and len(labels) != 1:
        raise InputError("to", RequestRule.ONE_LABEL_ONLY)
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
    """Yield each label's released drawing, None if it can't be printed, and its outcome. Works in batches.

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
                drawing = release_checked(laid.drawing, label, form)
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
    """The built-in sizes that have room for this label."""
    found = []
    for size in built_in():
        with suppress(InputError):
            lay_out(label, load(size, dpi), symbol)
            found.append(size)
    return tuple(found)


def _symbols(labels: Sequence[LabelData]) -> list[bytes | None]:
    """The QR modules of each label's code, encoded together. None for a code that can't be encoded."""
    good = [n for n, label in enumerate(labels) if qr.encodable(label.code)]
    drawn = dict(zip(good, qr.symbols([labels[n].code for n in good]), strict=True))
    return [drawn.get(n) for n in range(len(labels))]
