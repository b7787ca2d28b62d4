"""A label as marks on whole printer dots: what every writer draws, and what the release gate reads.

Coordinates are dots from the upper left corner of the paper. Nothing here knows a file format or a template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

BLOCK = "block"
"""The weight of a piece that is drawn as a solid bar: masked characters, where a template wants them so."""


class Rect(NamedTuple):
    """A filled rectangle."""

    x: int
    y: int
    width: int
    height: int


class Piece(NamedTuple):
    """Characters on one line in one font: left end, baseline, em, all in dots."""

    x: int
    baseline: int
    size: int
    weight: str
    chars: str
    width: int


class Run(NamedTuple):
    """One text that belongs together, in the pieces in which it is drawn; white on a black ground, or black."""

    pieces: tuple[Piece, ...]
    white: bool = False

    @property
    def text(self) -> str:
        """What can be read: the pieces in order."""
        return "".join(piece.chars for piece in self.pieces)


class Code(NamedTuple):
    """A bar code or QR symbol without its quiet zone: `rows` of `columns` modules, packed, 1 for dark.

    `width` and `height` in dots are whole multiples of the modules (a bar code's one row is as high as wanted).
    `turned` by 90 degrees clockwise; width and height are then those on the paper.
    """

    kind: str
    x: int
    y: int
    width: int
    height: int
    columns: int
    rows: int
    modules: bytes
    turned: bool = False


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Drawing:
    """Everything on one label; `background` is what all labels of a template share, drawn first."""

    width: int
    height: int
    dpi: float
    rects: tuple[Rect, ...] = ()
    runs: tuple[Run, ...] = ()
    codes: tuple[Code, ...] = ()
    background: Drawing | None = None
