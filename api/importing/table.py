"""Reads text files, workbooks and web pages as rows of text. A file has several possible readings, each a `Reading`.

Rows are numbered from 1 as in a spreadsheet. Numbers are as they were typed. If the spreadsheet has already lost digits,
they are like `2.38E+17`, which is rejected later. A reading can be read again.
"""

from __future__ import annotations

import csv
import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import final

from masking.errors import InputError

from ..terminal import one_line
from .decoding import encodings_of, lines_of
from .web_page import charset_of, rows_of
from .workbook import open_workbook

Row = tuple[int, list[str]]

HEAD = 20
"""The number of first rows in which headers are searched."""

DELIMITERS = {",": "comma", "\t": "tab", ";": "semicolon", "|": "pipe"}
_MOST_LINES = 100  # of text in one row; more means a quote that is not closed
_COMPOUND_FILE, _ZIP = b"\xd0\xcf\x11\xe0", b"PK"


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a file: as text with a delimiter and an encoding, as a web page, or as a sheet of a workbook."""

    path: Path
    source: Callable[[], Iterator[Row]] = field(repr=False, compare=False)
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    kind: str = "CSV"
    hidden: frozenset[int] = frozenset()
    """The rows that the spreadsheet does not show, as far as its format says so (XLSX)."""

    def rows(self) -> Iterator[Row]:
        """Every row from the top, including blank ones.

        Raises:
            InputError: the file is not a table from that row on.
        """
        return self.source()

    def head(self) -> list[Row]:
        """The first rows, where the headers are."""
        return list(itertools.islice(self.rows(), HEAD))

    def __str__(self) -> str:
        if self.sheet:
            return f"{self.kind}, sheet {one_line(self.sheet)}"
        delimiter = DELIMITERS.get(self.delimiter, self.delimiter)
        return f"{self.kind}, {self.encoding}, {delimiter}" if delimiter else f"{self.kind}, {self.encoding}"


def readings(path: Path, *, encoding: str | None = None, delimiter: str | None = None) -> list[Reading]:
    """All possible readings of a file, by its content and not its name, or those with this encoding and delimiter.

    Raises:
        InputError: there is no such file, or it is no table. The rule says what to do.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(4096)
    except OSError as error:
        raise InputError("file", f"can't be read: {error.strerror}") from error
    if not magic:
        raise InputError("file", "empty")
    if encoding is None and magic.startswith((_COMPOUND_FILE, _ZIP)):
        return _sheets(path)
    encodings = [_known(encoding)] if encoding else None
    start = magic.lstrip(b"\xef\xbb\xbf\xff\xfe \t\r\n\0")
    if start.startswith(b"<") and not delimiter:
        named = charset_of(magic)
        encodings = encodings or [named if named and _is_known(named) else encodings_of(path)[0]]
        return [
            Reading(path=path, source=partial(_page_rows, path, each), encoding=each, kind="web page")
            for each in encodings
        ]
    return [
        Reading(path=path, source=partial(source, path, each, sign), encoding=each, delimiter=sign)
        for each in encodings or encodings_of(path)
        for source in (_text_rows, _unwrapped_rows)
        for sign in ([delimiter] if delimiter else DELIMITERS)
    ]


def _sheets(path: Path) -> list[Reading]:
    book = open_workbook(path)
    if not book.sheets:
        raise InputError("file", "has no sheet")
    return [
        Reading(
            path=path,
            source=partial(book.rows, sheet),
            sheet=sheet,
            kind=book.kind,
            hidden=frozenset(book.facts(sheet).hidden),
        )
        for sheet in book.sheets
    ]


def _known(encoding: str) -> str:
    if not _is_known(encoding):
        raise InputError("--encoding", "not an encoding: give utf-8, gb18030, big5 or utf-16")
    return "gb18030" if encoding.lower() in {"gbk", "gb2312"} else encoding


def _is_known(encoding: str) -> bool:
    try:
        return isinstance("".encode(encoding), bytes)
    except (LookupError, ValueError):
        return False


def _text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    number = 0
    try:
        lines, reader = 0, csv.reader(lines_of(path, encoding), delimiter=delimiter)
        for number, cells in enumerate(reader, 1):
            if reader.line_num - lines > _MOST_LINES:
                raise InputError("file", "a quote is opened and not closed", row=number)
            lines = reader.line_num
            yield number, cells
    except csv.Error:
        raise InputError("file", "a quote is opened and not closed", row=number + 1) from None


def _unwrapped_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    """The rows of a file in which each whole line is quoted, so that it is one cell that holds all others."""
    for number, cells in _text_rows(path, encoding, delimiter):
        alone = len(cells) == 1 and delimiter in cells[0]
        yield number, next(csv.reader(cells, delimiter=delimiter), []) if alone else cells


def _page_rows(path: Path, encoding: str) -> Iterator[Row]:
    return enumerate(rows_of(lines_of(path, encoding)), 1)
