"""Rasteriser: drawings as one-bit arrays with an element for each printer dot, True for black. There is no grey."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache
from threading import Lock
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import ImageFont

from print_templates.drawing import BLOCK, Code, Drawing, Piece
from print_templates.gate import Released
from print_templates.typeface import EM, advances, face

Dots = NDArray[np.bool_]
LARGEST = 16 * 1024
"""The most bytes of one picture, before compression: cheap printers lose bytes of a large one, and print half a label."""
BLANK = 16
"""How many rows without ink start a new band: two millimetres at 203 dpi."""


def dots(drawing: Drawing) -> Dots:
    """Rasterise a drawing as (height, width) dots."""
    ground = drawing.background
    canvas = np.zeros((drawing.height, drawing.width), bool) if ground is None else _shared(ground).copy()
    for x, y, width, height in drawing.rects:
        canvas[y : y + height, x : x + width] = True
    for run in drawing.runs:
        for piece in run.pieces:
            _set(canvas, piece, white=run.white)
    for code in drawing.codes:
        canvas[code.y : code.y + code.height, code.x : code.x + code.width] = modules(code)
    return canvas


@lru_cache(maxsize=4)
def _shared(ground: Drawing) -> Dots:
    """The dots of a template's background, drawn once and cached."""
    return dots(ground)


def png(drawing: Released) -> bytes:
    """A drawing as a PNG with one bit a dot and the printer's resolution in its metadata."""
    canvas = dots(drawing)
    rows = np.packbits(~canvas, axis=1)
    lines = np.pad(rows, ((0, 0), (1, 0))).tobytes()  # each row after a zero: no filter
    metre = round(drawing.dpi / 0.0254)
    chunks = (
        (b"IHDR", struct.pack(">IIBBBBB", drawing.width, drawing.height, 1, 0, 0, 0, 0)),
        (b"pHYs", struct.pack(">IIB", metre, metre, 1)),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    framed = (struct.pack(">I", len(b)) + t + b + struct.pack(">I", zlib.crc32(t + b)) for t, b in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(framed)


class Band(NamedTuple):
    """A part of a label with ink: its upper left corner in dots, and its dots, whole bytes wide."""

    x: int
    y: int
    dots: Dots


def bands(canvas: Dots) -> list[Band]:
    """Cut a label at blank stretches and every `LARGEST` bytes, from top to bottom; crop the parts to whole bytes."""
    inked = np.flatnonzero(canvas.any(axis=1))
    if not len(inked):
        return []
    cuts = np.flatnonzero(np.diff(inked) > BLANK) + 1
    found = []
    for rows in np.split(inked, cuts):
        part = canvas[rows[0] : rows[-1] + 1]
        columns = np.flatnonzero(part.any(axis=0))
        left, right = columns[0] // 8 * 8, -(-(columns[-1] + 1) // 8) * 8
        short = right - canvas.shape[1]
        whole = np.pad(part, ((0, 0), (0, max(short, 0))))[:, left:right]
        height = max(LARGEST // (whole.shape[1] // 8), 1)
        found += [Band(int(left), int(rows[0]) + at, whole[at : at + height]) for at in range(0, len(whole), height)]
    return found


def modules(code: Code) -> Dots:
    """The dots of a code, with each module scaled to its whole number of dots."""
    packed = np.frombuffer(code.modules, np.uint8).reshape(code.rows, -1)
    bits = np.unpackbits(packed, axis=1)[:, : code.columns].astype(bool)
    if code.turned:
        bits = np.rot90(bits, -1)
    return bits.repeat(code.height // bits.shape[0], axis=0).repeat(code.width // bits.shape[1], axis=1)


def _set(canvas: Dots, piece: Piece, *, white: bool) -> None:
    if piece.weight == BLOCK:
        top = piece.baseline - round(piece.size * 0.8)
        canvas[top : piece.baseline, piece.x : piece.x + piece.width] = not white
        return
    along = 0
    for char in piece.chars:
        mark, left, top = _mark(char, piece.weight, piece.size)
        x, y = piece.x + round(along * piece.size / EM) + left, piece.baseline + top
        canvas[y : y + mark.shape[0], x : x + mark.shape[1]][mark] = not white
        along += advances(piece.weight)[char]


@lru_cache(maxsize=20_000)
def _mark(char: str, weight: str, size: int) -> tuple[Dots, int, int]:
    """The dots of a character, and their offset from its left end on the baseline."""
    font, alone = _font(weight, size)
    with alone:
        mask, (left, top) = font.getmask2(char, mode="1", anchor="ls")
    width, height = mask.size
    return np.array(mask, np.uint8).reshape(height, width) > 0, int(left), int(top)


@lru_cache(maxsize=64)
def _font(weight: str, size: int) -> tuple[ImageFont.FreeTypeFont, Lock]:
    """A font at a size, and the lock to hold while drawing with it, since a FreeType face is not thread-safe."""
    return ImageFont.truetype(face(weight).path, size, layout_engine=ImageFont.Layout.BASIC), Lock()
