"""Reading finished labels back with third-party code: PDFium draws the page, ZXing decodes it, pypdf scans the file.

No code is shared with the writers, so an error in them isn't repeated here. A page may hold only text in its text layer,
rules and boxes, and symbols that decode. Anything else (a picture, letters drawn as outlines, a symbol that doesn't
decode) makes the page unreadable, and `Page.unreadable` says why. So a page whose content is an image never passes as a
label without findings.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import final

import numpy as np
import pypdfium2
import zxingcpp
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from pypdfium2 import raw

from print_templates.drawing import Drawing
from print_templates.raster import modules

DPI = 203.2
"""Eight dots a millimetre. At any other resolution, modules fall between dots."""
LARGEST = 1200
"""The longest side of a page in points. Drawing a larger one would take gigabytes."""
SMALL, MOST_SMALL = 17, 80
"""Rectangles of up to `SMALL` points on their longer side are masked characters drawn as blocks. A page with more than
`MOST_SMALL` of them is unreadable, since they could form letters or a symbol."""
WHITE = 235
"""Greys from this value on are invisible on paper."""
EDGE = 7
"""Line width in dots for erasing a symbol's edge, which may be three dots off the position that ZXing reports."""
PIECE = 5
"""A symbol inside a larger one is taken for a chance pattern of its modules if it has at most this many characters."""
_HARDER = [(dpi, angle) for dpi in (DPI, 2 * DPI, 3 * DPI / 4) for angle in (0, 15, 30, 45, 60, 75)]
"""Resolutions and angles at which an unreadable page is searched for symbols. ZXing tries quarter turns itself."""
_LABELS = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.Code128, zxingcpp.BarcodeFormat.QRCode])
_ALL = zxingcpp.BarcodeFormats([zxingcpp.BarcodeFormat.AllReadable])

Grey = NDArray[np.uint8]


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """The readable content of one page.

    Attributes:
        texts: the lines of its text layer, including white, invisible and covered ones, and those outside the paper.
        codes: the contents of its symbols, of every symbology.
        unreadable: the reasons, as words, why the page may hold more; empty if it was read completely.
    """

    texts: list[str]
    codes: list[str]
    unreadable: list[str] = field(default_factory=list)


def read_pdf(data: bytes, logos: Sequence[Drawing] = ()) -> list[Page]:
    """Read the pages of a PDF, as a person and a scanner would.

    `logos` are the backgrounds of the label's template, one for each resolution. Their pictures are accepted.

    Raises:
        RuntimeError: the data is not a PDF, or is encrypted.
    """
    document = pypdfium2.PdfDocument(data)
    try:
        return [_read(document, n, logos) for n in range(len(document))]
    finally:
        document.close()


def rasterise(data: bytes, page: int, dpi: float) -> Image.Image:
    """Draw a page (counted from 0) as a grey image, as a printer driver does at this resolution."""
    document = pypdfium2.PdfDocument(data)
    try:
        return _drawn(document[page], dpi)
    finally:
        document.close()


def decode(image: Image.Image) -> list[str]:
    """The contents of all Code 128 and QR symbols in a grey image, searched at its own size only.

    By default ZXing also searches at a third of the size. There, bars of four dots blur into others, and Code 128's check
    lets one in 103 of them pass.
    """
    return [found.text for found in _symbols(image, _LABELS)]


def _read(document: pypdfium2.PdfDocument, number: int, logos: Sequence[Drawing]) -> Page:
    page = document[number]
    if max(page.get_size()) > LARGEST:
        return Page(texts=_texts(page), codes=[], unreadable=["larger-than-a-label"])
    whole, texts = _drawn(page, DPI), _texts(page)
    codes = [found.text for found in _symbols(whole, _ALL)]
    unreadable = [] if texts else ["no-text"]
    unreadable += ["characters-without-unicode"] * _unmapped(page)
    unreadable += _strip(page)
    rest = _drawn(page, DPI)
    _whiten_logos(rest, page, logos)
    for found in _symbols(rest, _ALL):
        codes.append(found.text)
        _whiten(rest, found.position)
    if (np.asarray(rest) < WHITE).any():
        unreadable.append("picture")
    if unreadable:
        codes += [found.text for image in _harder(document[number]) for found in _symbols(image, _ALL)]
    return Page(texts=texts, codes=list(dict.fromkeys(codes)), unreadable=list(dict.fromkeys(unreadable)))


def _symbols(image: Image.Image, formats: zxingcpp.BarcodeFormats) -> list[zxingcpp.Barcode]:
    """The symbols of an image, without short ones that are chance patterns inside a larger symbol."""
    found = zxingcpp.read_barcodes(np.asarray(image), formats=formats, try_downscale=False)
    return [each for each in found if len(each.text) > PIECE or not any(_inside(each, other) for other in found)]


