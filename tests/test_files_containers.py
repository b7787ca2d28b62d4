"""Every container that orders come in gives the same orders; one that can't be read is named with the remedy."""

from __future__ import annotations

import contextlib
import csv
import io
import random
from dataclasses import replace

import pytest

from api.cli.main import main
from api.importing.orders import survey
from api.importing.table import readings
from masking.errors import InputError
from tests.support.order_files import FROM, laid_out, outcomes
from tests.support.workbooks import locked, ods, repacked, written, xls, xlsb, xlsx

HEAD = ["订单号", "收件人", "手机", "收件地址", "商品", "数量"]
ROWS = [
    HEAD,
    ["B-1", "施虚构", 13800000022, "陕西省西安市雁塔区科技路48号B1006", "示例枣", 2],
    [None] * 6,
    ["B-2", "张示例", "13800000023", "陕西省西安市碑林区友谊西路127号3号楼201", "示例枣", 1],
]
EXPECTED = [
    "2|B-1|施虚构|13800000022|陕西省西安市雁塔区科技路48号B1006|示例枣×2|||",
    "4|B-2|张示例|13800000023|陕西省西安市碑林区友谊西路127号3号楼201|示例枣|||",
]
STRICT = {
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": b"http://purl.oclc.org/ooxml/officeDocument/relationships",
}


def strict(_, data):
    for transitional, iso in STRICT.items():
        data = data.replace(transitional, iso)
    return data


def in_styles(data):
    return lambda name, old: data if name == "xl/styles.xml" else old


def text(delimiter=",", rows=ROWS):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter).writerows([["" if cell is None else cell for cell in row] for row in rows])
    return file.getvalue()


def html(rows=ROWS):
    cells = ("".join(f"<td>{'' if cell is None else cell}</td>" for cell in row) for row in rows)
    return (
        "<html><head><title>x</title></head><body><table>"
        + "".join(f"<tr>{row}</tr>" for row in cells)
        + "</table></body></html>"
    )


def xml_2003():
    cells = (
        "".join(f'<Cell><Data ss:Type="String">{cell}</Data></Cell>' if cell else "<Cell/>" for cell in row)
        for row in ROWS
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><?mso-application progid="Excel.Sheet"?>'
        '<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet" xmlns:ss="urn:schemas-microsoft-com:office:spreadsheet">'
        '<Worksheet ss:Name="S"><Table>'
        + "".join(f"<Row>{row}</Row>" for row in cells)
        + "</Table></Worksheet></Workbook>"
    )


