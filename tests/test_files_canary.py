"""No cell of a merchant's file is printed or logged, in any format, not even in a library's error."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import openpyxl
import pytest

from api.cli.main import FAULT, main
from tests.support.order_files import HEAD, row, text
from tests.support.workbooks import ods, written, xls, xlsb

ROOT = Path(__file__).parents[1]
CANARY = 13800007531
COLUMNS = HEAD.split(",")
FORMATS = (
    *(
        "General",
        "@",
        "0",
        "0.00",
        "#,##0",
        "0.00E+00",
        "000000000000000",
        '"No. "0',
        "# ?/?",
        "0%",
        "[$¥-804]#,##0.00",
    ),
    *("yyyy-mm-dd", "yyyy/m/d h:mm", "h:mm:ss", "[h]:mm:ss", "mm:ss.0", "[$-804]aaaa", "[Red]0;[Blue]-0", "0;;;@"),
)
VALUES = (
    *(
        CANARY,
        -CANARY,
        CANARY + 0.5,
        float(CANARY) * 10**12,
        str(CANARY),
        f"={CANARY}+0",
        f"#REF!{CANARY}",
        f"'{CANARY}",
    ),
    *(f"{CANARY}\n{CANARY}", f"_x000D_{CANARY}", f"\u202e{CANARY}", f"金丝雀{CANARY}", f"<b>{CANARY}</b>"),
)


def said(*words: str, folder: Path) -> tuple[int, str]:
    """The exit status of a command in a process of its own, with warnings on, and everything that it printed."""
    program = (sys.executable, "-W", "always", "-m", "api.cli", *words, *options(folder))
    run = subprocess.run(program, cwd=ROOT, capture_output=True, check=False)
    return run.returncode, (run.stdout + run.stderr).decode("utf-8")


def options(folder: Path) -> list[str]:
    return ["--to", str(folder / "deployment"), "--labels", "none"]


def leaks(spoken: str) -> list[str]:
    plain = spoken.replace(",", "").replace(" ", "")
    return [line for line in plain.splitlines() if str(CANARY)[3:] in line or "金丝雀" in line]


def workbook(path: Path, *, change: tuple[str, bytes, bytes] | None = None) -> None:
    """A workbook in which each value is once in each column and in each format; each row is good but for that cell."""
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.append(COLUMNS)
    for number, (value, form) in enumerate((value, form) for value in VALUES for form in FORMATS):
        sheet.append(row(number).split(","))
        cell = sheet.cell(number + 2, number % len(COLUMNS) + 1)
        cell.value, cell.number_format = value, form
    for column in range(1, len(COLUMNS) + 1):
        sheet.append(row(9000 + column).split(","))
        cell = sheet.cell(sheet.max_row, column)
        cell.value, cell.number_format = CANARY, "yyyy-mm-dd"
    raw = io.BytesIO()
    book.save(raw)
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(path, "w") as new:
        for item in old.infolist():
            data = old.read(item)
            new.writestr(item, data.replace(*change[1:]) if change and change[0] == item.filename else data)


def test_no_cell_of_a_workbook_is_printed_or_left_in_a_result(tmp_path):
    path = tmp_path / "orders.xlsx"
    workbook(path)
    for more in (["--explain"], []):
        status, spoken = said("mask", str(path), *more, folder=tmp_path)
        assert status in (0, 1), spoken
        assert leaks(spoken) == []
        assert "rejected" in spoken
    results = [openpyxl.load_workbook(each).active for each in (tmp_path / "orders-masked").glob("*.xlsx")]
    assert len(results) == 2
    cells = [cell for book in results for column in book.iter_cols(min_row=2) for cell in column]
    assert len(cells) > 1000
    numbers = {"订单号", "运单号", "三段码"}  # what a merchant gives as a number of these is written as one
    own = [cell for cell in cells if cell.parent.cell(1, cell.column).value not in numbers]
    assert [cell.coordinate for cell in own if str(CANARY)[3:] in str(cell.value)] == []


@pytest.mark.parametrize(
    "change",
    [
        ("xl/styles.xml", b"<cellXfs", f"<cellXfs x='{CANARY}' y=".encode()),
        ("xl/styles.xml", b"<numFmts", f"<numFmts><{CANARY}".encode()),
        ("xl/worksheets/sheet1.xml", b"<sheetData>", f"<sheetData><row r='{CANARY}'>".encode()),
        ("xl/worksheets/sheet1.xml", b'r="B2"', f'r="{CANARY}"'.encode()),
        ("xl/worksheets/sheet1.xml", b't="s"', f't="{CANARY}"'.encode()),
        ("xl/worksheets/sheet1.xml", b"<v>1</v>", f"<v>{CANARY}</v>".encode()),
        ("xl/worksheets/sheet1.xml", b"<v>1</v>", f"<v>x{CANARY}</v>".encode()),
        ("xl/workbook.xml", b"<sheets>", f"<sheets><{CANARY}/>".encode()),
        ("[Content_Types].xml", b"<Types", f"<Types><{CANARY}".encode()),
    ],
)
def test_no_value_of_a_damaged_workbook_is_printed(change, tmp_path, capfd):
    path = tmp_path / "orders.xlsx"
    workbook(path, change=change)
    status, spoken = main(["mask", str(path), "--explain", *options(tmp_path)]), "".join(capfd.readouterr())
    assert leaks(spoken) == []
    assert "Traceback" not in spoken
    assert status in (0, 2), spoken


TEXTS = {
    "unclosed-quote": text(row(1), row(2, name=f'"{CANARY}')) + f"{CANARY}\n" * 200,
    "long-cell": text(row(1, remark=str(CANARY) * 20_000)),
    "nul": text(row(1, name=f"金丝雀\0{CANARY}")),
    "surplus-cells": text(row(1, remark=f"x,{CANARY}")),
    "unknown-column": text(row(1)).replace("备注\n", "神秘\n").replace(",书,", f",书,{CANARY}"),
    "no-headers": "\n".join(row(n, phone=str(CANARY)) for n in range(3)),
    "cell-as-header": f"订单号,收件人,收件电话,收件地址,{CANARY}\nA-1,张测试,{CANARY},金丝雀路,金丝雀\n",
    "repeated": text(row(1, name="金丝雀"), row(1, name=str(CANARY))),
}


@pytest.mark.parametrize("name", TEXTS)
@pytest.mark.parametrize("encoding", ["utf-8", "gb18030", "utf-16"])
def test_no_cell_of_a_text_is_printed(name, encoding, tmp_path, capfd):
    path = tmp_path / "orders.csv"
    path.write_bytes(TEXTS[name].encode(encoding).replace(b"F-1", b"F-1\xff" if encoding == "utf-8" else b"F-1"))
    assert str(CANARY) in TEXTS[name]
    status, spoken = main(["mask", str(path), *options(tmp_path)]), "".join(capfd.readouterr())
    assert leaks(spoken) == []
    assert "Traceback" not in spoken
    assert status in (0, 1, 2, 3), spoken


def test_fault_of_the_program_is_named_without_its_message(capsys, monkeypatch):
    class Broken(io.StringIO):
        """An input that fails as no input should."""

        def __next__(self) -> str:
            raise ValueError(str(CANARY))

        __iter__ = readline = read = __next__

    monkeypatch.setattr(sys, "stdin", Broken())
    assert main(["redact"]) == FAULT
    spoken = capsys.readouterr().err
    assert "ValueError at " in spoken
    assert leaks(spoken) == []


LIBRARY = f"""
import logging, warnings
from api.terminal import guarded_output
with guarded_output():
    warnings.warn("{CANARY}")
    logging.getLogger("openpyxl").warning("{CANARY}")
    logging.getLogger("masking.client").warning("2 orders wait")
