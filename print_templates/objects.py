"""Scan of a PDF file's objects: all strings outside the page text, and all parts in which a label could hide data.

It visits every object of the file, referenced or not: metadata, bookmarks, annotations, form fields, names and marked
content. A label needs no attachment, script, layer or form, so a file with one is reported as unreadable.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, final

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ContentStream, DictionaryObject, IndirectObject, StreamObject

_REASONS = {
    "/EmbeddedFiles": "attachment",
    "/EmbeddedFile": "attachment",
    "/EF": "attachment",
    "/AF": "attachment",
    "/JS": "script",
    "/JavaScript": "script",
    "/OCProperties": "hidden-layers",
    "/OC": "hidden-layers",
    "/AcroForm": "form",
    "/XFA": "form",
    "/AP": "drawn-annotation",
    "/RichMedia": "media",
    "/Movie": "media",
    "/Sound": "media",
    "/3D": "media",
    "/Encrypt": "encrypted",
}
"""Dictionary keys that a label doesn't need -> the reason word for them."""
_SHOWN = {b"Tj", b"TJ", b"'", b'"', b"INLINE IMAGE"}
"""Operators whose operands are glyph codes or dots. The page's text layer and symbols are read for those."""
_COMMENT = re.compile(rb"%[^\r\n]*")
_TELLING = re.compile(r"[^\x00-\x7f]|\d{5,}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Contents:
    """The strings of a file. `unreadable` lists, as words, the reasons why it may hold more."""

    texts: list[str]
    unreadable: list[str]


def read_objects(data: bytes) -> Contents:
    """Scan a PDF file. A part that can't be parsed makes the file unreadable."""
    walk = _Walk()
    if data.count(b"%%EOF") != 1 or data.rstrip()[-5:] != b"%%EOF" or not data.startswith(b"%PDF-"):
        walk.unreadable.append("earlier-versions-or-added-bytes")
    try:
        reader = PdfReader(io.BytesIO(data), strict=False)
        walk.all_of(reader)
    except (PyPdfError, ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError, OSError):
        walk.unreadable.append("damaged-objects")
    return Contents(texts=list(dict.fromkeys(walk.texts)), unreadable=list(dict.fromkeys(walk.unreadable)))


class _Walk:
    def __init__(self) -> None:
        self.texts: list[str] = []
        self.unreadable: list[str] = []
        self._contents: set[int] = set()

    def all_of(self, reader: PdfReader) -> None:
        for page in reader.pages:
            contents = page.get("/Contents")
            inner = contents.get_object() if contents is not None else []
            parts = [contents] if isinstance(inner, StreamObject) else inner
            self._contents |= {part.idnum for part in parts if isinstance(part, IndirectObject)}
        self._take(reader.trailer)
        numbers = {(n, generation) for generation, table in reader.xref.items() for n in table}
        for n, generation in numbers | {(n, 0) for n in reader.xref_objStm}:
            found = reader.get_object(IndirectObject(n, generation, reader))
            if isinstance(found, StreamObject):
                self._stream(found, reader, is_content=n in self._contents)
            self._take(found)

    def _take(self, value: Any) -> None:
        """Collect the strings and the suspicious names of a value. Referenced objects are visited by number."""
        if isinstance(value, DictionaryObject):
            self.unreadable += [_REASONS[key] for key in value if key in _REASONS]
            if value.get("/Type") == "/Font" and value.get("/Subtype") not in {"/CIDFontType0", "/CIDFontType2"}:
                self.unreadable += ["font-without-unicode"] * ("/ToUnicode" not in value)
                self.unreadable += ["font-of-drawings"] * (value.get("/Subtype") == "/Type3")
            for key, each in value.items():
                self._take(key)
                self._take(each)
        elif isinstance(value, list):
            for each in value:
                self._take(each)
        elif isinstance(value, bytes):
            self.texts += _decoded(value)
        elif isinstance(value, str) and (not value.startswith("/") or _TELLING.search(value)):
            self.texts += value.splitlines()

    def _stream(self, stream: StreamObject, reader: PdfReader, *, is_content: bool) -> None:
        kind = stream.get("/Subtype")
        if kind == "/Image" or stream.get("/Type") in {"/XRef", "/ObjStm"} or "/Length1" in stream:
            return  # pictures are checked on the drawn page, and fonts through their Unicode map
        data = stream.get_data()
        if is_content or kind == "/Form":
            for operands, operator in ContentStream(stream, reader).operations:
                if operator not in _SHOWN:
                    self._take(operands)
            self.texts += [line for comment in _COMMENT.findall(data) for line in _decoded(comment)]
        else:
            self.texts += [line for line in _decoded(data) if _TELLING.search(line)]


def _decoded(data: bytes) -> Iterator[str]:
    """Decode bytes in the first encoding that they are valid in, and yield the lines."""
    for encoding in ("utf-16",) if data[:2] in {b"\xfe\xff", b"\xff\xfe"} else ("utf-8", "gb18030"):
        try:
            yield from data.decode(encoding).splitlines()
        except UnicodeDecodeError:
            continue
        return
