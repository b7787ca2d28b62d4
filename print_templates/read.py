"""Reads finished labels back, with other people's code: PDFium draws the page, ZXing decodes what was drawn.

Shares nothing with the writers, so that what they agree on is really on the page.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
import pypdfium2
import zxingcpp
from PIL import Image

DPI = 203.2
"""Eight dots a millimetre: rasterised at any other figure, modules fall between dots."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """What can be read on one page: its lines of text, and its decoded codes."""

    texts: list[str]
    codes: list[str]


def read_pdf(data: bytes) -> list[Page]:
    """The pages of a PDF, as a person and a scanner would read them."""
    document = pypdfium2.PdfDocument(data)
    try:
        return [Page(texts=_texts(document[n]), codes=decode(_drawn(document[n], DPI))) for n in range(len(document))]
    finally:
        document.close()


def rasterise(data: bytes, page: int, dpi: float) -> Image.Image:
    """A page (counted from 0) as a grey image, as a printer's driver draws it at this resolution."""
    document = pypdfium2.PdfDocument(data)
    try:
        return _drawn(document[page], dpi)
    finally:
        document.close()


def decode(image: Image.Image) -> list[str]:
    """The texts of all Code 128 and QR symbols in a grey image, looked for at its own size only.

    ZXing also tries a third of the size, where bars of four dots blur into others that pass Code 128's check once in 103.
    """
    formats = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode])
    return [found.text for found in zxingcpp.read_barcodes(np.asarray(image), formats=formats, try_downscale=False)]


def _drawn(page: pypdfium2.PdfPage, dpi: float) -> Image.Image:
    drawn: Image.Image = page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
    return drawn


def _texts(page: pypdfium2.PdfPage) -> list[str]:
    lines = page.get_textpage().get_text_range().splitlines()
    return [line for line in lines if line.strip()]
