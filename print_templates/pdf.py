"""PDF writer: one page for each released drawing, with real text and with codes as one-bit images on whole dots.

Page content is scaled once to the printer's dots. The template's part is one stream that all pages begin with. The
characters used, of both weights, are embedded as one font. Equal input gives equal bytes, since the file holds no time, name
or random id.
"""

from __future__ import annotations

import hashlib
import itertools
import math
import struct
import zlib
from collections.abc import Iterable

import numpy as np

from print_templates.drawing import BLOCK, Code, Drawing, Piece
from print_templates.gate import Released
from print_templates.typeface import ASCENT, DESCENT, Drawn, face, subset

WEIGHTS = ("text", "bold")
NAME = b"WAYBIL+label"
INSET = 0.02
"""How many dots smaller a code's image is drawn on each side. Viewers round an image's edges outwards, so one that ends just
past a whole dot would be stretched over one dot more."""
LEVEL = 6
"""The zlib level. Higher levels take longer and save nothing on a label."""
TOGETHER = 500
"""How many objects an object stream holds, which a reader unpacks together."""
_ENTRY = struct.Struct(">BIH")
"""An entry of the cross-reference stream: kind, then offset and generation, or object stream and index in it."""


def write(drawings: Iterable[Released], title: str = "") -> bytes:
    """The document, one page for each drawing, in order; nothing at all for none. Print queues show its title."""
    file = _File()
    used: list[Drawn] = []
    codes = {weight: _Codes(weight, used) for weight in WEIGHTS}
    font = file.reserve()
    resources = file.add(b"<< /Font << /F %d 0 R >> >>" % font)
    grounds: dict[int, tuple[Drawing, int]] = {}  # kept alive, so that an id() isn't reused
    pages = []
    for drawing in drawings:
        scale = 72 / drawing.dpi
        ground = drawing.background or Drawing(width=drawing.width, height=drawing.height, dpi=drawing.dpi)
        if id(ground) not in grounds:
            first = b"%.8f 0 0 %.8f 0 0 cm\n%s\n" % (scale, scale, _marks(ground, codes))
            grounds[id(ground)] = ground, file.stream(b"", first)
        box = b"0 0 %.3f %.3f" % (_below(drawing.width * scale), _below(drawing.height * scale))
        contents = b"%d 0 R %d 0 R" % (grounds[id(ground)][1], file.stream(b"", _marks(drawing, codes)))
        page = b"<< /Type /Page /Parent 2 0 R /MediaBox [%s] /Contents [%s] /Resources %d 0 R >>"
        pages.append(file.add(page % (box, contents, resources)))
    if not pages:
        return b""
    _embed(file, font, used)
    file.put(2, b"<< /Type /Pages /Count %d /Kids [%s] >>" % (len(pages), b" ".join(b"%d 0 R" % n for n in pages)))
    shown = b" /DisplayDocTitle true" if title else b""
    file.put(1, b"<< /Type /Catalog /Pages 2 0 R /ViewerPreferences << /PrintScaling /None%s >> >>" % shown)
    info = file.add(b"<< /Title <FEFF%s> >>" % title.encode("utf-16-be").hex().encode()) if title else None
    return file.finished(info)


class _File:
    """The numbered objects of the file. 1 is the catalog, 2 the page tree. Non-stream objects go into object streams."""

    def __init__(self) -> None:
        self._objects: dict[int, bytes] = {1: b"", 2: b""}
        self._packed: dict[int, tuple[int, int]] = {}
        self._streams: set[int] = set()

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
        number = self.add(_flated(entries, data))
        self._streams.add(number)
        return number

    def finished(self, info: int | None) -> bytes:
        self._pack()
        head = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"
        parts, table, at = [head], [_ENTRY.pack(0, 0, 0xFFFF)], len(head)
        for number, body in self._objects.items():
            if number in self._packed:
                table.append(_ENTRY.pack(2, *self._packed[number]))
                continue
            table.append(_ENTRY.pack(1, at, 0))
            parts.append(b"%d 0 obj\n%s\nendobj\n" % (number, body))
            at += len(parts[-1])
        body = b"".join(parts)
        number, mark = len(table), hashlib.sha256(body).hexdigest()[:16].encode()
        table.append(_ENTRY.pack(1, at, 0))
        entries = b"/Type /XRef /Size %d /W [1 4 2] /Root 1 0 R /ID [<%s> <%s>]" % (number + 1, mark, mark)
        entries += b" /Info %d 0 R" % info if info else b""
        last = _flated(entries, b"".join(table))
        return b"%s%d 0 obj\n%s\nendobj\nstartxref\n%d\n%%%%EOF\n" % (body, number, last, at)

    def _pack(self) -> None:
        """Pack the non-stream objects into object streams, numbered after all other objects."""
        loose = [number for number in self._objects if number not in self._streams]
        for some in (loose[start : start + TOGETHER] for start in range(0, len(loose), TOGETHER)):
            bodies = [self._objects[number] for number in some]
            offsets = itertools.accumulate((len(body) + 1 for body in bodies), initial=0)
            index = b" ".join(b"%d %d" % pair for pair in zip(some, offsets, strict=False))
            entries = b"/Type /ObjStm /N %d /First %d" % (len(some), len(index) + 1)
            home = self.stream(entries, b"%s\n%s" % (index, b"\n".join(bodies)))
            self._packed |= {number: (home, place) for place, number in enumerate(some)}


