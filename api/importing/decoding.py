"""Detects a text file's encoding by its byte order mark, or else as UTF-16, UTF-8 or GB 18030.

A file with a few damaged characters keeps the encoding of the rest, so that only the damaged rows are rejected. UTF-8
is tried before GB 18030, which would accept it and turn every address into other characters.
"""

from __future__ import annotations

import codecs
from pathlib import Path

from masking.errors import InputError

DAMAGED = "\ufffd"
"""The character that replaces undecodable bytes."""

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHUNK = 1 << 20


def encoding_of(path: Path) -> str:
    """The encoding to open the file with (`errors="replace"`). Reads the file once, in pieces.

    Raises:
        InputError: the file is not text, or in another encoding.
    """
    with path.open("rb") as file:
        head = file.read(4096)
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding
    zeros = [sum(not byte for byte in head[start::2]) for start in (0, 1)]
    if any(zeros):
        if min(zeros) * 8 > max(zeros):
            raise InputError("file", "not-a-table-of-text")
        return "utf-16-le" if zeros[1] > zeros[0] else "utf-16-be"
    for encoding in ("utf-8", "gb18030"):
        damaged, sound = _damage(path, encoding)
        if damaged * 4 <= sound:  # GB 18030 read as UTF-8 is damaged at nine characters of ten
            return encoding
    raise InputError("file", "not-text-in-utf-8-gb-18030-or-utf-16")


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
