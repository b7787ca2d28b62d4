"""Reads workbooks (.xlsx, .xls, .xlsb, .ods) with python-calamine, within bounds on memory.

calamine keeps a sheet as one rectangle from its first to its last cell. So a small file with a cell far away could take all
memory: the size of each sheet is read from the packed file first. The same look finds what calamine does not tell of an
XLSX: hidden rows, failed formulas, and numbers with zeros in front that are only part of their format.
"""

from __future__ import annotations

import datetime as dt
import io
import math
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, final

from masking.errors import InputError, not_installed

from .decoding import DAMAGED
from .sheet_facts import MOST_CELLS, SheetFacts, look_into, name_of, named_errors

MOST_PACKED = 256 << 20  # bytes
_EXACT = 10**15  # spreadsheets keep fifteen digits of a number


@final
class SpoiledNumber(str):
    """The text of a cell that a date's or a time's format has spoiled, if it was a number."""

    __slots__ = ()


@final
class Workbook:
    """An open workbook."""

    def __init__(self, book: Any, kind: str, facts: Mapping[str, SheetFacts]) -> None:
        self.kind = kind
        self._book = book
        self._facts = facts
        self._kept: tuple[str, Any] | None = None

    @property
    def sheets(self) -> list[str]:
        """The names of the sheets that a person sees; of all, if each is hidden."""
        sheets = [each for each in self._book.sheets_metadata if str(each.typ).endswith("WorkSheet")]
        return [each.name for each in sheets if str(each.visible).endswith(".Visible")] or [
            each.name for each in sheets
        ]

    def facts(self, sheet: str) -> SheetFacts:
        """What else is known of a sheet."""
        return self._facts.get(sheet, SheetFacts())

    def rows(self, sheet: str) -> Iterator[tuple[int, list[str]]]:
        """Every row of a sheet, from row 1.

        Raises:
            InputError: the sheet is damaged, or too large.
        """
        texts = self.facts(sheet).texts
        whole = self._sheet(sheet)
        number, rows = 0, iter(whole.iter_rows())
        while True:
            number += 1
            try:
                values = next(rows, None)
            except Exception:  # noqa: BLE001  a value that Python can't hold, such as a time of 10^9 days; the row is lost
                yield number, [DAMAGED] * whole.total_width
                continue
            if values is None:
                return
            cells = [value if type(value) is str else _text(value) for value in values]
            for column, text in texts.get(number, {}).items():
                if column < len(cells):
                    cells[column] = text
            yield number, cells

    def _sheet(self, name: str) -> Any:
        """The sheet, kept for the next reading of the same one."""
        if self._kept is None or self._kept[0] != name:
            with named_errors():
                self._kept = (name, self._book.get_sheet_by_name(name))
            sheet = self._kept[1]
            if sheet.total_height * sheet.total_width > MOST_CELLS:
                raise InputError("file", "a sheet has more than 30,000,000 cells: split it, or save it as .csv")
        return self._kept[1]


def open_workbook(path: Path) -> Workbook:
    """Open a workbook. It is read into memory, because it is read several times and may be saved meanwhile.

    Raises:
        InputError: it is locked by a password, damaged, or too large; or python-calamine is not installed.
    """
    try:
        import python_calamine  # noqa: PLC0415  an optional library, which CSV files don't need
    except ImportError as error:
        raise InputError("file", f"save it as .csv, or install what reads workbooks: {not_installed(error)}") from error
    if path.stat().st_size > MOST_PACKED:
        raise InputError("file", "larger than 256 MB: save it as .csv")
    packed = path.read_bytes()
    facts = look_into(packed) if packed.startswith(b"PK") else {}
    kind, locked = _kind_of(packed), InputError("file", "locked by a password: open it and save it without one")
    if kind == "XLS" and "EncryptedPackage".encode("utf-16-le") in packed:
        raise locked
    with named_errors():
        try:
            book = python_calamine.load_workbook(io.BytesIO(packed))
        except python_calamine.PasswordError:
            raise locked from None
        except python_calamine.CalamineError:
            if kind != "XLSX":
                raise
            book = python_calamine.load_workbook(io.BytesIO(_without_styles(packed)))
        return Workbook(book, kind, facts)


def _kind_of(packed: bytes) -> str:
    if not packed.startswith(b"PK"):
        return "XLS"
    return "ODS" if b"opendocument.spreadsheet" in packed[:200] else "XLSB" if b"workbook.bin" in packed else "XLSX"


def _text(value: Any) -> str:
    """A cell's text: whole numbers without a decimal point, numbers that lost digits in scientific notation."""
    if value is None:
        return ""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value):
        if abs(value) >= _EXACT:
            return f"{value:.2E}"
        return str(int(value)) if value == int(value) else repr(value)
    if isinstance(value, (dt.date, dt.time)):
        return SpoiledNumber(value.isoformat())
    return SpoiledNumber(value) if isinstance(value, dt.timedelta) else str(value)


def _without_styles(packed: bytes) -> bytes:
    """An XLSX with an empty table of styles, for one whose table can't be read. Only dates need it."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(packed)) as old, zipfile.ZipFile(out, "w") as new:
        for part in old.infolist():
            styles = name_of(part).endswith("xl/styles.xml")
            new.writestr(part.filename, _NO_STYLES if styles else old.read(part))
    return out.getvalue()


_NO_STYLES = b'<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"/>'
