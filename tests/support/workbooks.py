"""Workbooks in every format that merchants have, each made by another program than the one that reads them."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msoffcrypto.format.ooxml
import openpyxl
import xlwt
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P

Cells = Sequence[Sequence[Any]]


def xlsx(rows: Cells, change: Callable[[Any], None] | None = None) -> bytes:
    """An XLSX; `change` may format its sheet."""
    book = openpyxl.Workbook()
    for row in rows:
        book.active.append(list(row))
    if change:
        change(book.active)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def xls(rows: Cells) -> bytes:
    """A workbook in the format before 2007 (BIFF8)."""
    book = xlwt.Workbook()
    sheet = book.add_sheet("订单")
    for at, row in enumerate(rows):
        for column, value in enumerate(row):
            if value is not None:
                sheet.write(at, column, value)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def ods(rows: Cells, empty_rows_below: int = 1_000_000) -> bytes:
    """An OpenDocument spreadsheet, with the run of empty rows that office programs write below the last one."""
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="订单")
    for row in rows:
        line = TableRow()
        for value in row:
            if value is None:
                cell = TableCell()
            elif isinstance(value, str):
                cell = TableCell(valuetype="string")
            else:
                cell = TableCell(valuetype="float", value=value)
            if value is not None:
                cell.addElement(P(text=str(value)))
            line.addElement(cell)
        sheet.addElement(line)
    empty = TableRow(numberrowsrepeated=empty_rows_below)
    empty.addElement(TableCell(numbercolumnsrepeated=16_384))
    sheet.addElement(empty)
    document.spreadsheet.addElement(sheet)
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


def xlsb(rows: Cells, first_row: int = 0) -> bytes:
    """A binary workbook ([MS-XLSB]) with the fewest records that hold these cells."""
    last = first_row + len(rows) - 1
    widest = max(map(len, rows)) - 1
    sheet = _record(129) + _record(148, struct.pack("<IIII", first_row, last, 0, widest)) + _record(145)
    for at, row in enumerate(rows, first_row):
        sheet += _record(0, struct.pack("<IIHBBIII", at, 0, 300, 0, 0, 1, 0, max(0, len(row) - 1)))
        for column, value in enumerate(row):
            if value is None:
                continue
            where = struct.pack("<II", column, 0)
            sheet += (
                _record(6, where + _wide(value))
                if isinstance(value, str)
                else _record(5, where + struct.pack("<d", value))
            )
    sheet += _record(146) + _record(130)
    book = _record(131) + _record(143) + _record(156, struct.pack("<II", 0, 1) + _wide("rId1") + _wide("订单"))
    book += _record(144) + _record(132)
    types = "application/vnd.ms-excel."
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(
            "[Content_Types].xml",
            '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Override PartName="/xl/workbook.bin" ContentType="{types}sheet.binary.macroEnabled.main"/>'
            f'<Override PartName="/xl/worksheets/sheet1.bin" ContentType="{types}worksheet"/></Types>',
        )
        archive.writestr("_rels/.rels", _relation("officeDocument", "xl/workbook.bin"))
        archive.writestr("xl/_rels/workbook.bin.rels", _relation("worksheet", "worksheets/sheet1.bin"))
        archive.writestr("xl/workbook.bin", book)
        archive.writestr("xl/worksheets/sheet1.bin", sheet)
    return file.getvalue()


def locked(workbook: bytes, password: str = "secret") -> bytes:
    """An XLSX locked by a password."""
    file = io.BytesIO()
    msoffcrypto.format.ooxml.OOXMLFile(io.BytesIO(workbook)).encrypt(password, file)
    return file.getvalue()


def repacked(
    workbook: bytes, content: Callable[[str, bytes], bytes] = lambda _, data: data, name: Callable[[str], str] = str
) -> bytes:
    """A packed workbook with the content or the names of its parts changed."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(workbook)) as old, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.infolist():
            new.writestr(name(part.filename), content(part.filename, old.read(part)))
    return file.getvalue()


def written(folder: Path, name: str, data: bytes) -> Path:
    """A file with this content."""
    path = folder / name
    path.write_bytes(data)
    return path


def _record(kind: int, data: bytes = b"") -> bytes:
    """A record of MS-XLSB: kind and size in seven bits a byte, then the data."""
    return _varint(kind) + _varint(len(data)) + data


def _varint(number: int) -> bytes:
    out = bytearray()
    while True:
        out.append((number & 0x7F) | (0x80 if number > 0x7F else 0))
        number >>= 7
        if not number:
            return bytes(out)


def _wide(text: str) -> bytes:
    data = text.encode("utf-16-le")
    return struct.pack("<I", len(data) // 2) + data


def _relation(kind: str, target: str) -> str:
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    return (
        '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
        f'<Relationship Id="rId1" Type="{office}/{kind}" Target="{target}"/></Relationships>'
    )