logging.getLogger("openpyxl").warning("later")
"""


def test_warnings_and_log_lines_of_libraries_are_not_shown():
    run = subprocess.run([sys.executable, "-c", LIBRARY], cwd=ROOT, capture_output=True, check=True, text=True)
    assert run.stderr.splitlines() == ["2 orders wait", "later"]


def test_phone_formatted_as_a_date_is_read(tmp_path):
    """No calendar has such a date: openpyxl warned about it, and printed it."""
    path = tmp_path / "orders.xlsx"
    book = openpyxl.Workbook()
    book.active.append(COLUMNS)
    book.active.append(row(1).split(","))
    book.active["E2"] = CANARY
    book.active["E2"].number_format = "yyyy-mm-dd"
    book.save(path)
    status, spoken = said("mask", str(path), folder=tmp_path)
    assert (status, leaks(spoken)) == (0, []), spoken
    sheet = openpyxl.load_workbook(tmp_path / "orders-masked" / "masked.xlsx").active
    assert sheet["G2"].value == "138********"


CELLS = [COLUMNS, [CANARY if column == "订单号" else f"金丝雀{CANARY}" for column in COLUMNS], ["F-2", *[CANARY] * 10]]
MADE = {
    "xls": xls(CELLS),
    "ods": ods(CELLS),
    "xlsb": xlsb(CELLS),
    "damaged-xls": xls(CELLS)[:1500],
}
MADE["web-page"] = "".join(
    f"<tr>{''.join(f'<td>{cell}' for cell in cells)}" for cells in [["<table>"], *CELLS]
).encode()


@pytest.mark.parametrize("name", MADE)
def test_no_cell_of_another_container_is_printed(name, tmp_path, capfd):
    path = written(tmp_path, "orders.xls", MADE[name])
    for more in (["--explain"], []):
        status, spoken = main(["mask", str(path), *options(tmp_path), *more]), "".join(capfd.readouterr())
        assert leaks(spoken) == []
        assert status in ((2,) if name == "damaged-xls" else (0, 3)), spoken
