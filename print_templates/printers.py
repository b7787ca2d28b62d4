"""Writers for thermal printers: TSPL, ZPL and CPCL, each label as one picture in cropped bands.

A printer is sent dots, never a string of a label. Printers' Chinese fonts differ or are missing, and a printer's own encoder
may choose other bar widths than those that the gate checked. Each label is self-contained (`^XA` to `^XZ` in ZPL), so a job
can be cut between any two. Each also resets settings of other programs that printers keep: a shift, a mirror, a picture
behind each label (decision 31).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import final

import numpy as np
from numpy.typing import NDArray

from masking.errors import InputError
from masking.words.request_rules import RequestRule
from print_templates.drawing import Drawing, Rect
from print_templates.gate import Released
from print_templates.raster import Dots, bands, dots
from print_templates.typeface import ASCENT, EM

MM = 25.4
MEDIA = ("keep", "gap", "mark", "continuous")
"""How a printer finds the next label: as calibrated, by gaps, by black marks, or not at all."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """The settings of one printer.

    Attributes:
        right, down: how far to move the picture on the paper, in dots.
        darkness: 0 to 15, in steps of the language's own scale. None keeps the printer's setting.
        speed: in inches a second. None keeps the printer's setting.
        media: one of `MEDIA`.
        gap: the height of a gap or mark in mm.
    """

    right: int = 0
    down: int = 0
    darkness: int | None = None
    speed: int | None = None
    media: str = "keep"
    gap: float = 2

    def __post_init__(self) -> None:
        """Refuse settings that no printer accepts.

        Raises:
            InputError: names the setting and its limits.
        """
        if not (abs(self.right) <= 400 and abs(self.down) <= 400):
            raise InputError("offset", RequestRule.OUT_OF_RANGE, detail="give at most 400 dots")
        if self.darkness is not None and not 0 <= self.darkness <= 15:
            raise InputError("darkness", RequestRule.OUT_OF_RANGE, detail="give 0 to 15")
        if self.speed is not None and not 1 <= self.speed <= 14:
            raise InputError("speed", RequestRule.OUT_OF_RANGE, detail="give 1 to 14 inches a second")
        if self.media not in MEDIA:
            raise InputError("media", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(MEDIA)}")
        if not 0 < self.gap <= 20:
            raise InputError(
                "gap",
                RequestRule.OUT_OF_RANGE,
                detail="give more than 0 and up to 20 mm. For paper without gaps, set media to continuous",
            )


PLAIN = Setup()


def write(drawing: Released, language: str, setup: Setup = PLAIN) -> bytes:
    """The bytes of one label. Those of several labels may be concatenated.

    Raises:
        InputError: the language is unknown, or the setup moves a code or text off the paper.
    """
    writer = _writer(language)
    check_offset(drawing, setup)
    return writer(dots(drawing), drawing.dpi, setup)


def check_offset(drawing: Drawing, setup: Setup) -> None:
    """Refuse an offset that moves a code or text off the paper. Frames and rules may be cut.

    Raises:
        InputError: the offset is too large for this drawing.
    """
    boxes = [(code.x, code.y, code.x + code.width, code.y + code.height) for code in drawing.codes]
    for piece in (piece for run in drawing.runs for piece in run.pieces):
        top = piece.baseline - round(piece.size * ASCENT / EM)
        boxes.append((piece.x, top, piece.x + piece.width, piece.baseline))
    lefts, tops, rights, bottoms = zip(*boxes, strict=True)
    across = -min(lefts) <= setup.right <= drawing.width - max(rights)
    along = -min(tops) <= setup.down <= drawing.height - max(bottoms)
    if not (across and along):
        raise InputError("offset", RequestRule.OFF_THE_PAPER)


def setup_page(width: float, height: float, dpi: float, language: str, setup: Setup = PLAIN) -> bytes:
    """A test page: frames on the paper's edge and 2 mm inside, a cross, stairs of 1 to 6 dots.

    The offset is right if all four sides of the outer frame are printed. The darkness is right if the single dots of the
    stairs are all printed and separate. The page holds no label data, so it doesn't go through the gate.
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
        raise InputError("to", RequestRule.NOT_LISTED, detail=f"give one of {', '.join(LANGUAGES)}")
    return LANGUAGES[language]


def _moved(canvas: Dots, setup: Setup) -> Dots:
    """Move the picture on the paper and cut off what leaves it, as the printer would."""
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
    lines = [f"SIZE {width:.2f} mm,{height:.2f} mm"]
    if setup.media != "keep":
        word, size = ("BLINE" if setup.media == "mark" else "GAP"), (0 if setup.media == "continuous" else setup.gap)
        lines.append(f"{word} {size:.1f} mm,0 mm")
    lines += ["DIRECTION 1,0", "REFERENCE 0,0", "OFFSET 0 mm", "SHIFT 0"]
    lines += [f"SPEED {setup.speed}"] if setup.speed is not None else []
    lines += [f"DENSITY {setup.darkness}"] if setup.darkness is not None else []
    parts = ["".join(f"{line}\r\n" for line in [*lines, "CLS"]).encode()]
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(~part, axis=1)
        parts += [b"BITMAP %d,%d,%d,%d,0," % (x, y, raw.shape[1], raw.shape[0]), raw.tobytes(), b"\r\n"]
    return b"".join([*parts, b"PRINT 1,1\r\n"])


