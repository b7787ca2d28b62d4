"""Pictures for the screen: of templates, of the demo's "before", and of a label that is about to be printed.

Each picture carries a black band that marks it as a specimen. It is never a document or printer data, which only `render`
makes. Only `preview` is for real parcels, and only it goes through the release gate.
"""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from masking.values.printable import STAMP, LabelData, Masked, MaskedParty, MaskedView, VirtualNumber
from print_templates import qr, raster
from print_templates.drawing import Drawing
from print_templates.gate import release_checked
from print_templates.layout import lay_out
from print_templates.template import Template, template
from print_templates.typeface import face

BAND = 48
"""Height of the band in dots."""


def picture(label: LabelData, name: str | Path = "100x180", *, dpi: int = 203) -> Image.Image:
    """Draw a label as a picture under a band that marks it as a specimen.

    Raises:
        InputError: the template is unknown, or a field doesn't fit.
    """
    return _banded(lay_out(label, template(name, dpi), qr.symbols([label.code])[0]).drawing)


def preview(label: LabelData, name: str | Path = "100x180") -> bytes:
    """Draw a label as a PNG before it is printed, with a cross in place of its label code, which the print creates.

    Raises:
        InputError: the template is unknown, or a field doesn't fit; names the field.
        RefusedError: the release gate refuses the label.
    """
    form = template(name)
    drawing = lay_out(label, form, bytes(qr.SIZE * qr.ROW_BYTES)).drawing
    bars = tuple(code for code in drawing.codes if code.kind != "qr")
    banded = _banded(release_checked(replace(drawing, codes=bars), label, form))
    pen = ImageDraw.Draw(banded)
    for code in drawing.codes:
        if code.kind == "qr":
            left, top, right, bottom = code.x, code.y + BAND, code.x + code.width - 1, code.y + BAND + code.height - 1
            pen.rectangle((left, top, right, bottom), outline=0, width=2)
            pen.line((left, top, right, bottom), 0, 2)
            pen.line((left, bottom, right, top), 0, 2)
    written = io.BytesIO()
    banded.convert("1").save(written, "PNG")
    return written.getvalue()


def _banded(drawing: Drawing) -> Image.Image:
    dots = Image.fromarray(~raster.dots(drawing)).convert("L")
    banded = Image.new("L", (dots.width, dots.height + BAND), 0)
    banded.paste(dots, (0, BAND))
    font = ImageFont.truetype(face("bold").path, BAND * 5 // 8)
    ImageDraw.Draw(banded).text((dots.width // 2, BAND // 2), "样张，不得打印  SPECIMEN", 255, font, "mm")
    return banded


def sample_drawing(form: Template) -> Drawing:
    """The sample label as this template draws it.

    Raises:
        InputError: something doesn't fit it.
    """
    label = sample()
    return lay_out(label, form, qr.symbols([label.code])[0]).drawing


def sample() -> LabelData:
    """A label of invented people for showing a template, with all fields and long addresses."""
    return LabelData(
        waybill_number="YT000000000001",
        routing_code="342-081-00 052",
        code="0123456789ABCDEFGHJKMNPQRSTVWXYZ0123456789ABCDEFGHJKMNPQRSTVWXYZ012",
        view=MaskedView(
            recipient=MaskedParty(
                name=Masked("欧阳**", ((2, 4),)),
                phone=Masked("138********", ((3, 11),)),
                address=Masked("上海市浦东新区世纪大道100号示例花园二期*********", ((21, 30),)),
            ),
            sender=MaskedParty(
                name=Masked("示**店", ((1, 3),)),
                phone=Masked("137********", ((3, 11),)),
                address=Masked("浙江省杭州市西湖区文三路90号东部软件园*******", ((20, 27),)),
            ),
            goods=Masked("图书"),
            remark=Masked("易碎，请轻拿轻放；不在家请放门卫"),
            stamp=STAMP,
        ),
        number=VirtualNumber(main="17000000000", extension="4821", expires=datetime(2026, 12, 1, 4, 0, tzinfo=UTC)),
        print_number=1,
        job="sample",
        station="SH-01-3",
        printed=datetime(2026, 11, 24, 0, 30, tzinfo=UTC),
        carrier="示例快递",
    )
