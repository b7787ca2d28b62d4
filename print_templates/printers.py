"""Released labels as bytes for thermal printers: TSPL, ZPL, CPCL, each label one picture in cropped bands.

Text goes as dots because printers' Chinese fonts differ or are missing, and codes go as dots because a printer's own
encoder may choose other widths than those that were gated; so a printer is sent no string of a label at all. Each label
is complete in itself, `^XA` to `^XZ`: a job can be cut between any two.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np

from masking.errors import InputError
from print_templates.drawing import Drawing, Rect
from print_templates.gate import Released
from print_templates.raster import Dots, bands, dots

MM = 25.4


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One printer's settings: what moves the picture on its paper, how dark it burns, and the gap between labels.

    `darkness` 0 to 15 in steps of the language's own scale, None to leave the printer's; `gap` in mm, 0 for endless.
    """

    right: int = 0
    down: int = 0
    darkness: int | None = None
    gap: float = 2

    def __post_init__(self) -> None:
        """Refuse what no printer takes.

        Raises:
            InputError: an offset beyond 400 dots, darkness outside 0 to 15, a gap outside 0 to 20 mm.
        """
        if not (abs(self.right) <= 400 and abs(self.down) <= 400):
            raise InputError("offset", "more than 400 dots")
        if self.darkness is not None and not 0 <= self.darkness <= 15:
            raise InputError("darkness", "not 0 to 15")
        if not 0 <= self.gap <= 20:
            raise InputError("gap", "not 0 to 20 mm")


PLAIN = Setup()


def write(drawing: Released, language: str, setup: Setup = PLAIN) -> bytes:
    """The bytes of one label; those of several may be sent one after the other.

    Raises:
        InputError: the language is unknown.
    """
    return _writer(language)(dots(drawing), drawing.dpi, setup)


def setup_page(width: float, height: float, dpi: float, language: str, setup: Setup = PLAIN) -> bytes:
    """A page to set a printer up with: frames on the paper's edge and 2 mm inside, a cross, stairs of 1 to 6 dots.

    All four sides of the outer frame are there: the offset is right. Single dots of the stairs are all there and apart:
    the darkness is right. It holds no label's data, so no gate stands before it.
    """
    wide, high, step = round(width * dpi / MM), round(height * dpi / MM), round(2 * dpi / MM)
    rects = []
    for inset in (0, step):
        w, h = wide - 2 * inset, high - 2 * inset
        rects += [Rect(inset, inset, w, 3), Rect(inset, high - inset - 3, w, 3)]
        rects += [Rect(inset, inset, 3, h), Rect(wide - inset - 3, inset, 3, h)]
    rects += [Rect(wide // 2 - 1, step, 2, high - 2 * step), Rect(step, high // 2 - 1, wide - 2 * step, 2)]
    for size in range(1, 7):
        rects += [
            Rect(2 * step + n * 2 * size, 2 * step * size, size, step)
            for n in range((wide // 2 - 3 * step) // (2 * size))
        ]
    page = Drawing(width=wide, height=high, dpi=dpi, rects=tuple(r for r in rects if r.y + r.height <= high))
    return _writer(language)(dots(page), dpi, setup)


def _writer(language: str) -> Callable[[Dots, float, Setup], bytes]:
    if language not in LANGUAGES:
        raise InputError("to", f"unknown; there are {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def _moved(canvas: Dots, setup: Setup) -> Dots:
    """The picture moved on its paper; what leaves the paper is cut off there, as the printer would."""
    moved = np.zeros_like(canvas)
    height, width = canvas.shape
    x, y = setup.right, setup.down
    moved[max(y, 0) : height + min(y, 0), max(x, 0) : width + min(x, 0)] = canvas[
        max(-y, 0) : height - max(y, 0), max(-x, 0) : width - max(x, 0)
    ]
    return moved


def _tspl(canvas: Dots, dpi: float, setup: Setup) -> bytes:
    """TSPL (TSC, Gprinter, Xprinter): `BITMAP` takes 0 for black."""
    height, width = (side * MM / dpi for side in canvas.shape)
    parts = [b"SIZE %.2f mm,%.2f mm\r\nGAP %.1f mm,0 mm\r\nDIRECTION 1\r\n" % (width, height, setup.gap)]
    if setup.darkness is not None:
        parts.append(b"DENSITY %d\r\n" % setup.darkness)
    parts.append(b"CLS\r\n")
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(~part, axis=1)
        parts += [b"BITMAP %d,%d,%d,%d,0," % (x, y, raw.shape[1], raw.shape[0]), raw.tobytes(), b"\r\n"]
    return b"".join([*parts, b"PRINT 1,1\r\n"])


def _zpl(canvas: Dots, _dpi: float, setup: Setup) -> bytes:
    """ZPL II (Zebra): `^GFA` with the run-length letters of the language, which every model reads."""
    height, width = canvas.shape
    darkness = "" if setup.darkness is None else f"~SD{2 * setup.darkness:02}"
    parts = [f"{darkness}^XA^PW{width}^LL{height}^LH0,0^MN{'Y' if setup.gap else 'N'}"]
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(part, axis=1)
        parts.append(
            f"^FO{x},{y}^GFA,{raw.size},{raw.size},{raw.shape[1]},{_run_lengths(raw.tobytes(), raw.shape[1])}^FS"
        )
    return "".join([*parts, "^PQ1^XZ\n"]).encode()


def _cpcl(canvas: Dots, dpi: float, setup: Setup) -> bytes:
    """CPCL (portable printers): `CG` takes 1 for black."""
    height, width = canvas.shape
    parts = [b"! 0 %d %d %d 1\r\nPAGE-WIDTH %d\r\n" % (dpi, dpi, height, width)]
    if setup.darkness is not None:
        parts.append(b"CONTRAST %d\r\n" % (setup.darkness // 5))
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(part, axis=1)
        parts += [b"CG %d %d %d %d " % (raw.shape[1], raw.shape[0], x, y), raw.tobytes(), b"\r\n"]
    return b"".join([*parts, b"FORM\r\n" if setup.gap else b"", b"PRINT\r\n"])


def _run_lengths(raw: bytes, row: int) -> str:
    """ZPL's compressed hexadecimal: `,` fills a row with 0, `:` repeats the row before, letters count.

    Not `!`, which fills a row with ones: some readers take that for the digit 1.
    """
    lines, before = [], ""
    for n in range(0, len(raw), row):
        line = raw[n : n + row].hex().upper()
        body = line.rstrip("0")
        end = "," if len(body) < len(line) else ""
        lines.append(":" if line == before else _RUN.sub(lambda m: _count(len(m[0])) + m[1], body) + end)
        before = line
    return "".join(lines)


_RUN = re.compile(r"([0-9A-F])\1{2,}")


def _count(times: int) -> str:
    """A repeat count in letters: g to z are 20 to 400, G to Y are 1 to 19."""
    letters = "z" * (times // 400)
    tens, ones = divmod(times % 400, 20)
    return letters + (chr(ord("f") + tens) if tens else "") + (chr(ord("F") + ones) if ones else "")


LANGUAGES: dict[str, Callable[[Dots, float, Setup], bytes]] = {"tspl": _tspl, "zpl": _zpl, "cpcl": _cpcl}
