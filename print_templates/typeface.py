"""The two fonts that labels are set in: what they can draw, how wide it is, and small copies of them for a PDF.

The files in `fonts/` are TrueType without hinting, layout tables or composite glyphs (`scripts/make_fonts.py`), so that a
glyph is a slice of bytes: a copy for a document is made without interpreting outlines. A character that a font lacks
draws as nothing or as a box; ask `faces` first, always.
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
from masking.waybill import Masked

FONTS = Path(__file__).parent / "fonts"
EM = 1000
"""Units of an em in both fonts; advances are given in it."""
ASCENT, DESCENT = 880, 120
"""The square that a Chinese character fills, above and below the baseline."""
GETA = "〓"
"""Stands for a character that no font has: the trade's old sign for missing type, which nobody takes for text."""
_SELECTORS = "\ufe00-\ufe0f\U000e0100-\U000e01ef"
_SELECTOR = re.compile(f"[{_SELECTORS}]")
_ALTERED = rf"[{_SELECTORS}\u20e3\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]*"
"""What alters the picture before it: selectors, a key's frame, tones of skin, tags."""
_CLUSTER = re.compile(
    rf"[\U0001f1e6-\U0001f1ff]{{2}}|.{_ALTERED}(?:\u200d[\u2190-\u2bff\U0001f000-\U0001faff]{_ALTERED})*", re.DOTALL
)
"""A character with what alters it and is joined to it, or a flag, which is two letters: one sign to a reader."""


class Glyph(NamedTuple):
    """Where a character is drawn from: the weight that has it, and its advance in thousandths of an em."""

    weight: str
    advance: int


class Drawn(NamedTuple):
    """A character as it is drawn: one that bold lacks is drawn in the weight `text`."""

    weight: str
    char: str


class Face:
    """One font file, read once, never changed: safe to share between threads."""

    def __init__(self, path: Path) -> None:
        """Read `path`, as `scripts/make_fonts.py` writes them."""
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
        self._loca: list[int] = places.tolist()  # asked for one by one, where numpy is slow
        self._advance: list[int] = np.concatenate([metrics[:, 0], last]).tolist()
        self._bearing: list[int] = np.concatenate([metrics[:, 1], rest]).tolist()
        self.glyphs = _cmap(tables["cmap"])

    def advance(self, char: str) -> int:
        """The width of a character that the font has, in thousandths of an em."""
        return self._advance[self.glyphs[ord(char)]]

    def outline(self, char: str) -> bytes:
        """A character's outline, as it stands in the file."""
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
    """Check that the fonts are installed, before anything is done that a label without them would waste.

    Raises:
        SettingsError: they are not.
    """
    if not all((FONTS / f"{weight}.ttf").is_file() for weight in ("text", "bold")):
        raise SettingsError(
            "the label fonts are not installed. In a checkout of waybill-masking: pip install ./print_templates/fonts"
            ' (elsewhere: the wheel waybill_masking_fonts; see "Installing" in README.md)'
        )


@cache
def glyph(char: str, weight: str) -> Glyph:
    """How a character is drawn in a weight; one that bold lacks is drawn in text.

    Raises:
        KeyError: no font has it; `printable` texts have no such characters.
    """
    for have in (weight, "text"):
        if ord(char) in face(have).glyphs:
            return Glyph(have, face(have).advance(char))
    raise KeyError(char)


def subset(used: Sequence[Drawn]) -> bytes:
    """A TrueType file of an empty `.notdef` and these characters, which become glyphs 1, 2, 3 ... in this order."""
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
    """One font's header for glyphs of several: a box that holds all of theirs, and the form of `loca`."""
    made = bytearray(heads[0])
    boxes = np.array([struct.unpack_from(">4h", head, 36) for head in heads])
    struct.pack_into(">4h", made, 36, *boxes[:, :2].min(axis=0), *boxes[:, 2:].max(axis=0))
    struct.pack_into(">I", made, 8, 0)  # the file's own checksum is not looked at inside a PDF
    struct.pack_into(">h", made, 50, wide)
    return bytes(made)


class _Advances(dict[str, int]):
    """Advances by character, looked up once each."""

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
    """A text as it will be printed: line ends and tabs as blanks, what is in no font as `GETA`, one for a whole emoji sequence.

    Characters that are invisible by themselves (joiners, variation selectors, marks of direction) are left out.
    """
    known = repertoire("text")
    if known.issuperset(text.text):
        return text
    shown: list[str] = []
    places = [0] * (len(text.text) + 1)  # where each character of the original stands in what is shown
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
    """Code point -> glyph number, from the subtable of format 12, which reaches beyond the first 65,536."""
    count = struct.unpack_from(">H", table, 2)[0]
    offsets = [struct.unpack_from(">HHI", table, 4 + 8 * n)[2] for n in range(count)]
    start = next(offset for offset in offsets if struct.unpack_from(">H", table, offset)[0] == 12)
    groups = np.frombuffer(table, ">u4", 3 * struct.unpack_from(">I", table, start + 12)[0], start + 16).reshape(-1, 3)
    found: dict[int, int] = {}
    for first, last, glyph_id in groups.tolist():
        found.update(zip(range(first, last + 1), range(glyph_id, glyph_id + last - first + 1), strict=True))
    return found


def _sfnt(tables: dict[str, bytes]) -> bytes:
    """A font file of these tables, each with its checksum."""
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