def _inside(small: zxingcpp.Barcode, large: zxingcpp.Barcode) -> bool:
    (xs, ys), (left, top) = (zip(*_corners(each.position), strict=True) for each in (small, large))
    here = min(left) <= min(xs) and max(xs) <= max(left) and min(top) <= min(ys) and max(ys) <= max(top)
    return here and len(small.text) < len(large.text)


def _harder(page: pypdfium2.PdfPage) -> Iterator[Image.Image]:
    """The page at several resolutions and angles."""
    for dpi, angle in _HARDER:
        image = _drawn(page, dpi)
        yield image.rotate(angle, Image.Resampling.BILINEAR, expand=True, fillcolor=255) if angle else image


def _strip(page: pypdfium2.PdfPage) -> list[str]:
    """Remove text and rectangles from a loaded page, so that only symbols may remain. Returns the faults of other objects."""
    wrong, small = [], 0
    width, height = page.get_size()
    for each in list(page.get_objects(max_depth=1)):
        left, low, right, high = each.get_bounds()
        if each.type == raw.FPDF_PAGEOBJ_TEXT:
            page.remove_obj(each)
        elif each.type == raw.FPDF_PAGEOBJ_PATH and _is_rectangle(each):
            small += max(right - left, high - low) <= SMALL
            page.remove_obj(each)
        elif each.type == raw.FPDF_PAGEOBJ_PATH:
            wrong.append("outlines")
        elif left < -1 or low < -1 or right > width + 1 or high > height + 1:
            wrong.append("outside-the-paper")
    return wrong + ["too-many-small-boxes"] * (small > MOST_SMALL)


def _is_rectangle(path: pypdfium2.PdfObject) -> bool:
    """Whether a path is a single axis-aligned rectangle."""
    count = raw.FPDFPath_CountSegments(path.raw)
    if not 4 <= count <= 5:
        return False
    corners, x, y = [], ctypes.c_float(), ctypes.c_float()
    for n in range(count):
        segment = raw.FPDFPath_GetPathSegment(path.raw, n)
        kind = raw.FPDFPathSegment_GetType(segment)
        if kind != (raw.FPDF_SEGMENT_LINETO if n else raw.FPDF_SEGMENT_MOVETO):
            return False
        raw.FPDFPathSegment_GetPoint(segment, x, y)
        corners.append((x.value, y.value))
    sides = zip(corners, corners[1:] + corners[:1], strict=True)
    return all(a[0] == b[0] or a[1] == b[1] for a, b in sides) and len({a for a, _ in corners}) <= 2


def _whiten(image: Image.Image, at: zxingcpp.Position) -> None:
    corners, draw = _corners(at), ImageDraw.Draw(image)
    draw.polygon(corners, fill=255)
    draw.line([*corners, corners[0]], fill=255, width=EDGE)


def _corners(at: zxingcpp.Position) -> list[tuple[int, int]]:
    return [(each.x, each.y) for each in (at.top_left, at.top_right, at.bottom_right, at.bottom_left)]


def _whiten_logos(image: Image.Image, page: pypdfium2.PdfPage, logos: Sequence[Drawing]) -> None:
    """Erase each logo of the template that the page shows dot by dot."""
    for ground in logos:
        dark = np.asarray(_drawn(page, ground.dpi)) < 128
        if dark.shape != (ground.height, ground.width):
            continue
        scale = image.width / ground.width
        for logo in ground.codes:
            box = np.s_[logo.y : logo.y + logo.height, logo.x : logo.x + logo.width]
            if (dark[box] == modules(logo)).all():
                edges = (logo.x, logo.y, logo.x + logo.width, logo.y + logo.height)
                ImageDraw.Draw(image).rectangle([edge * scale for edge in edges], fill=255, outline=255, width=2)


def _drawn(page: pypdfium2.PdfPage, dpi: float) -> Image.Image:
    drawn: Image.Image = page.render(scale=dpi / 72, grayscale=True).to_pil().convert("L")
    return drawn


def _texts(page: pypdfium2.PdfPage) -> list[str]:
    lines = page.get_textpage().get_text_range().splitlines()
    return [line for line in lines if line.strip()]


def _unmapped(page: pypdfium2.PdfPage) -> bool:
    """Whether a character on the page has no Unicode value, or a private-use one."""
    text = page.get_textpage()
    return any(
        raw.FPDFText_HasUnicodeMapError(text.raw, n) == 1
        or (code := raw.FPDFText_GetUnicode(text.raw, n)) in {0, 0xFFFD, 0xFFFE, 0xFFFF}
        or 0xE000 <= code <= 0xF8FF
        for n in range(text.count_chars())
    )
