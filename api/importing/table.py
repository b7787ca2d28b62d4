"""Reads CSV and XLSX files as rows of text. A file has several possible readings (delimiters, sheets), each a `Reading`.

Rows are numbered from 1 as in a spreadsheet. Numbers are as they were typed. If the spreadsheet has already lost digits,
they are like `2.38E+17`, which is rejected later. A reading streams, and can be streamed again.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import itertools
import math
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, final

from masking.errors import InputError, not_installed

from ..terminal import one_line, silent_libraries
from .decoding import encoding_of

Row = tuple[int, list[str]]

HEAD = 20
"""The number of first rows in which headers are searched."""

_DELIMITERS = (",", "\t", ";")
_MOST_LINES = 100  # of text in one row; more means a quote that is not closed
_MOST_PACKED = 256 << 20  # bytes of an XLSX
_MOST_UNPACKED = 2 << 30  # a million rows have about one gigabyte
_MOST_RATIO, _RATIO_FROM = 200, 64 << 20  # bytes unpacked for one packed, in a part of at least that many bytes
_MOST_STRINGS = 10_000_000  # a million rows of ten different texts
_MOST_ROWS = 1_048_576  # of a spreadsheet
_MOST_MISSING = 10_000  # rows that a sheet leaves out between two others; a reader makes each of them
_EXACT = 10**15  # spreadsheets keep fifteen digits of a number


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """One way to read a file: with a delimiter and an encoding (CSV), or one of its sheets (XLSX)."""

    path: Path
    delimiter: str = ""
    encoding: str = ""
    sheet: str = ""
    book: Any = field(default=None, repr=False, compare=False)

    def rows(self) -> Iterator[Row]:
        """Every row from the top, including blank ones.

        Raises:
            InputError: the file is not a table from that row on.
        """
        if self.book:
            return _sheet_rows(self.book[self.sheet])
        return _text_rows(self.path, self.encoding, self.delimiter)

    def head(self) -> list[Row]:
        """The first rows, where the headers are."""
        return list(itertools.islice(self.rows(), HEAD))

    def __str__(self) -> str:
        if self.sheet:
            return f"XLSX, sheet {one_line(self.sheet)}"
        return f"CSV, {self.encoding}, {({',': 'comma', ';': 'semicolon'}).get(self.delimiter, 'tab')}"


def readings(path: Path) -> list[Reading]:
    """All possible readings of a file, by its content and not its name.

    Raises:
        InputError: there is no such file, or it is neither CSV nor XLSX. The rule says what to do.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(512)
    except OSError as error:
        raise InputError("file", f"can't be read: {error.strerror}") from error
    if not magic:
        raise InputError("file", "empty")
    if magic.startswith(b"\xd0\xcf\x11\xe0"):
        raise InputError("file", "an old .xls or a locked workbook: save it as .xlsx or .csv")
    if magic.startswith(b"PK"):
        book = _workbook(path)
        if not book.worksheets:
            raise InputError("file", "has no sheet")
        return [Reading(path=path, sheet=sheet.title, book=book) for sheet in book.worksheets]
    if magic.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise InputError("file", "a web page with a spreadsheet's name: open it and save it as .xlsx or .csv")
    encoding = encoding_of(path)
    return [Reading(path=path, encoding=encoding, delimiter=delimiter) for delimiter in _DELIMITERS]


def _text_rows(path: Path, encoding: str, delimiter: str) -> Iterator[Row]:
    with path.open(encoding=encoding, errors="replace", newline="") as file:
        number = 0
        try:
            lines, reader = 0, csv.reader(file, delimiter=delimiter)
            for number, cells in enumerate(reader, 1):
                if reader.line_num - lines > _MOST_LINES:
                    raise InputError("file", "a quote is opened and not closed", row=number)
                lines = reader.line_num
                yield number, cells
        except csv.Error as error:
            raise InputError("file", "a quote is opened and not closed", row=number + 1) from error


def _workbook(path: Path) -> Any:
    try:
        import openpyxl  # noqa: PLC0415  a quarter of a second that CSV files need not pay
    except ImportError as error:
        raise InputError("file", f"save it as .csv, or install what reads .xlsx: {not_installed(error)}") from error
    if path.stat().st_size > _MOST_PACKED:
        raise InputError("file", "larger than 256 MB: save it as .csv")
    packed = io.BytesIO(path.read_bytes())  # a copy, because it is read several times and may be saved meanwhile
    try:
        with zipfile.ZipFile(packed) as archive:
            _bound(archive)
        with silent_libraries():
            return openpyxl.load_workbook(packed, read_only=True, data_only=True)
    except InputError:
        raise
    except Exception:  # noqa: BLE001  the parser raises many kinds of exceptions, some of which repeat a cell
        raise InputError("file", "damaged, or not an .xlsx") from None


def _bound(archive: zipfile.ZipFile) -> None:
    """Refuse a workbook that would take too much memory or time. `zipfile` unpacks no more than the declared sizes."""
    parts = archive.infolist()
    if sum(part.file_size for part in parts) > _MOST_UNPACKED:
        raise InputError("file", "unpacks to more than 2 GB: split it, or save it as .csv")
    for part in parts:
        if part.file_size >= _RATIO_FROM and part.file_size > _MOST_RATIO * part.compress_size:
            raise InputError("file", "unpacks to more than 200 times its size: save it as .csv")
        if (
            part.filename.endswith("sharedStrings.xml")
            and part.file_size >= _RATIO_FROM
            and _strings(archive, part) > _MOST_STRINGS
        ):
            raise InputError("file", "has more than 10,000,000 different texts: split it, or save it as .csv")


def _strings(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """The number of shared strings of a workbook, counted without parsing."""
    with archive.open(part) as file:
        count, last = 0, b""
        while block := file.read(1 << 20):
            count += (last + block).count(b"<si")
            last = block[-2:]
        return count


def _sheet_rows(sheet: Any) -> Iterator[Row]:
    sheet.reset_dimensions()  # some exporters write wrong dimensions, with which rows would be missing
    number = missing = 0
    rows = iter(sheet.iter_rows(values_only=True))
    while True:
        try:
            with silent_libraries():
                values = next(rows, None)
        except Exception:  # noqa: BLE001  as above
            raise InputError("file", "damaged, or not an .xlsx", row=number + 1) from None
        if values is None:
            return
        number += 1
        missing = 0 if values else missing + 1
        if number > _MOST_ROWS:
            raise InputError("file", "a sheet has at most 1,048,576 rows", row=number)
        if missing > _MOST_MISSING:
            raise InputError(
                "file", "more than 10,000 rows are left out here: delete them, or save it as .csv", row=number
            )
        yield number, [value if type(value) is str else _text(value) for value in values]


def _text(value: Any) -> str:
    """A cell's text: whole numbers without a decimal point, numbers that lost digits in scientific notation."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        if abs(value) >= _EXACT:
            return f"{value:.2E}"
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, (dt.date, dt.datetime)):
        return value.isoformat()
    return str(value)
