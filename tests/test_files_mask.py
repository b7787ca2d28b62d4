"""`waybill mask`: what goes in, what comes out, and what a second run does."""

from __future__ import annotations

import csv
import io
import json
import re
import sys
import tomllib

import openpyxl
import pytest

from api.cli.main import main
from api.importing.job import ImportJob, run_job
from api.importing.pasted import SURE
from masking.connection import Shop, connect
from masking.errors import InputError
from tests.support.order_files import FROM, HEAD, laid_out, row, text, workbook
from tests.support.people import SHOP


@pytest.fixture
def file(tmp_path):
    return tmp_path / "orders.csv"


@pytest.fixture
def mask(tmp_path, file, capsys):
    """Run the command on a text; its exit status. What it said is in `mask.said`."""

    def run(content=None, *options):
        if content is not None:
            file.write_text(content, "utf-8")
        status = main(["mask", str(file), "--to", str(tmp_path / "deployment"), "--labels", "none", *options])
        run.said = "".join(capsys.readouterr())
        return status

    return run


@pytest.fixture
def shop(world, store):
    return Shop(world, store, SHOP)


def read(file, name="masked"):
    with (file.parent / "orders-masked" / f"{name}.csv").open(encoding="utf-8-sig", newline="") as stream:
        return list(csv.reader(stream))


def rejected(file):
    return [(line[0], *line[2:4]) for line in read(file, "rejected")[1:]]


def waybills(tmp_path, *references):
    with connect(tmp_path / "deployment") as shop:
        return [[waybill.id for waybill in shop.find(reference=each)] for each in references]


def test_good_file_is_accepted_whole(mask, file):
    assert mask(text(row(1), row(2))) == 0
    assert len(read(file)) == 3
    assert rejected(file) == []


def test_good_rows_are_accepted_next_to_bad_ones(mask, file, tmp_path):
    assert mask(text(row(1), row(2, phone="1.38E+10"), row(3, address=""), row(4))) == 1
    assert [line[0] for line in read(file)[1:]] == ["F-1", "F-4"]
    assert rejected(file) == [
        ("3", "recipient.phone", "spreadsheet-exponent"),
        ("4", "recipient.address", "missing"),
    ]
    assert waybills(tmp_path, "F-2", "F-3") == [[], []]


def test_file_of_bad_rows_reports_that_none_was_accepted(mask):
    assert mask(text(row(1, phone="1.38E+10"))) == 3


UNCLEAR = "订单号,神秘列,收件人,收件电话,收件地址\nF-1,3栋什么501,张测试,13800000001,上海市浦东新区世纪大道1号\n"


def test_unclear_file_enters_nothing_and_says_what_to_answer(mask, file, tmp_path):
    assert mask(UNCLEAR) == 2
    assert "神秘列" in mask.said
    assert "什么" not in mask.said
    assert not (tmp_path / "deployment").exists()
    assert not (file.parent / "orders-masked").exists()


def test_answer_sheet_is_itself_a_file_of_answers_that_is_remembered(mask, tmp_path):
    mask(UNCLEAR)
    sheet = mask.said.partition("waybill.toml.\n\n")[2]
    name, phone, address = FROM.split(",")
    for part, value in (("name", name), ("phone", phone), ("address", address)):
        sheet = sheet.replace(f'{part} = ""', f"{part} = {json.dumps(value, ensure_ascii=False)}")
    answers = tmp_path / "answers.toml"
    answers.write_text(sheet, "utf-8")
    assert mask(UNCLEAR, "--columns", str(answers)) == 0
    answers.unlink()
    assert mask(UNCLEAR.replace("F-1", "F-2"), "--out", str(tmp_path / "2")) == 0
    assert "the answers of an earlier file with these headers are used" in mask.said
    assert mask(UNCLEAR.replace("神秘列", "另一神秘列"), "--out", str(tmp_path / "3")) == 2


SENDERLESS = "订单号,收件人,收件电话,收件地址\nF-1,张测试,13800000001,上海市浦东新区世纪大道1号\n"


def test_sender_is_given_with_an_option_or_in_the_settings(mask, file, tmp_path):
    assert mask(SENDERLESS) == 2
    assert "--sender" in mask.said
    assert mask(SENDERLESS, "--sender", FROM) == 0
    assert read(file)[1][8] == "样*店"
    name, phone, address = FROM.split(",")
    settings = tmp_path / "deployment" / "waybill.toml"
    settings.write_text(
        settings.read_text("utf-8") + f'\n[sender]\nname = "{name}"\nphone = "{phone}"\naddress = "{address}"\n',
        "utf-8",
    )
    assert mask(SENDERLESS) == 0
    assert "1 entered before" in mask.said
    assert mask(SENDERLESS, "--sender", "别的店,13700000003,浙江省杭州市西湖区文三路90号") == 3
    assert rejected(file) == [("2", "reference", "changed-after-checkout")]


