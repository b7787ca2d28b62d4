"""Detects a text file's encoding by its byte order mark, or else as UTF-16, UTF-8, GB 18030 or Big5, and reads its lines.

A file with a few damaged characters keeps the encoding of the rest, so that only the damaged rows are rejected. UTF-8
is tried before GB 18030, which would accept it and turn every address into other characters. Big5 can't be told from
GB 18030 by its bytes: the caller compares what the headers mean.
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from pathlib import Path

from masking.errors import InputError

DAMAGED = "\ufffd"
"""The character that replaces undecodable bytes."""
MIXED = "utf-8 and gb18030"
"""A file in which some lines are UTF-8 and others GB 18030, as two exports that were joined."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20
_ZEROS = 8  # one byte of so many is zero in UTF-16; fewer are strays in another encoding
_DAMAGED = 4  # GB 18030 read as UTF-8 is damaged at nine characters of ten
_BIG5 = "big5hkscs"


def encodings_of(path: Path) -> list[str]:
    """The encodings that the file may have, for `lines_of`. Reads the file once for each, in pieces.

    Raises:
        InputError: the file is not text, or in another encoding.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return [encoding]
    zeros = [sum(not byte for byte in head[start::2]) for start in (0, 1)]
    if sum(zeros) * _ZEROS > len(head):
        if min(zeros) * 8 > max(zeros):
            raise InputError("file", "not-a-table-of-text")
        return ["utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"]
    if any(byte < 9 and byte for byte in head[:64]):
        raise InputError("file", "not-a-table-of-text")
    damaged, sound = _damage(path, "utf-8")
    if not damaged:
        return ["utf-8"]
    if damaged * _DAMAGED <= sound:
        return [MIXED]
    with path.open("rb") as raw:
        if any(_is_chinese_utf_8(line) for line in raw):
            return [MIXED]
    found = [encoding for encoding in ("gb18030", _BIG5) if _fits(path, encoding)]
    if not found:
        raise InputError(
            "file", "neither UTF-8, GB 18030, Big5 nor UTF-16: name its encoding with --encoding, or save it as UTF-8"
        )
    return found


def lines_of(path: Path, encoding: str) -> Iterator[str]:
    """The lines of a text, without NULs and byte order marks inside it. `DAMAGED` takes the place of what can't be read."""
    if encoding == MIXED:
        with path.open("rb") as raw:
            yield from (_either(line).replace("\0", "") for many in raw for line in many.splitlines(keepends=True))
        return
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        first = True
        for line in file:
            yield (line.lstrip("\ufeff") if first else line).replace("\0", "")
            first = False


def _is_chinese_utf_8(line: bytes) -> bool:
    """Whether a line is Chinese in UTF-8. GB 18030 read as UTF-8 by chance gives Greek, Cyrillic or Hebrew letters."""
    if line.isascii():
        return False
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return sum("\u2e80" <= char <= "\uffef" for char in text) * 2 > sum(char > "\x7f" for char in text)


def _either(line: bytes) -> str:
    """A line that is UTF-8 or GB 18030; of a line that is neither, what can be read as UTF-8."""
    if line.isascii() or _is_chinese_utf_8(line):
        return line.decode("utf-8")
    text = line.decode("utf-8", "replace")
    damaged = text.count(DAMAGED)
    sound = sum(char > "\x7f" for char in text) - damaged
    if damaged and damaged * _DAMAGED <= sound:
        return text
    try:
        return line.decode("gb18030")
    except UnicodeDecodeError:
        return text


def _fits(path: Path, encoding: str) -> bool:
    damaged, sound = _damage(path, encoding)
    return damaged * _DAMAGED <= sound


def _damage(path: Path, encoding: str) -> tuple[int, int]:
    """The numbers of damaged and of valid characters beyond ASCII in this encoding."""
    damaged = beyond = 0
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with path.open("rb") as file:
        while True:
            chunk = file.read(_CHUNK)
            text = decoder.decode(chunk, final=not chunk)
            damaged += text.count(DAMAGED)
            if not text.isascii():
                beyond += len(text) - len(text.encode("ascii", "ignore"))
            if not chunk:
                return damaged, beyond - damaged
