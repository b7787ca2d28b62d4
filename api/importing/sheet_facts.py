"""What a packed workbook says about its sheets, read before and besides calamine: their size, and what calamine does not tell.

A sheet is one rectangle from its first to its last cell in memory. A small file with a cell far away could take all of it.
"""

from __future__ import annotations

import html
import io
import itertools
import re
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import final

from masking.errors import InputError

from ..terminal import silent_libraries

MOST_UNPACKED = 2 << 30  # a million rows have about one gigabyte
MOST_RATIO, RATIO_FROM = 200, 64 << 20  # bytes unpacked for one packed, in a part of at least that many bytes
MOST_STRINGS = 10_000_000  # a million rows of ten different texts
MOST_ROWS = 1_048_576  # of a spreadsheet
MOST_CELLS = 30_000_000  # of the rectangle; calamine takes about 100 bytes for each
_CHUNK = 4 << 20

_ROW = re.compile(rb"<(?:\w+:)?row\b([^<>]*)>")
_NUMBER_OF = re.compile(rb'\br="(\d{1,18})"')
_HIDDEN = re.compile(rb'\bhidden="(?:1|true)"')
_COLUMN = re.compile(rb'\br="([A-Z]{1,9})\d')
_CELL = re.compile(
    rb"<(?:\w+:)?c\b([^<>]*)>(?:<(?:\w+:)?f\b[^<>]*(?:(?<=/)>|>[^<]*</(?:\w+:)?f>))?(?:<(?:\w+:)?v>([^<]{0,40})<)?"
)
_PLACE = re.compile(rb'\br="([A-Z]{1,3})(\d{1,7})"')
_STYLE = re.compile(rb'\bs="(\d{1,6})"')
_FORMAT = re.compile(
    rb'<(?:\w+:)?numFmt\b[^<>]{0,99}?\bnumFmtId="(\d{1,9})"[^<>]{0,99}?\bformatCode="(0{2,20})(?:;[^"]{0,99})?"'
)
_FORMATS_OF_CELLS = re.compile(rb"<(/?)(?:\w+:)?cellXfs\b")
_FORMAT_OF_CELL = re.compile(rb'<(?:\w+:)?xf\b[^<>]{0,999}?\bnumFmtId="(\d{1,9})"')
_SHEET = re.compile(r"<(?:\w+:)?sheet\b([^<>]*)>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\b([^<>]*)>")
_ATTRIBUTE = re.compile(r'([\w:]+)\s*=\s*"([^"]*)"')
_ODS = re.compile(rb"<table:(table-row|table-cell|covered-table-cell|table)(?=[\s/>])([^<>]*)>")
_REPEATED = re.compile(rb'number-(?:rows|columns)-repeated="(\d{1,12})"')

DAMAGED_FILE = "damaged, or not a workbook"


@final
@dataclass(slots=True)
class SheetFacts:
    """What calamine does not tell of a sheet. Rows count from 1, columns from 0."""

    hidden: set[int] = field(default_factory=set)
    texts: dict[int, dict[int, str]] = field(default_factory=dict)
    """Other texts of cells: a failed formula's error, a number with its zeros."""


@contextmanager
def named_errors() -> Iterator[None]:
    """Name any error of the library by the file only: its message may repeat a cell."""
    try:
        with silent_libraries():
            yield
    except (InputError, KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException:  # noqa: BLE001  of many kinds on a damaged file; a panic of Rust is not even an Exception
        raise InputError("file", DAMAGED_FILE) from None


def name_of(part: zipfile.ZipInfo) -> str:
    """A part's name as a workbook means it: some programs write backslashes or capitals."""
    return part.filename.replace("\\", "/").lower()


def look_into(packed: bytes) -> dict[str, SheetFacts]:
    """The facts of each sheet of a packed workbook, by its name. Refuses one that would take too much memory or time.

    Raises:
        InputError: it is too large, or damaged.
    """
    with named_errors(), zipfile.ZipFile(io.BytesIO(packed)) as archive:
        parts = {name_of(part): part for part in archive.infolist()}
        _bound(archive, parts)
        padded = _padded_formats(archive, parts)
        found: dict[str, SheetFacts] = {}
        for name, part in parts.items():
            if name.endswith("content.xml") and "mimetype" in parts:
                _bound_ods(archive, part)
            elif "worksheets/" in name and name.endswith(".bin"):
                _bound_xlsb(archive.read(part))
            elif "worksheets/" in name and name.endswith(".xml"):
                found[name] = _look_at_sheet(archive, part, padded)
        return {title: found[name] for title, name in _sheets_of(archive, parts).items() if name in found}


def _bound(archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo]) -> None:
    """Check the declared sizes of all parts. `zipfile` unpacks no more than these."""
    if sum(part.file_size for part in parts.values()) > MOST_UNPACKED:
        raise InputError("file", "unpacks to more than 2 GB: split it, or save it as .csv")
    for name, part in parts.items():
        if part.file_size >= RATIO_FROM and part.file_size > MOST_RATIO * part.compress_size:
            raise InputError("file", "unpacks to more than 200 times its size: save it as .csv")
        if (
            name.endswith("sharedstrings.xml")
            and part.file_size >= RATIO_FROM
            and _strings(archive, part) > MOST_STRINGS
        ):
            raise InputError("file", "has more than 10,000,000 different texts: split it, or save it as .csv")