def test_file_without_a_sender_is_answered_with_the_option_for_it(mask):
    assert mask(SENDERLESS) == 2
    assert '--sender "NAME,PHONE,ADDRESS"' in mask.said
    assert "not understood" not in mask.said
    assert "--columns" not in mask.said


def test_only_header_is_found_when_the_user_names_it(mask, tmp_path):
    columns = tmp_path / "columns.toml"
    columns.write_text('"recipient.line" = ["收货信息"]\n', "utf-8")
    pasted = '收货信息\n"陶示例，13800000030，江西省南昌市红谷滩区丰和中大道1288号3栋1单元1502"\n'
    assert mask(pasted) == 2
    assert "no row of headers" in mask.said
    assert mask(pasted, "--columns", str(columns)) == 2
    assert "which column is reference?" in mask.said


@pytest.mark.parametrize("sender", ["样例店", "样例店,13700000002", ",13700000002,杭州"])
def test_incomplete_sender_is_refused(mask, sender):
    assert mask(SENDERLESS, "--sender", sender) == 2
    assert "give NAME,PHONE,ADDRESS" in mask.said


def test_incomplete_sender_in_the_settings_is_refused(mask, tmp_path):
    (tmp_path / "deployment").mkdir()
    (tmp_path / "deployment" / "waybill.toml").write_text('[sender]\nname = "样例店"\n', "utf-8")
    assert mask(SENDERLESS) == 2
    assert "[sender] takes name, phone and address" in mask.said


def test_explain_shows_the_columns_and_enters_nothing(mask, tmp_path):
    assert mask(text(row(1), row(2, phone="1.38E+10")), "--explain") == 0
    assert "recipient.phone       收件电话 (column 5)" in mask.said
    assert "1 would be rejected: recipient.phone: spreadsheet-exponent (A spreadsheet has turned" in mask.said
    assert not (tmp_path / "deployment").exists()


def test_second_run_gives_the_same_bytes_and_enters_nothing(mask, file, tmp_path):
    content = text(row(1), row(2))
    mask(content)
    first = (file.parent / "orders-masked" / "masked.csv").read_bytes()
    before = waybills(tmp_path, "F-1", "F-2")
    assert mask() == 0
    assert "2 entered before" in mask.said
    assert (file.parent / "orders-masked" / "masked.csv").read_bytes() == first
    assert waybills(tmp_path, "F-1", "F-2") == before


def test_changed_content_is_rejected_without_the_option_for_it(mask, file):
    mask(text(row(1), row(2)))
    changed = text(row(1, address="上海市浦东新区世纪大道9号3栋501室"), row(2))
    assert mask(changed) == 1
    assert rejected(file) == [("2", "reference", "changed-after-checkout")]
    assert mask(changed, "--amend") == 0
    assert "9号" in read(file)[1][7]
    assert mask(changed) == 0


def test_carrier_numbers_may_come_with_a_later_file(mask, file):
    assert mask(text(row(1, number="", route=""))) == 0
    assert read(file)[1][2:4] == ["", ""]
    assert mask(text(row(1))) == 0
    assert read(file)[1][2:4] == ["YT000000000001", "301-007-00 013"]


def test_existing_number_is_replaced_only_with_the_option_for_it(mask, file):
    mask(text(row(1), row(2)))
    other = text(row(1, number="YT000000000009"), row(2))
    assert mask(other) == 1
    assert rejected(file) == [("2", "waybill_number", "changed-after-checkout")]
    assert mask(other, "--amend") == 0
    assert read(file)[1][2] == "YT000000000009"


def test_no_output_holds_personal_data(mask, file):
    secret = "金丝雀密语九七五三"
    mask(text(row(1, name="司徒金丝雀", phone="13800007777"), row(2, name=secret + "*" * 4), row(3, phone=secret)))
    made = b"".join(path.read_bytes() for path in (file.parent / "orders-masked").iterdir()).decode("utf-8")
    for canary in ("金丝雀", "13800007777", "7777", secret):
        assert canary not in made
        assert canary not in mask.said


