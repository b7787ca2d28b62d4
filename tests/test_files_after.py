"""After `waybill mask`: `ship`, `find`, `status` and `cancel`, with a folder and with a service."""

from __future__ import annotations

import csv
import io
import json
import sys
import zlib

import openpyxl
import pytest

from api.cli.main import main
from print_templates.read import read_pdf
from tests.support.order_files import row, text
from tests.support.people import SHOP

NONE = {"number": "", "route": ""}


@pytest.fixture(params=["folder", "service"])
def place(request, tmp_path):
    """The options that name a deployment in a folder, or a running service."""
    if request.param == "folder":
        return ["--to", str(tmp_path / "deployment")]
    service = request.getfixturevalue("service")
    credentials = tmp_path / "shop.json"
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
    return ["--to", service.url, "--credentials", str(credentials)]


@pytest.fixture
def waybill(place, capsys):
    """Run a command at the place; its status and all that it said."""

    def run(command, *words, labels=None):
        more = ["--labels", labels] if labels else []
        status = main([command, *map(str, words), *place, *more])
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def masked(folder):
    with (folder / "masked.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def fill(folder, numbers):
    """Write the carrier's numbers into `masked.csv`, as a person does."""
    lines = masked(folder)
    for line, (number, route) in zip(lines, numbers, strict=True):
        line["运单号"], line["三段码"] = number, route
    with (folder / "masked.csv").open("w", encoding="gb18030", newline="") as file:  # as a Chinese spreadsheet saves it
        rows = csv.DictWriter(file, lines[0])
        rows.writeheader()
        rows.writerows(lines)
    return folder / "masked.csv"


def entered(waybill, tmp_path, request, count=3):
    series = f"{zlib.crc32(request.node.name.encode()):x}"
    path = tmp_path / "orders.csv"
    rows = [row(n, reference=f"{series}-{n}", **NONE) for n in range(1, count + 1)]
    path.write_text(text(*rows), "utf-8")
    status, said = waybill("mask", path, labels="none")
    assert status == 0, said
    return path, tmp_path / "orders-masked", [f"{series}-{n}" for n in range(1, count + 1)], said


@pytest.mark.parametrize("command", ["ship", "mask"])
def test_filled_masked_file_ships_and_prints(command, waybill, tmp_path, request):
    _, folder, _, _ = entered(waybill, tmp_path, request)
    numbers = [(f"YT{command}{n:08}", "301-007-00 013") for n in range(2)]
    path = fill(folder, [*numbers, ("", "")])
    status, said = waybill(command, path)
    assert status == 0, said
    assert "2 shipped, 0 rejected, 1 without numbers" in said
    assert "2 labels" in said
    [pdf] = folder.glob("labels-*.pdf")
    assert len(read_pdf(pdf.read_bytes())) == 2
    before = pdf.read_bytes()
    assert waybill(command, path)[0] == 0
    assert pdf.read_bytes() == before


def test_workbook_of_masked_waybills_ships(waybill, tmp_path, request):
    _, folder, _, _ = entered(waybill, tmp_path, request, 1)
    [line] = masked(folder)
    book = openpyxl.Workbook()
    book.active.append(list(line))
    book.active.append([*(line | {"运单号": "YTBOOK0000001", "三段码": "301-007-00 013"}).values()])
    book.save(folder / "filled.xlsx")
    status, said = waybill("ship", folder / "filled.xlsx", labels="none")
    assert (status, "1 shipped" in said) == (0, True), said


def test_bad_numbers_are_rejected_by_row_and_rule(waybill, tmp_path, request):
    _, folder, _, _ = entered(waybill, tmp_path, request)
    path = fill(folder, [("1.38E+10", "301"), ("YTHALF0000001", ""), ("a b", "301-007")])
    status, said = waybill("ship", path, labels="none")
    assert status == 3
    for line in (
        "row 2: waybill_number: spreadsheet-exponent",
        "row 3: routing_code: other-number-missing",
        "row 4: waybill_number: not-6-to-32-letters-digits-hyphens",
    ):
        assert line in said
    assert "1.38E+10" not in said
    assert "a b" not in said


def test_one_waybill_is_shipped_found_and_cancelled_by_its_order_number(waybill, tmp_path, request):
    _, _, names, _ = entered(waybill, tmp_path, request)
    status, said = waybill("ship", names[0], "--number", "YTONE00000001", "--route", "301-007-00 013")
    assert (status, "YTONE00000001" in said) == (0, True), said
    status, said = waybill("find", *names[:2])
    assert status == 0
    assert [line.split("\t")[2] for line in said.splitlines()] == names[:2]
    assert "张测试" not in said
    status, said = waybill("status", *names)
    assert "active: 3" in said
    assert f"2 without the carrier's numbers: {names[1]}, {names[2]}" in said
    status, said = waybill("cancel", names[1], "no-such-order")
    assert status == 1
    assert "1 cancelled, 1 not" in said
    assert waybill("find", names[1])[0] == 1


def test_masked_file_names_its_waybills_for_status_and_cancel(waybill, tmp_path, request):
    _, folder, _, _ = entered(waybill, tmp_path, request)
    assert "active: 3" in waybill("status", folder / "masked.csv")[1]
    assert "3 cancelled, 0 not" in waybill("cancel", folder / "masked.csv")[1]


def test_phone_is_read_from_standard_input_and_not_shown(waybill, tmp_path, request, monkeypatch):
    path = tmp_path / "orders.csv"
    path.write_text(text(row(1, reference="P-1", phone="13800009876", **NONE)), "utf-8")
    waybill("mask", path, labels="none")
    monkeypatch.setattr(sys, "stdin", io.StringIO("138 0000 9876\n"))
    status, said = waybill("find", "--phone")
    assert status == 0
    assert "\tP-1\t" in said
    assert "9876" not in said
    monkeypatch.setattr(sys, "stdin", io.StringIO("13800001234\n"))
    status, said = waybill("find", "--phone")
    assert (status, "13800001234" in said) == (1, False)


def test_shred_is_refused_until_every_order_has_its_number(waybill, tmp_path, request):
    path, folder, _, _ = entered(waybill, tmp_path, request)
    status, said = waybill("mask", path, "--shred", labels="none")
    assert status == 2
    assert "3 orders have no waybill number yet" in said
    assert path.exists()
    filled = fill(folder, [(f"YTSHRED{n:06}", "301-007-00 013") for n in range(3)])
    assert waybill("mask", filled, "--shred", labels="none")[0] == 2
    assert waybill("ship", filled, labels="none")[0] == 0
    status, said = waybill("mask", path, "--shred", "--overwrite", labels="none")
    assert status == 0, said
    assert not path.exists()


def test_other_files_are_not_taken_for_masked_ones(waybill, tmp_path, request):
    path, _, _, _ = entered(waybill, tmp_path, request)
    status, said = waybill("ship", path)
    assert status == 2
    assert "not a table that waybill mask wrote" in said


def test_new_deployment_is_named_with_its_keys_once(tmp_path, capsys):
    path = tmp_path / "orders.csv"
    path.write_text(text(row(1)), "utf-8")
    options = ["--to", str(tmp_path / "d"), "--labels", "none"]
    main(["mask", str(path), *options])
    said = capsys.readouterr().err
    assert f"{tmp_path / 'd'} was made" in said
    assert "root.key" in said
    assert "your own couriers" in said
    main(["mask", str(path), *options])
    assert "was made" not in capsys.readouterr().err


@pytest.mark.parametrize("command", ["ship", "find", "status", "cancel"])
def test_no_command_but_mask_makes_a_deployment(command, tmp_path, capsys):
    words = ["--number", "YT0000000001", "--route", "301"] if command == "ship" else []
    assert main([command, "A-1", *words, "--to", str(tmp_path / "d")]) == 2
    assert "there is no deployment" in capsys.readouterr().err
    assert not (tmp_path / "d").exists()


@pytest.mark.parametrize("name", ["masked.csv", "masked.xlsx"])
def test_label_prints_a_masked_file_that_a_spreadsheet_saved(name, tmp_path, capsys):
    book = openpyxl.Workbook()
    for cells in csv.reader(text(row(1), row(2)).splitlines()):
        book.active.append(cells)
    book.save(tmp_path / "orders.xlsx")
    main(["mask", str(tmp_path / "orders.xlsx"), "--to", str(tmp_path / "d"), "--labels", "none"])
    path = tmp_path / "orders-masked" / "masked.xlsx"
    if name == "masked.csv":
        path = tmp_path / name
        sheet = openpyxl.load_workbook(tmp_path / "orders-masked" / "masked.xlsx").active
        with path.open("w", encoding="gb18030", newline="") as file:
            csv.writer(file).writerows(sheet.iter_rows(values_only=True))
    words = ["label", str(path), "--job", "j", "--folder", str(tmp_path / "d"), "--out", str(tmp_path / "labels.pdf")]
    assert main(words) == 0, capsys.readouterr().err
    assert len(read_pdf((tmp_path / "labels.pdf").read_bytes())) == 2
