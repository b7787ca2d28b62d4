"""The two fonts of labels: their characters, advances, and subsets for a PDF.

The files in `fonts/` are TrueType without hinting, layout tables or composite glyphs (`scripts/make_fonts.py`). A glyph is
then a slice of bytes, and a subset is made without interpreting outlines. Pass every string through `printable` first,
since a character that a font lacks can't be drawn.
"""

from __future__ import annotations

import re
import struct
import unicodedata
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from masking.errors import SettingsError
from masking.values.printable import Masked

FONTS = Path(__file__).parent / "fonts"
EM = 1000
"""Units per em of both fonts, the unit of advances."""
ASCENT, DESCENT = 880, 120
"""How far the square of a Chinese character reaches above and below the baseline."""
GETA = "〓"
"""Replaces a character that no font has. It is the printing trade's sign for missing type and can't be misread as text."""
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_ALTERED = rf"[{_SELECTORS}\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
"""Characters that modify the one before: variation selectors, the keycap frame, skin tones, tags."""
_CLUSTER = re.compile(
    rf"[\U0001f1e6-\U0001f1ff]{{2}}|.{_ALTERED}(?:\u200d[\u2190-\u2bff\U0001f000-\U0001faff]{_ALTERED})*", re.DOTALL
)
"""A sequence that a reader sees as one sign: a character with its modifiers and joined characters, or a flag."""


class Glyph(NamedTuple):
    """The glyph of a character: the weight whose font has it, and its advance in thousandths of an em."""

    weight: str
    advance: int


class Drawn(NamedTuple):
    """A character and the weight it is drawn in, which is `text` for one that bold lacks."""

    weight: str
    char: str


class Face:
    """One font file, read once and immutable, so threads may share it."""

    def __init__(self, path: Path) -> None:
        """Read a font file that `scripts/make_fonts.py` wrote."""
        data = path.read_bytes()
        tables = {}
        for n in range(struct.unpack_from(">H", data, 4)[0]):
            tag, _, offset, length = struct.unpack_from(">4sIII", data, 12 + 16 * n)
            tables[tag.decode()] = data[offset : offset + length]
        self.path = path
        self.head, self._glyf, self.maxp, self.hhea = (tables[t] for t in ("head", "glyf", "maxp", "hhea"))
        wide = struct.unpack_from(">h", self.head, 50)[0]
        places = np.frombuffer(tables["loca"], ">u4" if wide else ">u2").astype(int) * (1 if wide else 2)
        long_metrics = struct.unpack_from(">H", self.hhea, 34)[0]
        metrics = np.frombuffer(tables["hmtx"], ">i2", 2 * long_metrics).reshape(-1, 2)
        rest = np.frombuffer(tables["hmtx"], ">i2", offset=4 * long_metrics)
        last = np.full(len(rest), metrics[-1, 0] if long_metrics else 0)
        self._loca: list[int] = places.tolist()  # a list, since numpy is slow for single items
        self._advance: list[int] = np.concatenate([metrics[:, 0], last]).tolist()
        self._bearing: list[int] = np.concatenate([metrics[:, 1], rest]).tolist()
        self.glyphs = _cmap(tables["cmap"])

    def advance(self, char: str) -> int:
        """The width of a character that the font has, in thousandths of an em."""
        return self._advance[self.glyphs[ord(char)]]

    def outline(self, char: str) -> bytes:
        """A character's outline, as the bytes of the file."""
        number = self.glyphs[ord(char)]
        return self._glyf[self._loca[number] : self._loca[number + 1]]

    def metrics(self, char: str) -> tuple[int, int]:
        """A character's advance and left side bearing."""
        number = self.glyphs[ord(char)]
        return self._advance[number], self._bearing[number]


@cache
def face(weight: str) -> Face:
    """The font of a weight, `text` or `bold`.

    Raises:
        SettingsError: the fonts are not installed.
    """
    require_fonts()
    return Face(FONTS / f"{weight}.ttf")


def require_fonts() -> None:
    """Check that the fonts are installed. Call it before a print is counted or a file is read.

    Raises:
        SettingsError: the fonts are not installed.
    """
    if not all((FONTS / f"{weight}.ttf").is_file() for weight in ("text", "bold")):
        raise SettingsError(
            "the label fonts are not installed. In a checkout of waybill-masking: pip install ./print_templates/fonts"
            ' (elsewhere: the wheel waybill_masking_fonts; see "Installing" in README.md)'
        )


@cache
def glyph(char: str, weight: str) -> Glyph:
    """The glyph of a character in a weight, from the weight `text` if bold lacks it.

    Raises:
        KeyError: no font has the character, which can't happen for `printable` strings.
    """
    for have in (weight, "text"):
        if ord(char) in face(have).glyphs:
            return Glyph(have, face(have).advance(char))
    raise KeyError(char)


