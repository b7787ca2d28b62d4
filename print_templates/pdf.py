"""Released drawings as one PDF: a page each, text as text in the two fonts, codes as one-bit images on whole dots.

Written directly: page content is scaled once to the printer's dots, the template's part is one form that all pages share,
and each font is embedded with just the characters used. Equal input gives equal bytes: no time, no name, no random id.
"""

from __future__ import annotations

import hashlib
import math
import zlib
from collections.abc import Iterable

import numpy as np

from print_templates.drawing import BLOCK, Code, Drawing, Piece
from print_templates.gate import Released
from print_templates.typeface import ASCENT, DESCENT, face

WEIGHTS = ("text", "bold")
INSET = 0.02
"""Dots by which a code's picture is drawn smaller on each side: readers round a picture's edges outwards, and one that ends
a hair behind a whole dot would be stretched over one more."""
LEVEL = 6
"""zlib's; higher levels cost time and save nothing on a label."""


def write(drawings: Iterable[Released]) -> bytes:
    """The document, one page for each drawing, in order; nothing at all for none."""
    file = _File()
    sets = {weight: _Charset(weight) for weight in WEIGHTS}
    fonts = b"".join(b"/%c %d 0 R " % (weight[0].encode(), file.reserve()) for weight in WEIGHTS)
    first_font = 3
    grounds: dict[int, tuple[Drawing, int]] = {}  # kept alive, so that an id stays one ground's
    pages = []
    for drawing in drawings:
        ground = drawing.background
        if ground is not None and id(ground) not in grounds:
            box = b"/BBox [0 0 %d %d]" % (ground.width, ground.height)
            form = b"/Type /XObject /Subtype /Form %s /Resources << /Font << %s>> >>" % (box, fonts)
            grounds[id(ground)] = ground, file.stream(form, _marks(ground, sets))
        scale = 72 / drawing.dpi
        call = b"/G Do\n" if ground is not None else b""
        content = b"%.8f 0 0 %.8f 0 0 cm\n%s%s" % (scale, scale, call, _marks(drawing, sets))
        form = b" /XObject << /G %d 0 R >>" % grounds[id(ground)][1] if ground is not None else b""
        pages.append(
            file.add(
                b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 %.3f %.3f] /Contents %d 0 R"
                b" /Resources << /Font << %s>>%s >> >>"
                % (
                    _below(drawing.width * scale),
                    _below(drawing.height * scale),
                    file.stream(b"", content),
                    fonts,
                    form,
                )
            )
        )
    if not pages:
        return b""
    for number, charset in enumerate(sets.values(), first_font):
        charset.write(file, number)
    file.put(2, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), b" ".join(b"%d 0 R" % n for n in pages)))
    file.put(1, b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None >> >>")
    return file.finished()


class _File:
    """Numbered objects and their offsets; 1 is the catalog, 2 the page tree."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {1: b"", 2: b""}

    def reserve(self) -> int:
        number = len(self._objects) + 1
        self._objects[number] = b""
        return number

    def put(self, number: int, body: bytes) -> None:
        self._objects[number] = body

    def add(self, body: bytes) -> int:
        number = self.reserve()
        self.put(number, body)
        return number

    def stream(self, entries: bytes, data: bytes) -> int:
        packed = zlib.compress(data, LEVEL)
        return self.add(
            b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (entries, len(packed), packed)
        )

    def finished(self) -> bytes:
        parts, offsets, at = [b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"], [], 15
        for number, body in self._objects.items():
            offsets.append(b"%010d 00000 n \n" % at)
            parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
            at += len(parts[-1])
        body = b"".join(parts)
        mark = hashlib.sha256(body).hexdigest()[:32].encode()
        size = len(offsets) + 1
        return b"%sxref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R /ID [<%s> <%s>] >>\nstartxref\n%d\n%%%%EOF\n" % (
            body, size, b"".join(offsets), size, mark, mark, len(body)
        )  # fmt: skip


class _Charset(dict[str, str]):
    """The characters of one font that a document uses, with their codes: numbered from 1 as they come."""

    def __init__(self, weight: str) -> None:
        super().__init__()
        self._weight = weight

    def __missing__(self, char: str) -> str:
        self[char] = code = f"{len(self) + 1:04x}"
        return code

    def write(self, file: _File, number: int) -> None:
        """Embed the font as object `number`."""
        chars = list(self)
        name = b"WAYBIL+%s" % self._weight.encode()
        data = face(self._weight).subset(chars)
        body = file.stream(b"/Length1 %d" % len(data), data)
        descriptor = file.add(
            b"<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [-1000 -300 3000 1200] /ItalicAngle 0"
            b" /Ascent %d /Descent -%d /CapHeight 733 /StemV 80 /FontFile2 %d 0 R >>" % (name, ASCENT, DESCENT, body)
        )
        widths = b" ".join(b"%d" % face(self._weight).advance(char) for char in chars)
        inner = file.add(
            b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe)"
            b" /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /DW 1000 /W [1 [%s]]"
            b" /CIDToGIDMap /Identity >>" % (name, descriptor, widths)
        )
        to_unicode = file.stream(b"", _to_unicode(self))
        file.put(
            number,
            b"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R]"
            b" /ToUnicode %d 0 R >>" % (name, inner, to_unicode),
        )


def _below(points: float) -> float:
    """Three decimals, and less: a page a hair too wide is drawn with one more column of dots."""
    return (math.ceil(points * 1e3) - 1) / 1e3


def _to_unicode(codes: dict[str, str]) -> bytes:
    lines = [f"<{code}> <{char.encode('utf-16-be').hex()}>" for char, code in codes.items()]
    blocks = [lines[n : n + 100] for n in range(0, len(lines), 100)]
    return "\n".join([
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapType 2 def /CMapName /Waybill def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
        *(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks),
        "endcmap end end",
    ]).encode()  # fmt: skip


def _marks(drawing: Drawing, sets: dict[str, _Charset]) -> bytes:
    """Content operators in dots, the origin at the lower left as PDF has it."""
    top = drawing.height
    parts = [f"{x} {top - y - height} {width} {height} re f" for x, y, width, height in drawing.rects]
    white = False
    for run in drawing.runs:
        if run.white is not white:
            white = run.white
            parts.append("1 g" if white else "0 g")
        parts += [_text(piece, top, sets) for piece in run.pieces]
    if white:
        parts.append("0 g")
    return "\n".join(parts).encode() + b"".join(_image(code, top) for code in drawing.codes)


def _text(piece: Piece, top: int, sets: dict[str, _Charset]) -> str:
    x, baseline, size, weight, chars, width = piece
    if weight == BLOCK:
        return f"{x} {top - baseline} {width} {round(size * 0.8)} re f"
    return f"BT /{weight[0]} {size} Tf {x} {top - baseline} Td <{''.join(map(sets[weight].__getitem__, chars))}> Tj ET"


def _image(code: Code, top: int) -> bytes:
    """An inline image mask that paints the dark modules; a turned one is drawn by columns."""
    columns, rows, modules = code.columns, code.rows, code.modules
    if code.turned:
        bits = np.unpackbits(np.frombuffer(modules, np.uint8).reshape(rows, -1), axis=1)[:, :columns]
        modules = np.packbits(np.rot90(bits, -1), axis=1).tobytes()
        columns, rows = rows, columns
    low = top - code.y - code.height
    return b"\nq %.2f 0 0 %.2f %.2f %.2f cm BI /W %d /H %d /IM true /BPC 1 /D [1 0] ID %s EI Q" % (
        code.width - 2 * INSET, code.height - 2 * INSET, code.x + INSET, low + INSET, columns, rows, modules
    )  # fmt: skip
