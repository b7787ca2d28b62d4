"""Small files that would take hours or gigabytes are refused before that, each by its name."""

from __future__ import annotations

import io
import re
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from odf.opendocument import OpenDocumentSpreadsheet
from odf.table import Table, TableCell, TableRow
from odf.text import P
from PIL import Image

from api.importing import sheet_facts
from api.importing.deliverable import is_uncallable
from api.importing.headers import LONGEST as LONGEST_HEADER
from api.importing.headers import place
from api.importing.lines import _waybill_number as waybill_number_of
from api.importing.pasted import LONGEST, take_apart
from api.importing.table import readings
from masking.errors import InputError
from print_templates.template import template

HEAD = ["订单号", "收件信息", "寄件人", "寄件人手机", "寄件人地址", "商品"]
SHEET = "xl/worksheets/sheet1.xml"


def workbook(folder: Path, change: Callable[[bytes], bytes] = bytes, strings: bytes | None = None) -> Path:
    """A workbook of two rows, with its sheet changed and with other shared strings."""
    book = openpyxl.Workbook()
    book.active.append(HEAD)
    book.active.append(["A-1"])
    raw = io.BytesIO()
    book.save(raw)
    path = folder / "book.xlsx"
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as new:
        for item in old.infolist():
            data = old.read(item)
            new.writestr(item.filename, change(data) if item.filename == SHEET else data)
        if strings is not None:
            new.writestr("xl/sharedStrings.xml", strings)
    return path


def rule(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        for reading in readings(path):
            for _ in reading.rows():
                pass
    return caught.value.rule


def row(number: int) -> Callable[[bytes], bytes]:
    more = b'<row r="%d"><c r="A%d" t="inlineStr"><is><t>x</t></is></c></row></sheetData>' % (number, number)
    return lambda data: data.replace(b"</sheetData>", more)


@pytest.mark.parametrize("number", [10**12, 2_000_000, 1_048_577])
def test_row_number_beyond_a_spreadsheet_is_refused(number, tmp_path):
    assert "at most 1,048,576 rows" in rule(workbook(tmp_path, row(number)))


def test_gap_of_many_rows_is_read(tmp_path):
    [reading] = readings(workbook(tmp_path, row(50_000)))
    rows = list(reading.rows())
    assert (len(rows), rows[-1][0], rows[-1][1][0]) == (50_000, 50_000, "x")


def test_rectangle_of_too_many_cells_is_refused_before_it_is_made(tmp_path):
    far = b'<row r="1000000"><c r="XFD1000000" t="inlineStr"><is><t>x</t></is></c></row></sheetData>'
    path = workbook(tmp_path, lambda data: data.replace(b"</sheetData>", far))
    assert "more than 30,000,000 cells" in rule(path)


def ods(folder: Path, rows: int, columns: int) -> Path:
    """An ODS in which one cell is repeated."""
    document = OpenDocumentSpreadsheet()
    sheet = Table(name="S")
    line = TableRow(numberrowsrepeated=rows)
    cell = TableCell(valuetype="string", numbercolumnsrepeated=columns)
    cell.addElement(P(text="x"))
    line.addElement(cell)
    sheet.addElement(line)
    document.spreadsheet.addElement(sheet)
    document.save(str(folder / "book.ods"))
    return folder / "book.ods"


@pytest.mark.parametrize(("rows", "columns"), [(1_000_000, 16_000), (10**9, 1), (2000, 16_384)])
def test_repeated_cells_of_an_ods_are_counted_before_they_are_made(rows, columns, tmp_path):
    assert re.search("more than 30,000,000 cells|at most 1,048,576 rows", rule(ods(tmp_path, rows, columns)))


def test_sheet_with_too_many_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_facts, "MOST_ROWS", 100)
    assert "at most 1,048,576 rows" in rule(workbook(tmp_path, row(200)))


def test_part_that_unpacks_to_many_times_its_size_is_refused(tmp_path):
    assert "200 times its size" in rule(workbook(tmp_path, strings=b"<si><t>x</t></si>" * 4_000_000))


def test_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_facts, "MOST_UNPACKED", 1000)
    assert "more than 2 GB" in rule(workbook(tmp_path))


def test_too_many_shared_strings_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet_facts, "RATIO_FROM", 1 << 20)
    monkeypatch.setattr(sheet_facts, "MOST_RATIO", 10_000)
    monkeypatch.setattr(sheet_facts, "MOST_STRINGS", 100_000)
    assert "different texts" in rule(workbook(tmp_path, strings=b"<si><t>x</t></si>" * 100_001))


@pytest.mark.parametrize("text", ["○" * 30_000, "13800000001 " + "[" * 30_000, "张三 " * 400])
def test_very_long_pasted_line_is_not_split_into_fields(text):
    assert len(text) > LONGEST
    assert take_apart(text).confidence == 0


def test_very_long_header_has_no_meaning():
    assert place("收件人" + "收" * LONGEST_HEADER) is None


@pytest.mark.parametrize("side", [2001, 13_000, 20_000])
def test_logo_of_too_many_pixels_is_refused_before_decoding(side, tmp_path):
    own = tmp_path / "own.toml"
    own.write_text(
        (Path(template.__code__.co_filename).parent / "templates" / "100x100.toml").read_text("utf-8")
        + '\n[[logo]]\nbox = [60, 82, 10, 10]\nfile = "logo.png"\n',
        "utf-8",
    )
    Image.new("1", (side, side), 1).save(tmp_path / "logo.png")
    with pytest.raises(InputError, match="4,000,000 dots"):
        template(own)


@pytest.mark.parametrize(
    ("part", "piece", "size"),
    [
        (SHEET, b"<row ", 2000),
        (SHEET, b'<c t="e" ', 2000),
        ("xl/styles.xml", b'<numFmt numFmtId="1"', 60),
        ("xl/styles.xml", b"<numFmt numFmtId='1' formatCode='0000'/><cellXfs ", 2000),
        ("xl/workbook.xml", b"<sheet ", 2000),
    ],
)
def test_tags_that_never_end_take_time_in_proportion(part, piece, size):
    def seconds(times: int) -> float:
        raw = io.BytesIO()
        with zipfile.ZipFile(raw, "w", zipfile.ZIP_DEFLATED) as archive:
            for name in {"xl/workbook.xml", "xl/_rels/workbook.xml.rels", part}:
                archive.writestr(
                    name, b'<numFmt numFmtId="1" formatCode="0000"/>' + (piece * times if name == part else b"")
                )
        return time_of(lambda: sheet_facts.look_into(raw.getvalue()))

    assert_in_proportion(seconds, size)


@pytest.mark.parametrize("text", ["AAAAAA{}!", "圆通{}!"])
def test_blanks_in_a_cell_take_time_in_proportion(text):
    assert_in_proportion(lambda times: time_of(lambda: waybill_number_of(text.format(" " * times))), 3000)
    assert_in_proportion(lambda times: time_of(lambda: is_uncallable("1" + "-" * times + "a", "上海")), 3000)


def time_of(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def assert_in_proportion(seconds: Callable[[int], float], size: int) -> None:
    """Four times the content may take nine times as long; times below 50 milliseconds say nothing."""
    long = seconds(4 * size)
    assert long < 0.05 or long < 9 * seconds(size)