def _zpl(canvas: Dots, _dpi: float, setup: Setup) -> bytes:
    """ZPL II (Zebra): `^GFA` with the run-length letters of the language, which every model reads."""
    height, width = canvas.shape
    head = "" if setup.darkness is None else f"~SD{2 * setup.darkness:02}"
    head += f"^XA^MUD^JMA^MCY^PON^PMN^LRN^FWN^CI28^PW{width}^LL{height}^LH0,0^LS0^LT0"
    head += {"keep": "", "gap": "^MNY", "mark": "^MNM", "continuous": "^MNN"}[setup.media]
    head += "" if setup.speed is None else f"^PR{setup.speed}"
    head += f"^FO0,0^GB{width},{height},{min(width, height)},W^FS"  # covers a picture that ^MCN kept
    parts = [head.encode()]
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(part, axis=1)
        parts.append(b"^FO%d,%d^GFA,%d,%d,%d,%s^FS" % (x, y, raw.size, raw.size, raw.shape[1], _run_lengths(part)))
    return b"".join([*parts, b"^PQ1^XZ\n"])


def _cpcl(canvas: Dots, dpi: float, setup: Setup) -> bytes:
    """CPCL (portable printers): `CG` takes 1 for black. Its speeds are levels, of which 5 is the fastest."""
    height, width = canvas.shape
    parts = [b"! 0 %d %d %d 1\r\nPAGE-WIDTH %d\r\n" % (dpi, dpi, height, width)]
    parts += {"gap": [b"GAP-SENSE\r\n"], "mark": [b"BAR-SENSE\r\n"]}.get(setup.media, [])
    parts += [b"SPEED %d\r\n" % min(setup.speed, 5)] if setup.speed is not None else []
    if setup.darkness is not None:
        parts.append(b"CONTRAST %d\r\n" % (setup.darkness // 5))
    for x, y, part in bands(_moved(canvas, setup)):
        raw = np.packbits(part, axis=1)
        parts += [b"CG %d %d %d %d " % (raw.shape[1], raw.shape[0], x, y), raw.tobytes(), b"\r\n"]
    return b"".join([*parts, b"" if setup.media == "continuous" else b"FORM\r\n", b"PRINT\r\n"])


def _run_lengths(part: Dots) -> bytes:
    """ZPL's compressed hexadecimal of a band: `,` fills a row with 0, `:` repeats the row before, letters count.

    Not `!`, which fills a row with ones: some readers take that for the digit 1. All runs of the band are found at once:
    a loop in Python over them was three quarters of the time of a label.
    """
    packed = np.packbits(part, axis=1)
    digits = np.stack([packed >> 4, packed & 15], axis=2).reshape(len(packed), -1)
    wide = digits.shape[1]
    starts = np.ones(digits.shape, bool)
    starts[:, 1:] = digits[:, 1:] != digits[:, :-1]
    repeated = np.append(False, (packed[1:] == packed[:-1]).all(axis=1))
    starts[repeated, 1:] = False
    at = np.flatnonzero(starts)
    ends = np.append(at[1:], digits.size)
    digit = digits.ravel()[at].astype(int)
    runs = digit * (wide + 1) + ends - at
    runs[(ends % wide == 0) & (digit == 0)] = _FILL
    runs[repeated[at // wide]] = _REPEAT
    spelt: bytes = _runs(wide)[runs].tobytes().replace(b"\0", b"")
    return spelt


_FILL, _REPEAT = 0, -1
"""Indexes in `_runs`. Index 0 would be a run of no zeros, which doesn't occur; the last entry is appended."""


@cache
def _runs(wide: int) -> NDArray[np.bytes_]:
    """The encoding of each run, at index `digit * (wide + 1) + length`, padded with zero bytes."""
    written = [
        (digit * length if length < 3 else _count(length) + digit).encode()
        for digit in "0123456789ABCDEF"
        for length in range(wide + 1)
    ]
    written[_FILL] = b","
    return np.array([*written, b":"])


def _count(times: int) -> str:
    """A repeat count in letters: g to z are 20 to 400, G to Y are 1 to 19."""
    letters = "z" * (times // 400)
    tens, ones = divmod(times % 400, 20)
    return letters + (chr(ord("f") + tens) if tens else "") + (chr(ord("F") + ones) if ones else "")


LANGUAGES: dict[str, Callable[[Dots, float, Setup], bytes]] = {"tspl": _tspl, "zpl": _zpl, "cpcl": _cpcl}
