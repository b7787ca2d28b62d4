"""Drawings: a label as marks on whole printer dots. The release gate reads them, and every writer draws them.

Coordinates are dots from the upper left corner of the paper. This module knows no file format and no template.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, final

BLOCK = "block"
"""The weight of a piece that is drawn as a solid bar: masked characters, if the template asks for blocks."""


class Rect(NamedTuple):
    """A filled rectangle."""

    x: int
    y: int
    width: int
    height: int


class Piece(NamedTuple):
    """Characters on one line in one font. `x` (left end), `baseline`, `size` (em) and `width` are in dots."""

    x: int
    baseline: int
    size: int
    weight: str
    chars: str
    width: int


class Run(NamedTuple):
    """One string, in the pieces in which it is drawn. `white` text stands on a black ground."""

    pieces: tuple[Piece, ...]
    white: bool = False

    @property
    def text(self) -> str:
        """The string: the characters of all pieces in order."""
        return "".join(piece.chars for piece in self.pieces)


class Code(NamedTuple):
    """A bar code, QR symbol or picture without its quiet zone: `rows` of `columns` modules, bit-packed, 1 for dark.

    `width` and `height` are in dots and whole multiples of the modules; the single row of a bar code may have any height.
    `turned` rotates it by 90 degrees clockwise, with `width` and `height` as on the paper.
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
    """Everything on one label. `background` is drawn first and shared by all labels of a template."""

    width: int
    height: int
    dpi: float
    rects: tuple[Rect, ...] = ()
    runs: tuple[Run, ...] = ()
    codes: tuple[Code, ...] = ()
    background: Drawing | None = None
