"""Layout: draw a label's content into the boxes of a template, with codes at whole dots a module."""

from __future__ import annotations

from typing import NamedTuple

from masking.errors import InputError
from masking.values.printable import LabelData, Note
from masking.words.rules import Rule
from print_templates import code128, qr
from print_templates.breaking import fit
from print_templates.content import contents
from print_templates.drawing import Code, Drawing, Rect, Run
from print_templates.template import CodeBox, Template
from print_templates.typeface import GETA


class LaidOutLabel(NamedTuple):
    """A drawing and its defects, such as characters that no font has or a string replaced for lack of room."""

    drawing: Drawing
    notes: tuple[Note, ...]


def lay_out(label: LabelData, template: Template, symbol: bytes | None) -> LaidOutLabel:
    """Draw one label. `symbol` are the modules of its label code, None if the code can't be encoded.

    Raises:
        InputError: a field doesn't fit at the smallest size that its box allows; names the field.
    """
    shown = contents(label)
    rects: list[Rect] = []
    runs: list[Run] = []
    notes: list[Note] = []
    codes: list[Code] = []
    for place in template.codes:
        code = _bars(label.waybill_number, place) if place.kind == "code128" else _qr(symbol, place)
        if code is not None:
            codes.append(code)
        elif place.turned:  # only a spare, in case a dot of the print head fails
            notes.append(Note("waybill_number", Rule.TOO_LONG_FOR_ITS_TURNED_BARS))
        else:
            raise InputError("waybill_number", Rule.TOO_LONG_FOR_ITS_BARS)
    for box in template.texts:
        parts = [(shown[each] if isinstance(each, str) else each, each) for each in box.show]
        names = [name for part, name in parts if isinstance(name, str) and part.text.strip()]
        if not names:
            continue  # without a value, the caption is left out too
        found = fit(tuple([part for part, _ in parts if part.text.strip()]), box.box, box.style)
        if found is None and box.otherwise:
            notes += [Note(name, Rule.DID_NOT_FIT) for name in names]
            found = fit((box.otherwise,), box.box, box.style)
        if found is None:
            raise InputError(max(names, key=lambda name: len(shown[name].text)), Rule.DOES_NOT_FIT)
        runs += found
        rects += [Rect(*box.box)] if box.reverse else []
    notes += [Note("number", Rule.NO_VIRTUAL_NUMBER)] if label.number is None else []
    notes += [Note(name, Rule.CHARACTER_NOT_IN_FONT) for name, value in shown.items() if GETA in value.text]
    ground = template.background
    drawing = Drawing(
        width=ground.width,
        height=ground.height,
        dpi=ground.dpi,
        rects=tuple(rects),
        runs=tuple(runs),
        codes=tuple(codes),
        background=ground,
    )
    return LaidOutLabel(drawing, tuple(dict.fromkeys(notes)))


def _bars(text: str, box: CodeBox) -> Code | None:
    """The bar code, or None if the box is too short for it at the least module width."""
    try:
        modules = code128.bars(text)
    except ValueError:
        raise InputError("waybill_number", Rule.NOT_CODE_128) from None
    x, y, width, height = box.box
    along = height if box.turned else width
    for size in range(box.most, box.narrowest - 1, -1):
        if size * (len(modules) + 2 * (box.quiet if size == box.least else code128.QUIET)) <= along:
            break
    else:
        return None
    length = size * len(modules)
    lead = (along - length) // 2
    packed = int(modules.ljust(-(-len(modules) // 8) * 8, "0"), 2).to_bytes(-(-len(modules) // 8), "big")
    if box.turned:
        return Code("code128", x, y + lead, width, length, len(modules), 1, packed, turned=True)
    return Code("code128", x + lead, y, length, height, len(modules), 1, packed)


def _qr(symbol: bytes | None, box: CodeBox) -> Code:
    if symbol is None:
        raise InputError("code", Rule.NOT_A_LABEL_CODE)
    x, y, width, height = box.box
    size = min(width, height) // (qr.SIZE + 2 * qr.QUIET)
    if size < box.least:
        raise InputError("template", Rule.QR_TOO_DENSE)
    side = size * qr.SIZE
    return Code("qr", x + (width - side) // 2, y + (height - side) // 2, side, side, qr.SIZE, qr.SIZE, symbol)
