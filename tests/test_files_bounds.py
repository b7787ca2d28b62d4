"""Small files that would take hours or gigabytes are refused before that, each by its name."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from PIL import Image

from api.importing import table
from api.importing.headers import LONGEST as LONGEST_HEADER
from api.importing.headers import place
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


@pytest.mark.parametrize("number", [10**12, 2_000_000, 20_000])
def test_row_number_far_behind_the_others_is_refused(number, tmp_path):
    assert "rows are left out" in rule(workbook(tmp_path, row(number)))


def test_gap_of_a_few_thousand_rows_is_read(tmp_path):
    [reading] = readings(workbook(tmp_path, row(5000)))
    rows = list(reading.rows())
    assert (len(rows), rows[-1]) == (5000, (5000, ["x"]))


def test_sheet_with_too_many_rows_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_MOST_ROWS", 100)
    assert "at most 1,048,576 rows" in rule(workbook(tmp_path, row(200)))


def test_part_that_unpacks_to_many_times_its_size_is_refused(tmp_path):
    assert "200 times its size" in rule(workbook(tmp_path, strings=b"<si><t>x</t></si>" * 4_000_000))


def test_workbook_that_unpacks_to_too_much_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_MOST_UNPACKED", 1000)
    assert "more than 2 GB" in rule(workbook(tmp_path))


def test_too_many_shared_strings_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(table, "_RATIO_FROM", 1 << 20)
    monkeypatch.setattr(table, "_MOST_RATIO", 10_000)
    monkeypatch.setattr(table, "_MOST_STRINGS", 100_000)
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