def _strings(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> int:
    """The number of shared strings of a workbook, counted without parsing."""
    return sum(block.count(b"<si") for block in _blocks(archive, part, b"<"))


def _blocks(archive: zipfile.ZipFile, part: zipfile.ZipInfo, start: bytes) -> Iterator[bytes]:
    """The content of a part in pieces, each but the first beginning with `start`."""
    with archive.open(part) as file:
        rest = b""
        while block := file.read(_CHUNK):
            block = rest + block
            cut = block.rfind(start, 1)
            rest = block[cut:] if cut > 0 else b""
            yield block[:cut] if cut > 0 else block
        yield rest


def check_size(rows: int, columns: int) -> None:
    """Refuse a sheet that would take too much memory.

    Raises:
        InputError: it has more rows or cells than the limits above.
    """
    if rows > MOST_ROWS:
        raise InputError("file", "a sheet has at most 1,048,576 rows")
    if rows * columns > MOST_CELLS:
        raise InputError("file", "a sheet has more than 30,000,000 cells: split it, or save it as .csv")


def _look_at_sheet(archive: zipfile.ZipFile, part: zipfile.ZipInfo, padded: Mapping[bytes, int]) -> SheetFacts:
    facts = SheetFacts()
    last = widest = 0
    for block in _blocks(archive, part, b"<row" if b":row" not in _first(archive, part) else b"<"):
        for row in _ROW.finditer(block):
            number = _NUMBER_OF.search(row[1])
            last = int(number[1]) if number else last + 1
            if b"hidden" in row[1] and _HIDDEN.search(row[1]):
                facts.hidden.add(last)
            if last > MOST_ROWS:
                check_size(last, 1)
        widest = max([widest, *(_column(letters) + 1 for letters in set(_COLUMN.findall(block)))])
        if padded or b't="e"' in block:
            _note_texts(block, padded, facts)
        check_size(last, widest)
    return facts


def _first(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> bytes:
    with archive.open(part) as file:
        return file.read(8192)


def _column(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + letter - 64
    return number - 1


def _note_texts(block: bytes, padded: Mapping[bytes, int], facts: SheetFacts) -> None:
    """Note failed formulas and padded numbers of a piece of a sheet."""
    for cell in _CELL.finditer(block):
        about, value = cell[1], cell[2] or b""
        if b't="e"' in about:
            text = html.unescape(value.decode("utf-8", "replace"))
        elif padded and value.isdigit() and (style := _STYLE.search(about)) and style[1] in padded:
            text = value.decode().zfill(padded[style[1]])
        else:
            continue
        if place := _PLACE.search(about):
            facts.texts.setdefault(int(place[2]), {})[_column(place[1])] = text


def _padded_formats(archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo]) -> dict[bytes, int]:
    """The number of digits by the style of a cell, for formats such as `000000`."""
    part = parts.get("xl/styles.xml")
    styles = archive.read(part) if part else b""
    widths = {number: len(zeros) for number, zeros in _FORMAT.findall(styles)}
    places = list(itertools.islice(_FORMATS_OF_CELLS.finditer(styles), 2))
    if not widths or [place[1] for place in places] != [b"", b"/"]:
        return {}
    formats = _FORMAT_OF_CELL.findall(styles, places[0].end(), places[1].start())
    return {b"%d" % at: widths[number] for at, number in enumerate(formats) if number in widths}


def _sheets_of(archive: zipfile.ZipFile, parts: Mapping[str, zipfile.ZipInfo]) -> dict[str, str]:
    """The names of the parts of an XLSX by the names of their sheets."""
    book, relations = (parts.get(name) for name in ("xl/workbook.xml", "xl/_rels/workbook.xml.rels"))
    if book is None or relations is None:
        return {}
    targets = {}
    for found in _RELATION.finditer(archive.read(relations).decode("utf-8", "replace")):
        said = dict(_ATTRIBUTE.findall(found[1]))
        target = said.get("Target", "").replace("\\", "/").lower()
        targets[said.get("Id")] = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    sheets = {}
    for found in _SHEET.finditer(archive.read(book).decode("utf-8", "replace")):
        said = dict(_ATTRIBUTE.findall(found[1]))
        relation = next((value for name, value in said.items() if name.endswith(":id")), None)
        sheets[html.unescape(said.get("name", ""))] = targets.get(relation, "")
    return sheets


def _bound_ods(archive: zipfile.ZipFile, part: zipfile.ZipInfo) -> None:
    """Check the size of the sheets of an ODS, where a cell and a row may be repeated by a number."""
    row = last = column = widest = times = 0
    for block in _blocks(archive, part, b"<table:"):
        for found in _ODS.finditer(block):
            repeated = _REPEATED.search(found[2])
            count = int(repeated[1]) if repeated else 1
            if found[1] == b"table":
                row = last = widest = times = 0
            elif found[1] == b"table-row":
                row, times, column = row + times, count, 0
            else:
                column += count
                if b"value-type" in found[2]:
                    last, widest = row + times, max(widest, column)
                    check_size(last, widest)


def _bound_xlsb(data: bytes) -> None:
    """Check the size of a sheet of an XLSB, whose rows and cells are records with their number in front ([MS-XLSB] 2.1.4)."""
    at = last = widest = 0
    while at < len(data):
        kind, at = _varint(data, at, 2)
        size, at = _varint(data, at, 4)
        if kind <= _LAST_KIND_OF_CELL and size >= 4:
            number = int.from_bytes(data[at : at + 4], "little") + 1
            if kind == 0:
                last = max(last, number)
            else:
                widest = max(widest, number)
            check_size(last, widest)
        at += size


_LAST_KIND_OF_CELL = 11


def _varint(data: bytes, at: int, most: int) -> tuple[int, int]:
    """A number of seven bits a byte, at most `most` bytes, and the position behind it; two-byte kinds keep their marks."""
    number = 0
    for n in range(most):
        byte = data[at + n] if at + n < len(data) else 0
        number |= (byte & 0x7F) << (7 * n)
        if not byte & 0x80:
            return number, at + n + 1
    return number, at + most
