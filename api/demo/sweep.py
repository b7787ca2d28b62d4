"""Searches files for canaries: strings that must not occur in any encoding.

A search without hits proves something only if it can find the string. So a known string is first planted in a copy of
each file, and the sweep fails if it is not found.
"""

from __future__ import annotations

import base64
import re
import sqlite3
import zlib
from collections.abc import Iterable
from pathlib import Path

from print_templates.read import read_pdf

SHORTEST = 4
"""Characters; a shorter canary would be found by chance."""


def forms(text: str) -> dict[str, bytes]:
    """The byte encodings in which a string could be stored, by name; base64 at each of its three alignments."""
    if len(text) < SHORTEST:
        raise ValueError("a canary needs at least four characters")
    plain = {name: text.encode(name) for name in ("utf-8", "gb18030", "utf-16-le", "utf-16-be")}
    found = dict(plain)
    for name, raw in plain.items():
        for lead in range(3):
            code = base64.b64encode(b"\0" * lead + raw)
            first, last = (0, 2, 3)[lead], len(code) - (0 if (len(raw) + lead) % 3 == 0 else 4)
            found[f"base64 of {name}, {lead}"] = code[first:last]
    found["hex of utf-8"] = plain["utf-8"].hex().encode()
    found["JSON escapes"] = text.encode("ascii", "backslashreplace")
    return found


def hits(blob: bytes, canaries: Iterable[str]) -> list[tuple[str, str]]:
    """The (canary, encoding) pairs that occur in these bytes."""
    return [(canary, name) for canary in canaries for name, form in forms(canary).items() if form and form in blob]


def bytes_of(path: Path) -> bytes:
    """The searchable content of a file: its bytes, and for a PDF also its decompressed streams and its text."""
    raw = path.read_bytes()
    if path.suffix != ".pdf":
        return raw
    parts = [raw]
    for match in re.finditer(rb"stream\r?\n(.*?)endstream", raw, re.DOTALL):
        body = match.group(1)
        for candidate in (body, _ascii85(body)):
            try:
                parts.append(zlib.decompressobj().decompress(candidate))
            except zlib.error:
                continue
    parts += [text.encode() for page in read_pdf(raw) for text in page.texts]
    return b"\n".join(parts)


def _ascii85(body: bytes) -> bytes:
    try:
        return base64.a85decode(body.strip(), adobe=body.strip().startswith(b"<~")) if b"~>" in body else body
    except ValueError:
        return body


def plant(path: Path, text: str) -> bytes:
    """The bytes of a copy of a file in which a string is planted, in the way in which such a file holds text."""
    if path.suffix == ".sqlite":
        copy = path.with_suffix(".planted")
        copy.write_bytes(path.read_bytes())
        connection = sqlite3.connect(copy)
        with connection:
            connection.execute("CREATE TABLE planted (text TEXT)")
            connection.execute("INSERT INTO planted VALUES (?)", (text,))
        connection.close()
        found = copy.read_bytes()
        for leftover in path.parent.glob(copy.name + "*"):
            leftover.unlink()
        return found
    return bytes_of(path) + text.encode()