def test_no_written_cell_is_a_formula(mask, file):
    mask(text(row(1, reference="=1+1", remark="＝cmd"), row(2, reference="-2", goods="@SUM(A1)")))
    for line in read(file)[1:]:
        assert [cell for cell in line if cell[:1] in set("=+-@＝＋－＠\t\r")] == []


def test_workbook_is_answered_by_a_workbook_of_strings(shop, tmp_path):
    path = tmp_path / "orders.xlsx"
    rows = [HEAD.split(","), row(1, reference="-1+1").split(","), row(2, phone="1.38E+10").split(",")]
    path.write_bytes(workbook([{"name": "Sheet1", "rows": rows}]))
    layout, found = laid_out(path)
    job = ImportJob(path=path, folder=tmp_path / "out", layout=layout, survey=found, confidence=SURE, template=None)
    run_job(shop, job, io.StringIO())
    page = openpyxl.load_workbook(tmp_path / "out" / "rejected.xlsx").active
    assert [cell.value for cell in page[2]][:4] == ["3", "收件电话", "recipient.phone", "spreadsheet-exponent"]
    page = openpyxl.load_workbook(tmp_path / "out" / "masked.xlsx").active
    assert [cell.value for cell in page[2]][:3:2] == ["'-1+1", "YT000000000001"]
    assert {cell.data_type for line in page.iter_rows() for cell in line if cell.value is not None} == {"s"}


def test_leased_number_is_written_in_the_importers_form(shop, file, tmp_path):
    file.write_text(text(row(1)), "utf-8")
    layout, found = laid_out(file)
    job = ImportJob(
        path=file, folder=tmp_path / "orders-masked", layout=layout, survey=found, confidence=SURE, template=None
    )
    run_job(shop, job, io.StringIO())
    [_, line] = read(file)
    assert re.fullmatch(r"\d{11}-\d{4}", line[4])


def test_labels_are_one_job_with_the_same_bytes_again(mask, file):
    mask(text(row(1), row(2), row(3, route="")))
    folder = file.parent / "orders-masked"
    prints = []
    for _ in range(2):
        assert main(["mask", str(file), "--to", str(file.parent / "deployment")]) == 0
        [path] = folder.glob("*.pdf")
        prints.append(path.read_bytes())
    assert prints[0] == prints[1]
    assert prints[0].startswith(b"%PDF")


def test_unprinted_labels_are_counted_by_reason(mask, file, capsys):
    mask(text(row(1), row(3, route="")))
    main(["mask", str(file), "--to", str(file.parent / "deployment")])
    said = capsys.readouterr().out
    assert "1 labels" in said
    assert (
        "1 not printed: not-shipped: The waybill number or the routing code is missing. Enter both with `ship`" in said
    )


def test_input_is_named_as_the_remaining_leak(mask, file):
    mask(text(row(1)))
    assert f"{file} still holds all data in plaintext" in mask.said


def test_shred_leaves_neither_file_nor_content(mask, file, tmp_path):
    assert mask(text(row(1)), "--shred") == 0
    assert not file.exists()
    left = [path for path in tmp_path.iterdir() if path.is_file()]
    assert [path for path in left if "张测试".encode() in path.read_bytes()] == []


def test_shred_is_refused_while_a_row_exists_only_in_the_file(mask, file):
    assert mask(text(row(1), row(2, phone="1.38E+10")), "--shred") == 2
    assert file.exists()
    assert "13800000001" in file.read_text("utf-8")


def test_shred_is_refused_while_an_unpaid_order_is_only_in_the_file(mask, file):
    head, good, later = text(row(1), row(2)).splitlines()
    assert mask(f"{head},订单状态\n{good},待发货\n{later},待付款\n", "--shred") == 2
    assert "1 unpaid or hidden rows are only in this file" in mask.said
    assert file.exists()
    assert mask(f"{head},订单状态\n{good},待发货\n{later},已取消\n", "--shred", "--overwrite") == 0
    assert not file.exists()


def test_shred_is_refused_while_the_file_has_another_name(mask, file, tmp_path):
    file.write_text(text(row(1)), "utf-8")
    (tmp_path / "copy.csv").hardlink_to(file)
    assert mask(None, "--shred") == 2
    assert file.exists()


