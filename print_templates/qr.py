"""QR encoder for label codes: version 4 at level Q (ISO/IEC 18004), up to 67 letters, digits and ` $%*+-./:`.

With one version, placement and error correction are constant tables, and numpy encodes hundreds of symbols at once. The
modules equal those of the qrcode library bit for bit (a test compares them). Level Q keeps a stained label readable.
Version 4 gives 25 mm at six dots a module.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

SIZE = 33
QUIET = 4
"""Width of the quiet zone on every side, in modules."""
CAPACITY = 67
"""The most alphanumeric characters of a symbol (table 7 of the standard)."""
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
DATA, CHECKS, BLOCKS = 24, 26, 2
"""Data bytes and check bytes of each block, and the number of blocks (table 9 of the standard, 4-Q)."""
ROW_BYTES = 5
LEVEL_Q = 0b11
MASKS = 8
ALPHANUMERIC = 0b0010
"""The mode indicator of all symbols made here (table 2)."""
_VALUES = {char: value for value, char in enumerate(ALPHABET)}

_CODE = re.compile(r"[0-9A-Z $%*+\-./:]{1,67}")
Words = NDArray[np.uint64]


def symbols(codes: Sequence[str]) -> list[bytes]:
    """Encode each code as 33 rows of 5 bytes, most significant bit first, 1 for dark, without quiet zone.

    Raises:
        ValueError: a code is empty, longer than 67, or has a character outside the QR alphabet.
    """
    if not codes:
        return []
    table = _tables()
    placed = np.zeros((len(codes), SIZE, 64), bool)
    placed[:, :, :SIZE] = table.fixed
    bits = np.unpackbits(_add_error_correction(np.stack([_data(code) for code in codes])), axis=1)
    placed[:, table.rows[: bits.shape[1]], table.columns[: bits.shape[1]]] = bits
    rows = _words(placed)  # format modules are light while masks are compared, as in the qrcode library
    columns = _words(np.pad(placed[:, :, :SIZE].swapaxes(1, 2), ((0, 0), (0, 0), (0, 64 - SIZE))))
    lost = _penalty(rows[:, None] ^ table.mask_rows, columns[:, None] ^ table.mask_columns)
    mask = lost.argmin(axis=1)  # of equal penalties the first mask, as in the standard
    final = rows ^ table.mask_rows[mask] | table.format_rows[mask]
    packed = final.astype(">u8").view(np.uint8).reshape(len(codes), SIZE, 8)[:, :, :ROW_BYTES]
    return [symbol.tobytes() for symbol in packed]


def encodable(code: str) -> bool:
    """Whether `symbols` can draw this code."""
    return _CODE.fullmatch(code) is not None


def _data(code: str) -> NDArray[np.uint8]:
    """The 48 data bytes: mode, length, pairs of characters, terminator, padding (section 7.4)."""
    if not encodable(code):
        raise ValueError("a label code has 1 to 67 characters of the QR alphabet")
    stream, used = ALPHANUMERIC << 9 | len(code), 13
    for n in range(0, len(code) - 1, 2):
        stream, used = stream << 11 | _VALUES[code[n]] * 45 + _VALUES[code[n + 1]], used + 11
    if len(code) % 2:
        stream, used = stream << 6 | _VALUES[code[-1]], used + 6
    total = DATA * BLOCKS * 8
    end = min(4, total - used)
    fill = -(used + end) % 8
    stream, used = stream << end + fill, used + end + fill
    body = stream.to_bytes(used // 8, "big")
    return np.frombuffer((body + b"\xec\x11" * DATA)[: DATA * BLOCKS], np.uint8)


def _add_error_correction(data: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(n, 48) data bytes -> (n, 100) interleaved bytes with the Reed-Solomon check bytes over GF(256)."""
    blocks = data.reshape(len(data), BLOCKS, DATA)
    checks = np.bitwise_xor.reduce(_check_table()[np.arange(DATA), blocks], axis=2)
    woven = [part.swapaxes(1, 2).reshape(len(data), -1) for part in (blocks, checks)]
    return np.concatenate(woven, axis=1)


def _words(modules: NDArray[np.bool_]) -> Words:
    """Pack rows of 64 modules into integers, the first column as the highest bit."""
    return np.ascontiguousarray(np.packbits(modules, axis=-1)).view(">u8")[..., 0].astype(np.uint64)


def _penalty(rows: Words, columns: Words) -> NDArray[np.int64]:
    """The penalty of each masked symbol (section 7.8.3). Shape (n, 8, 33) in, (n, 8) out."""
    lines = np.stack([rows, columns])

    def area(width: int) -> np.uint64:
        return np.uint64(((1 << width) - 1) << (64 - width))

    def count(words: Words) -> NDArray[np.int64]:
        return np.asarray(np.bitwise_count(words).sum(axis=-1), np.int64)

    same = ~(lines ^ lines << np.uint64(1)) & area(SIZE - 1)
    five = same & same << np.uint64(1)
    five &= five << np.uint64(2)  # four equal neighbours: a window of five
    runs = count(five) + 2 * count(five & ~(five >> np.uint64(1)))
    squares = same[0][..., 1:] & same[0][..., :-1] & ~(rows[..., 1:] ^ rows[..., :-1])
    finder = np.zeros_like(lines)
    for pattern in (0b10111010000, 0b00001011101):
        hit = np.full_like(lines, area(SIZE - 10))
        for n in range(11):
            shifted = lines << np.uint64(n)
            hit &= shifted if pattern >> (10 - n) & 1 else ~shifted
        finder |= hit
    dark = count(rows)
    balance = (np.abs(dark / SIZE**2 * 100 - 50) / 5).astype(np.int64)
    total = runs.sum(axis=0) + 3 * count(squares) + 40 * count(finder).sum(axis=0) + 10 * balance
    return np.asarray(total, np.int64)


