"""Labels in, one document out: each label is laid out, passes the release gate, and is drawn; a bad one is reported.

There is no way round the gate here: writers take only what it released.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

from masking.errors import InputError, RefusedError
from masking.waybill import LabelData
from print_templates import pdf, qr
from print_templates.gate import Released, release
from print_templates.layout import lay_out
from print_templates.template import Template
from print_templates.template import template as load

FORMATS = ("pdf",)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """A label that is in the document, on this page (counted from 1)."""

    page: int


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


def render(labels: Sequence[LabelData], *, template: str = "100x180", to: str = "pdf") -> Rendered:
    """One document of all labels that can be printed, and an outcome for every label.

    Equal labels give equal bytes. `template` is a built-in size or the path of a TOML file.

    Raises:
        InputError: the template or the format is unknown; nothing is drawn then.
    """
    if to not in FORMATS:
        raise InputError("to", f"unknown; there are {', '.join(FORMATS)}")
    form = load(template)
    drawings: list[Released] = []
    outcomes: list[Printed | NotPrinted] = []
    for label, symbol in zip(labels, _symbols(labels), strict=True):
        drawn = _released(label, form, symbol)
        if isinstance(drawn, NotPrinted):
            outcomes.append(drawn)
        else:
            drawings.append(drawn)
            outcomes.append(Printed(page=len(drawings)))
    return Rendered(data=pdf.write(drawings), outcomes=outcomes)


def _released(label: LabelData, form: Template, symbol: bytes | None) -> Released | NotPrinted:
    if symbol is None:
        return NotPrinted(field="code", rule="not-a-label-code")
    try:
        return release(lay_out(label, form, symbol), label, form)
    except InputError as error:
        return NotPrinted(field=error.field, rule=error.rule)
    except RefusedError as error:
        return NotPrinted(field="label", rule=error.reason)


def _symbols(labels: Sequence[LabelData]) -> list[bytes | None]:
    """The QR modules of each label's code, drawn together; None where the code is none."""
    good = [n for n, label in enumerate(labels) if qr.encodable(label.code)]
    drawn = dict(zip(good, qr.symbols([labels[n].code for n in good]), strict=True))
    return [drawn.get(n) for n in range(len(labels))]