CONTAINERS = {
    "xlsx": xlsx(ROWS),
    "xls": xls(ROWS),
    "ods": ods(ROWS),
    "xlsb": xlsb([row if any(row) else [] for row in ROWS]),
    "strict": repacked(xlsx(ROWS), strict),
    "backslashes": repacked(xlsx(ROWS), name=lambda name: name.replace("/", "\\")),
    "styles-cut-off": repacked(xlsx(ROWS), in_styles(b"<styleSheet><fonts")),
    "styles-of-another-kind": repacked(xlsx(ROWS), in_styles(b"<broken/>")),
    "web-page": html().encode(),
    "web-page-gbk": html().replace("<title>", "<meta charset=gb2312><title>").encode("gb18030"),
    "xml-2003": xml_2003().encode(),
    "pipes": text("|").encode(),
    "doubled-mark": b"\xef\xbb\xbf\xef\xbb\xbf" + text().encode(),
    "nul": text().replace("施虚构", "施\0虚构").encode(),
    "lines-quoted-whole": "".join('"' + line.replace('"', '""') + '"\r\n' for line in text().splitlines()).encode(
        "gb18030"
    ),
    "utf-8-and-gb-18030": text(rows=ROWS[:3]).encode() + text(rows=ROWS[3:]).encode("gb18030"),
    "gb-18030-and-utf-8": text(rows=ROWS[:3]).encode("gb18030") + text(rows=ROWS[3:]).encode(),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_every_container_gives_the_same_orders(name, tmp_path):
    good, bad, _ = outcomes(*laid_out(written(tmp_path, "orders.xls", CONTAINERS[name])))
    assert (good, bad) == (EXPECTED, [])


def test_big5_is_read_by_what_its_headers_mean(tmp_path):
    content = "訂單編號,收件人姓名,手機,收件地址\nT-1,張測試,0912345678,臺北市信義區信義路五段7號89樓\n"
    path = written(tmp_path, "orders.csv", content.encode("big5"))
    good, bad, _ = outcomes(*laid_out(path))
    assert (good, bad) == (["2|T-1|張測試|0912345678|臺北市信義區信義路五段7號89樓||||"], [])


@pytest.mark.parametrize(
    ("data", "remedy"),
    [
        (locked(xlsx(ROWS)), "locked by a password: open it and save it without one"),
        (xlsx(ROWS)[:2000], "damaged, or not a workbook"),
        (xls(ROWS)[:600], "damaged, or not a workbook"),
        (b"PK\x03\x04", "damaged, or not a workbook"),
        (
            ("caf\xe9 \xe8 \xe0 ,\n" * 50).encode("latin-1"),
            "--encoding",
        ),
    ],
)
def test_file_that_cannot_be_read_is_named_with_the_remedy(data, remedy, tmp_path):
    path = written(tmp_path, "orders.xlsx", data)
    with pytest.raises(InputError, match=remedy):
        laid_out(path)


def test_encoding_and_delimiter_can_be_given(tmp_path, capsys):
    path = written(tmp_path, "orders.csv", text("^").encode("utf-16-le"))
    options = ["--to", str(tmp_path / "d"), "--labels", "none", "--sender", FROM]
    assert main(["mask", str(path), *options]) == 2
    assert main(["mask", str(path), *options, "--encoding", "utf-16-le", "--delimiter", "^"]) == 0
    assert main(["mask", str(path), *options, "--encoding", "klingon"]) == 2
    assert "not an encoding" in capsys.readouterr().err


def test_numbers_keep_the_zeros_that_their_format_shows(tmp_path):
    def zeros(sheet):
        sheet["A2"], sheet["A2"].number_format = 4711, "00000000"
        sheet["A4"], sheet["A4"].number_format = 815, "0"

    good, bad, _ = outcomes(*laid_out(written(tmp_path, "orders.xlsx", xlsx(ROWS, zeros))))
    assert ([line.split("|")[1] for line in good], bad) == (["00004711", "815"], [])


@pytest.mark.parametrize(("cell", "field"), [("A2", "reference"), ("C2", "recipient.phone"), ("B2", "recipient.name")])
@pytest.mark.parametrize("form", ["yyyy-mm-dd", "h:mm:ss", "[h]:mm"])
def test_number_that_became_a_date_is_rejected_by_name(cell, field, form, tmp_path):
    def spoil(sheet):
        sheet[cell], sheet[cell].number_format = 45000.5, form

    _, bad, _ = outcomes(*laid_out(written(tmp_path, "orders.xlsx", xlsx(ROWS, spoil))))
    assert [line.replace("mobile", "phone") for line in bad] == [f"2|{field}|date-in-place-of-a-number"]


def test_time_that_python_cannot_hold_costs_one_row(tmp_path):
    def spoil(sheet):
        sheet["C2"].number_format = "[h]:mm"

    good, bad, _ = outcomes(*laid_out(written(tmp_path, "orders.xlsx", xlsx(ROWS, spoil))))
    assert good == EXPECTED[1:]
    assert [line.split("|")[0] for line in bad] == ["2"]


def test_failed_formula_of_a_workbook_is_rejected_by_name(tmp_path):
    def fail(sheet):
        sheet["D2"] = "#REF!"
        sheet["D2"].data_type = "e"

    good, bad, _ = outcomes(*laid_out(written(tmp_path, "orders.xlsx", xlsx(ROWS, fail))))
    assert (good, bad) == (EXPECTED[1:], ["2|recipient.address|spreadsheet-error"])


def test_hidden_rows_are_counted_and_can_be_left_out(tmp_path, capsys):
    def hide(sheet):
        sheet.row_dimensions[2].hidden = True

    path = written(tmp_path, "orders.xlsx", xlsx(ROWS, hide))
    options = ["--to", str(tmp_path / "d"), "--labels", "none", "--sender", FROM]
    assert main(["mask", str(path), *options, "--skip-hidden"]) == 0
    assert "1 rows left out: hidden-in-the-sheet: 2" in capsys.readouterr().out
    assert main(["mask", str(path), *options]) == 0
    said = capsys.readouterr().out
    assert "1 rows are hidden in the sheet" in said
    assert "2 orders: 2 masked" in said


def test_row_below_a_hidden_order_is_not_taken_for_the_order_above(tmp_path):
    def goods_below_a_hidden_row(sheet):
        sheet.cell(5, HEAD.index("商品") + 1, "笔")
        sheet.row_dimensions[4].hidden = True

    layout, _ = laid_out(written(tmp_path, "orders.xlsx", xlsx(ROWS, goods_below_a_hidden_row)))
    layout = replace(layout, skip_hidden=True)
    good, bad, _ = outcomes(layout, survey(layout))
    assert good == EXPECTED[:1]
    assert bad == ["5|recipient.name|missing"]


def test_hidden_sheet_is_not_read(tmp_path):
    def add(state):
        def to(sheet):
            other = sheet.parent.create_sheet("旧")
            other.append(HEAD)
            other.sheet_state = state

        return to

    for state, sheets in (("visible", ["Sheet", "旧"]), ("hidden", ["Sheet"])):
        found = readings(written(tmp_path, "orders.xlsx", xlsx(ROWS, add(state))))
        assert [each.sheet for each in found] == sheets


def test_cells_of_an_xlsb_far_apart_are_refused_before_they_are_made(tmp_path):
    data = xlsb([["x"] + [None] * 16_000 + ["y"]], first_row=1_000_000)
    with pytest.raises(InputError, match="more than 30,000,000 cells"):
        readings(written(tmp_path, "orders.xlsb", data))


@pytest.mark.parametrize("name", ["xls", "ods", "xlsb", "xlsx", "strict", "web-page", "xml-2003", "nul"])
def test_damaged_containers_fail_by_name_and_print_nothing(name, tmp_path, capfd):
    rolled = random.Random(name)
    data = CONTAINERS[name]
    for n in range(60):
        cut = bytearray(data[: rolled.randrange(1, len(data))] if n % 3 == 0 else data)
        for _ in range(rolled.randrange(1, 40)):
            cut[rolled.randrange(len(cut))] = rolled.randrange(256)
        with contextlib.suppress(InputError):
            laid_out(written(tmp_path, "orders.xls", bytes(cut)))
    assert "".join(capfd.readouterr()) == ""


def test_damaged_parts_of_a_workbook_fail_by_name_and_print_nothing(tmp_path, capfd):
    rolled = random.Random(5)

    def spoil(part, old):
        new = bytearray(old)
        for _ in range(rolled.randrange(0, 8)):
            new[rolled.randrange(len(new))] = rolled.choice(b'<>/"=& 0A9\xff')
        return bytes(new)

    failed = 0
    for _ in range(150):
        for container in ("xlsx", "ods", "xlsb"):
            try:
                layout, _ = laid_out(written(tmp_path, "orders.xlsx", repacked(CONTAINERS[container], spoil)))
                assert layout.reading.sheet
            except InputError:
                failed += 1
    assert failed > 100
    assert "".join(capfd.readouterr()) == ""
