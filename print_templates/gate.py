"""The release gate: a finished drawing goes to a printer only if everything on it was allowed there.

An allow-list (never a search for what looks personal): every text must equal a field of the stamped view, a constant of
the template or a fact of the print; every code is decoded from the modules that will be drawn, and must say the waybill
number or the label code. It reads the drawing, not the layout's intentions, and decodes with ZXing: an error in the
encoders' tables can't be repeated by the reader. A QR symbol is also compared with the one that its content gives, since
error correction would read it over damaged modules.
"""

from __future__ import annotations

from typing import NewType

import numpy as np
import zxingcpp

from masking.errors import RefusedError
from masking.values.printable import STAMP, LabelData
from masking.words.rules import Rule
from print_templates import qr
from print_templates.content import contents
from print_templates.drawing import Code, Drawing
from print_templates.template import Template

Released = NewType("Released", Drawing)
"""A drawing that passed the gate. Writers accept no other type."""

_SYMBOLOGIES = {
    "code128": zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128]),
    "qr": zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.QRCode]),
}


def release_checked(drawing: Drawing, label: LabelData, template: Template) -> Released:
    """Check a drawing and return it as released.

    Raises:
        RefusedError: the view doesn't carry the stamp `STAMP`, or the drawing shows something that is not allowed.
    """
    if label.view.stamp != STAMP:
        raise RefusedError(Rule.VIEW_NOT_STAMPED)
    allowed = {value.text for value in contents(label).values()} | template.constants
    if any(run.text not in allowed for run in drawing.runs):
        raise RefusedError(Rule.TEXT_NOT_ON_THE_LIST)
    if drawing.background != template.background:
        raise RefusedError(Rule.BACKGROUND_NOT_THE_TEMPLATES)
    for code in drawing.codes:
        said = label.waybill_number if code.kind == "code128" else label.code
        if _decoded(code) != said or (code.kind == "qr" and code.modules != qr.symbols([said])[0]):
            raise RefusedError(Rule.CODE_NOT_ON_THE_LIST)
    return Released(drawing)


def _decoded(code: Code) -> str | None:
    """Decode a code's modules. None if they are not one intact symbol of the code's kind."""
    if code.kind not in _SYMBOLOGIES:
        return None
    packed = np.frombuffer(code.modules, np.uint8).reshape(code.rows, -1)
    light = np.unpackbits(packed, axis=1)[:, : code.columns] ^ 1
    found = zxingcpp.read_barcodes(
        light * np.uint8(255),
        formats=_SYMBOLOGIES[code.kind],
        is_pure=True,
        binarizer=zxingcpp.Binarizer.BoolCast,
        try_rotate=False,
        try_downscale=False,
        try_invert=False,
    )
    return found[0].text if len(found) == 1 else None