def _flated(entries: bytes, data: bytes) -> bytes:
    packed = zlib.compress(data, LEVEL)
    return b"<< %s /Filter /FlateDecode /Length %d >>\nstream\n%s\nendstream" % (entries, len(packed), packed)


class _Codes(dict[str, str]):
    """Character codes of one weight, numbered from 1 in order of first use, in one sequence with the other weights."""

    def __init__(self, weight: str, used: list[Drawn]) -> None:
        super().__init__()
        self._weight, self._used = weight, used

    def __missing__(self, char: str) -> str:
        self._used.append(Drawn(self._weight, char))
        self[char] = code = f"{len(self._used):04x}"
        return code


def _embed(file: _File, number: int, used: list[Drawn]) -> None:
    """Embed the used characters of both weights as one font, object `number`. A second font would add 700 bytes."""
    data = subset(used)
    body = file.stream(b"/Length1 %d" % len(data), data)
    descriptor = file.add(
        b"<< /Type /FontDescriptor /FontName /%s /Flags 4 /FontBBox [-1000 -300 3000 1200] /ItalicAngle 0"
        b" /Ascent %d /Descent -%d /CapHeight 733 /StemV 80 /FontFile2 %d 0 R >>" % (NAME, ASCENT, DESCENT, body)
    )
    widths = b" ".join(b"%d" % face(weight).advance(char) for weight, char in used)
    inner = file.add(
        b"<< /Type /Font /Subtype /CIDFontType2 /BaseFont /%s /CIDSystemInfo << /Registry (Adobe)"
        b" /Ordering (Identity) /Supplement 0 >> /FontDescriptor %d 0 R /DW 1000 /W [1 [%s]]"
        b" /CIDToGIDMap /Identity >>" % (NAME, descriptor, widths)
    )
    to_unicode = file.stream(b"", _to_unicode(used))
    file.put(
        number,
        b"<< /Type /Font /Subtype /Type0 /BaseFont /%s /Encoding /Identity-H /DescendantFonts [%d 0 R]"
        b" /ToUnicode %d 0 R >>" % (NAME, inner, to_unicode),
    )


def _below(points: float) -> float:
    """Round down to three decimals. A page that is slightly too wide is drawn with an extra column of dots."""
    return (math.ceil(points * 1e3) - 1) / 1e3


def _to_unicode(used: list[Drawn]) -> bytes:
    """The ToUnicode map. It has a `bfchar` line for each code, since Ghostscript misreads a `bfrange` with a list."""
    said = [f"<{code:04x}> <{char.encode('utf-16-be').hex()}>" for code, (_, char) in enumerate(used, 1)]
    blocks = [said[n : n + 100] for n in range(0, len(said), 100)]  # the format allows at most 100
    return "\n".join([
        "/CIDInit /ProcSet findresource begin 12 dict begin begincmap",
        "/CIDSystemInfo << /Registry (Adobe) /Ordering (UCS) /Supplement 0 >> def /CMapType 2 def /CMapName /Waybill def",
        "1 begincodespacerange <0000> <ffff> endcodespacerange",
        *(f"{len(block)} beginbfchar\n" + "\n".join(block) + "\nendbfchar" for block in blocks),
        "endcmap CMapName currentdict /CMap defineresource pop end end",
    ]).encode()  # fmt: skip


def _marks(drawing: Drawing, codes: dict[str, _Codes]) -> bytes:
    """The content operators of a drawing, in dots, with PDF's origin at the lower left."""
    top = drawing.height
    parts = [f"{x} {top - y - height} {width} {height} re f" for x, y, width, height in drawing.rects]
    white = False
    for run in drawing.runs:
        if run.white is not white:
            white = run.white
            parts.append("1 g" if white else "0 g")
        parts += [_text(piece, top, codes) for piece in run.pieces]
    if white:
        parts.append("0 g")
    return "\n".join(parts).encode() + b"".join(_image(code, top) for code in drawing.codes)


def _text(piece: Piece, top: int, codes: dict[str, _Codes]) -> str:
    x, baseline, size, weight, chars, width = piece
    if weight == BLOCK:
        return f"{x} {top - baseline} {width} {round(size * 0.8)} re f"
    return f"BT /F {size} Tf {x} {top - baseline} Td <{''.join(map(codes[weight].__getitem__, chars))}> Tj ET"


def _image(code: Code, top: int) -> bytes:
    """An inline image mask that paints the dark modules. A turned code is drawn by columns."""
    columns, rows, modules = code.columns, code.rows, code.modules
    if code.turned:
        bits = np.unpackbits(np.frombuffer(modules, np.uint8).reshape(rows, -1), axis=1)[:, :columns]
        modules = np.packbits(np.rot90(bits, -1), axis=1).tobytes()
        columns, rows = rows, columns
    low = top - code.y - code.height
    return b"\nq %.2f 0 0 %.2f %.2f %.2f cm BI /W %d /H %d /IM true /BPC 1 /D [1 0] ID %s EI Q" % (
        code.width - 2 * INSET, code.height - 2 * INSET, code.x + INSET, low + INSET, columns, rows, modules
    )  # fmt: skip