def subset(used: Sequence[Drawn]) -> bytes:
    """Make a TrueType file with an empty `.notdef` and these characters as glyphs 1, 2, 3 ... in this order."""
    faces = [face(weight) for weight in sorted({weight for weight, _ in used})]
    outlines = [b"", *(face(weight).outline(char) for weight, char in used)]
    metrics = np.array([(EM, 0), *(face(weight).metrics(char) for weight, char in used)], ">i2")
    offsets = np.cumsum([0, *map(len, outlines)])
    wide = bool(offsets[-1] >= 1 << 17 or (offsets % 2).any())
    count = struct.pack(">H", len(outlines))
    return _sfnt(
        {
            "glyf": b"".join(outlines),
            "head": _head([each.head for each in faces], wide=wide),
            "hhea": faces[0].hhea[:34] + count,
            "hmtx": metrics.tobytes(),
            "loca": offsets.astype(">u4").tobytes() if wide else (offsets // 2).astype(">u2").tobytes(),
            "maxp": faces[0].maxp[:4]
            + count
            + np.max([np.frombuffer(f.maxp, ">u2")[3:] for f in faces], axis=0).tobytes(),
        }
    )


def _head(heads: list[bytes], *, wide: bool) -> bytes:
    """The `head` table for glyphs of several fonts, with a box that holds all of theirs and the form of `loca`."""
    made = bytearray(heads[0])
    boxes = np.array([struct.unpack_from(">4h", head, 36) for head in heads])
    struct.pack_into(">4h", made, 36, *boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    struct.pack_into(">I", made, 8, 0)  # the file's checksum is not checked inside a PDF
    struct.pack_into(">h", made, 50, wide)
    return bytes(made)


class _Advances(dict[str, int]):
    """Advances by character, each looked up once."""

    def __init__(self, weight: str) -> None:
        super().__init__()
        self._weight = weight

    def __missing__(self, char: str) -> int:
        self[char] = found = glyph(char, self._weight).advance
        return found


@cache
def advances(weight: str) -> Mapping[str, int]:
    """The advance of every printable character in a weight, in thousandths of an em."""
    return _Advances(weight)


@cache
def repertoire(weight: str) -> frozenset[str]:
    """The characters that a weight's own font has."""
    return frozenset(map(chr, face(weight).glyphs))


def printable(text: Masked) -> Masked:
    """The printable form of a masked string, with its hidden spans moved along.

    Line ends and tabs become spaces. A character that no font has becomes `GETA`, one for a whole emoji sequence. Invisible
    characters (joiners, variation selectors, direction marks) are dropped.
    """
    known = repertoire("text")
    if known.issuperset(text.text):
        return text
    shown: list[str] = []
    places = [0] * (len(text.text) + 1)  # the position of each original character in the printable form
    length = 0
    for cluster in _CLUSTER.finditer(text.text):
        char = cluster[0][0]
        places[cluster.start() : cluster.end()] = [length] * len(cluster[0])
        if char in known or char.isspace():
            shown.append(char if char in known else " ")
        elif not (unicodedata.category(char) == "Cf" or _SELECTOR.match(char)):
            shown.append(GETA)
        length = len(shown)
    places[-1] = length
    return Masked("".join(shown), tuple((places[start], places[end]) for start, end in text.hidden))


def _cmap(table: bytes) -> dict[int, int]:
    """Code point -> glyph number, from the subtable of format 12, which covers code points beyond U+FFFF."""
    count = struct.unpack_from(">H", table, 2)[0]
    offsets = [struct.unpack_from(">HHI", table, 4 + 8 * n)[2] for n in range(count)]
    start = next(offset for offset in offsets if struct.unpack_from(">H", table, offset)[0] == 12)
    groups = np.frombuffer(table, ">u4", 3 * struct.unpack_from(">I", table, start + 12)[0], start + 16).reshape(-1, 3)
    found: dict[int, int] = {}
    for first, last, glyph_id in groups.tolist():
        found.update(zip(range(first, last + 1), range(glyph_id, glyph_id + last - first + 1), strict=True))
    return found


def _sfnt(tables: dict[str, bytes]) -> bytes:
    """Assemble a font file from tables, with their checksums."""
    power = 1 << (len(tables).bit_length() - 1)
    head = struct.pack(">IHHHH", 0x10000, len(tables), power * 16, power.bit_length() - 1, (len(tables) - power) * 16)
    entries, bodies, offset = [], [], 12 + 16 * len(tables)
    for tag, body in sorted(tables.items()):
        padded = body + bytes(-len(body) % 4)
        total = int(np.frombuffer(padded, ">u4").sum(dtype=np.uint64)) & 0xFFFFFFFF
        entries.append(struct.pack(">4sIII", tag.encode(), total, offset, len(body)))
        bodies.append(padded)
        offset += len(padded)
    return head + b"".join(entries) + b"".join(bodies)
