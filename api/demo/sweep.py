"""Looks for canaries: texts that may stand nowhere in what the deployment leaves behind, in any encoding.

A search that finds nothing proves something only where it would have found: each medium is first given a planted
plaintext, and the sweep fails if it does not find that.
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
    """The byte forms under which a text could lie about, by name; base64 at each of its three alignments."""
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
    """The (canary, form) pairs that stand in these bytes."""
    return [(canary, name) for canary in canaries for name, form in forms(canary).items() if form and form in blob]


def bytes_of(path: Path) -> bytes:
    """Everything searchable in a file: its bytes; for a PDF also its streams, decompressed, and its text."""
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
    """A copy of a medium, as bytes, with a plaintext planted in the way that medium would hold one."""
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
