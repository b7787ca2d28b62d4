"""Pictures for the screen, of labels that nobody released: template previews, and the demo's "before".

What comes out carries a black band that says so, and is a grey picture, never a document or printer bytes: the way to
paper is `render`, through the release gate.
"""

from __future__ import annotations

from PIL import Image, ImageDraw, ImageFont

from masking.waybill import LabelData
from print_templates import qr, raster
from print_templates.layout import lay_out
from print_templates.template import template
from print_templates.typeface import face

BAND = 48
"""Height of the band in dots."""


def picture(label: LabelData, name: str = "100x180", *, dpi: int = 203) -> Image.Image:
    """How a label would look, under a band that says that it is no label.

    Raises:
        InputError: the template is unknown, or something doesn't fit it.
    """
    drawing = lay_out(label, template(name, dpi), qr.symbols([label.code])[0]).drawing
    dots = Image.fromarray(~raster.dots(drawing)).convert("L")
    banded = Image.new("L", (dots.width, dots.height + BAND), 0)
    banded.paste(dots, (0, BAND))
    font = ImageFont.truetype(face("bold").path, BAND * 5 // 8)
    ImageDraw.Draw(banded).text((dots.width // 2, BAND // 2), "样张，不得打印  SPECIMEN", 255, font, "mm")
    return banded