def test_two_runs_cannot_write_to_one_folder_at_a_time(shop, file, tmp_path):
    file.write_text(text(row(1), row(2)), "utf-8")
    layout, found = laid_out(file)
    job = ImportJob(path=file, folder=tmp_path / "out", layout=layout, survey=found, confidence=SURE, template=None)

    class Impatient:
        """A shop at which a second process starts the same job."""

        def __getattr__(self, name):
            return getattr(shop, name)

        def checkout(self, orders):
            with pytest.raises(InputError, match="another run"):
                run_job(shop, job, sys.stderr)
            return shop.checkout(orders)

    assert run_job(Impatient(), job, io.StringIO()).taken["new"] == 2


def test_file_that_changes_during_reading_is_refused(shop, file, tmp_path):
    file.write_text(text(row(1), row(2)), "utf-8")
    layout, found = laid_out(file)
    job = ImportJob(path=file, folder=tmp_path / "out", layout=layout, survey=found, confidence=SURE, template=None)

    class Busy:
        """A shop whose merchant saves the file in the middle."""

        def __getattr__(self, name):
            return getattr(shop, name)

        def checkout(self, orders):
            file.write_text(text(row(1)), "utf-8")
            return shop.checkout(orders)

    with pytest.raises(InputError, match="changed while it was read"):
        run_job(Busy(), job, io.StringIO())
    assert list((tmp_path / "out").iterdir()) == []


def test_answer_never_replaces_the_input_file(mask, tmp_path):
    path = tmp_path / "masked.csv"
    path.write_text(text(row(1)), "utf-8")
    assert main(["mask", str(path), "--to", str(tmp_path / "deployment"), "--out", str(tmp_path)]) == 2
    assert path.read_text("utf-8") == text(row(1))


def test_rejected_row_says_what_to_do_in_the_files_language(mask, file):
    mask(text(row(1), row(2, phone="1.38E+10")))
    assert "科学计数" in read(file, "rejected")[1][4]
    english = "order_number,recipient_name,recipient_phone,recipient_address,sender_name,sender_phone,sender_address\n"
    mask(english + f"E-1,Anna Example,1.38E+10,88 Demo Road,{FROM}\n", "--overwrite")
    assert "Export the column as text" in read(file, "rejected")[1][4]


def test_invalid_folder_is_named(mask, file, tmp_path):
    (tmp_path / "taken").write_text("")
    assert mask(text(row(1)), "--out", str(tmp_path / "taken")) == 2
    assert "taken" in mask.said


def test_unknown_label_size_is_reported_before_anything_is_entered(mask, file, tmp_path):
    assert mask(text(row(1)), "--labels", "1x1") == 2
    assert not (tmp_path / "deployment").exists()


def test_answer_sheet_offers_the_columns_in_doubt(mask, tmp_path):
    content = (
        "系统单号,平台单号,收货人,手机,地址\n"
        "90000001,2389460000000000001,张测试,13800000001,浙江 杭州市 西湖区 文三路90号5号楼301室\n"
    )
    assert mask(content, "--sender", FROM) != 0
    sheet = mask.said.partition("--columns:\n\n")[2]
    assert '# "reference" = ["平台单号"]' in sheet
    assert "系统单号" in sheet
    answers = tmp_path / "answers.toml"
    answers.write_text(sheet.replace('# "reference"', '"reference"'), "utf-8")
    assert mask(content, "--columns", str(answers), "--sender", FROM) == 0


def test_answer_sheet_asks_each_field_once_and_settles_the_file(mask, tmp_path):
    content = (
        "Order Number,Buyer Phone,Buyer City,Surname,Where,Item Name\n"
        "5002,13800000001,上海,张测试,世纪大道100号3栋2单元501室,示例茶\n"
    )
    assert mask(content, "--explain", "--sender", FROM) == 2
    sheet = mask.said.partition("--columns:\n\n")[2]
    offered = sheet.replace('# "', '"')  # every line taken
    assert {"recipient.name", "recipient.phone", "recipient.address", "recipient.city"} < tomllib.loads(offered).keys()
    assert '"recipient.phone" = []  # the headers of its columns, perhaps ["Buyer Phone"]' in sheet
    for part, header in {"name": "Surname", "phone": "Buyer Phone", "address": "Where"}.items():
        offered = offered.replace(f'"recipient.{part}" = []', f'"recipient.{part}" = ["{header}"]')
        offered = offered.replace(f'"{header}", ', "").replace(f', "{header}"]', "]") if part != "phone" else offered
    answers = tmp_path / "answers.toml"
    answers.write_text(offered, "utf-8")
    assert mask(content, "--columns", str(answers), "--sender", FROM) == 0, mask.said
