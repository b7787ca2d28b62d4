"""The release gate: a finished drawing goes to a printer only if everything on it was allowed there.

An allow-list (never a search for what looks personal): every text must equal a field of the stamped view, a constant of
the template or a fact of the print; every code is decoded from the modules that will be drawn, and must say the waybill
number or the label code. It reads the drawing, not the layout's intentions.
"""

from __future__ import annotations

from typing import NewType

from masking.errors import RefusedError
from masking.waybill import STAMP, LabelData
from print_templates import code128, qr
from print_templates.content import contents
from print_templates.drawing import Code, Drawing
from print_templates.template import Template

Released = NewType("Released", Drawing)
"""A drawing that passed the gate: the only thing that writers take."""


def release(drawing: Drawing, label: LabelData, template: Template) -> Released:
    """The same drawing, released.

    Raises:
        RefusedError: the view does not bear the stamp of our rules, or something on the drawing is not on the list.
    """
    if label.view.stamp != STAMP:
        raise RefusedError("view-not-stamped")
    allowed = {value.text for value in contents(label).values()} | template.constants
    if any(run.text not in allowed for run in drawing.runs):
        raise RefusedError("text-not-on-the-list")
    if drawing.background != template.background:
        raise RefusedError("background-not-the-templates")
    for code in drawing.codes:
        if _decoded(code) != (label.waybill_number if code.kind == "code128" else label.code):
            raise RefusedError("code-not-on-the-list")
    return Released(drawing)


def _decoded(code: Code) -> str | None:
    if code.kind == "code128":
        bits = f"{int.from_bytes(code.modules, 'big'):0{8 * len(code.modules)}b}"
        return code128.read(bits[: code.columns])
    return qr.read(code.modules) if code.kind == "qr" else None