class _Tables(NamedTuple):
    """The constant tables of 4-Q symbols."""

    fixed: NDArray[np.bool_]  # dark modules of the finder, alignment and timing patterns
    rows: NDArray[np.int64]  # of each data bit, in the order of placement
    columns: NDArray[np.int64]
    mask_rows: Words  # (8, 33)
    mask_columns: Words
    format_rows: Words  # (8, 33) the format bits of each mask, and the one module that is always dark


@cache
def _tables() -> _Tables:
    fixed, taken = np.zeros((2, SIZE, SIZE), bool)
    for row, column in ((0, 0), (0, SIZE - 7), (SIZE - 7, 0)):
        fixed[row : row + 7, column : column + 7] = _finder_pattern(7)
        taken[max(row - 1, 0) : row + 9, max(column - 1, 0) : column + 9] = True
    taken[:9, SIZE - 8 :] = taken[SIZE - 8 :, :9] = True
    fixed[24:29, 24:29] = _finder_pattern(5)
    taken[24:29, 24:29] = taken[6] = taken[:, 6] = True
    fixed[6, 8 : SIZE - 8] = fixed[8 : SIZE - 8, 6] = np.arange(SIZE - 16) % 2 == 0
    path = [
        (row, column)
        for n, right in enumerate([*range(SIZE - 1, 6, -2), 5, 3, 1])
        for row in (range(SIZE - 1, -1, -1) if n % 2 == 0 else range(SIZE))
        for column in (right, right - 1)
        if not taken[row, column]
    ]
    i, j = np.indices((SIZE, SIZE))
    rules = (
        (i + j) % 2, i % 2, j % 3, (i + j) % 3, (i // 2 + j // 3) % 2, i * j % 2 + i * j % 3,
        (i * j % 2 + i * j % 3) % 2, (i * j % 3 + (i + j) % 2) % 2,
    )  # fmt: skip
    masks = np.zeros((MASKS, SIZE, 64), bool)
    masks[:, :, :SIZE] = [(rule == 0) & ~taken for rule in rules]
    formats = np.zeros((MASKS, SIZE, 64), bool)
    for mask in range(MASKS):
        for n, places in enumerate(_FORMAT_PLACES):
            for place in places:
                formats[mask][place] = _format_bits(mask) >> n & 1
        formats[mask][SIZE - 8, 8] = True
    turned = np.pad(masks[:, :, :SIZE].swapaxes(1, 2), ((0, 0), (0, 0), (0, 64 - SIZE)))
    rows, columns = np.array(path).T
    return _Tables(fixed, rows, columns, _words(masks), _words(turned), _words(formats))


_FORMAT_PLACES = [
    ((n if n < 6 else n + 1 if n < 8 else SIZE - 15 + n, 8), (8, SIZE - 1 - n if n < 8 else 7 if n == 8 else 14 - n))
    for n in range(15)
]
"""The two positions of each format bit, from the lowest bit (figure 25)."""


def _finder_pattern(size: int) -> NDArray[np.bool_]:
    """A finder or alignment pattern: a dark ring, a light ring and a dark middle."""
    away = np.abs(np.indices((size, size)) - size // 2).max(axis=0)
    return np.asarray(away != size // 2 - 1)


def _format_bits(mask: int) -> int:
    """The 15 format bits of level Q and a mask: BCH(15,5) code, XORed with the format mask (annex C)."""
    value = LEVEL_Q << 3 | mask
    rest = value << 10
    for n in range(14, 9, -1):
        if rest >> n & 1:
            rest ^= 0b10100110111 << (n - 10)
    return (value << 10 | rest) ^ 0b101010000010010


@cache
def _check_table() -> NDArray[np.uint8]:
    """(24, 256, 26): the contribution of a data byte to its block's check bytes, by its position and value."""
    power, log = [1], {1: 0}
    for n in range(1, 255):
        value = power[-1] << 1
        power.append(value ^ 0x11D if value > 255 else value)
        log[power[-1]] = n

    def times(a: int, b: int) -> int:
        return power[(log[a] + log[b]) % 255] if a and b else 0

    generator = [1]
    for n in range(CHECKS):
        generator = [a ^ times(b, power[n]) for a, b in zip([*generator, 0], [0, *generator], strict=True)]
    table = np.zeros((DATA, 256, CHECKS), np.uint8)
    for byte in range(256):
        checks = [0] * CHECKS
        lead = byte
        for place in range(DATA - 1, -1, -1):
            checks = [a ^ times(lead, b) for a, b in zip([*checks[1:], 0], generator[1:], strict=True)]
            table[place, byte] = checks
            lead = checks[0]
    return table
