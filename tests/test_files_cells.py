"""Cells as shops and spreadsheets leave them: repaired where the original is certain, otherwise rejected by rule, without the value."""

from __future__ import annotations

import pytest

from api.importing.cells import clean, lost_digits, phone_again, whole_again
from api.importing.pasted import take_apart
from masking.values.plaintext import Order, Party
from tests.support.order_files import laid_out, outcomes, row, text


def read(tmp_path, *rows):
    path = tmp_path / "orders.csv"
    path.write_text(text(*rows), "utf-8")
    good, bad, _ = outcomes(*laid_out(path))
    return good, bad


@pytest.mark.parametrize(
    ("cell", "meant"),
    [
        ("张_x000D_三", "张 三"),
        ("_x0031_38", "138"),
        ("文三路90号_x000d__x000a_5号楼", "文三路90号  5号楼"),
        ("A&amp;B书店", "A&B书店"),
        ("文三路90号&nbsp;5号楼", "文三路90号\u00a05号楼"),
        ("文三路90号<br>5号楼<BR/>301室", "文三路90号 5号楼 301室"),
        ("<span style='x'>张三</span>", "张三"),
        ("&#24352;三", "张三"),
        ("138\u200b0000\u202d0001\u2069", "13800000001"),
        ("\ufeff张\u00ad三", "张三"),
        ("R&D部", "R&D部"),
        ("尺寸<5cm", "尺寸<5cm"),
        ("a_x_b", "a_x_b"),
    ],
)
def test_escapes_and_unseen_characters_are_undone(cell, meant):
    assert clean(cell) == meant


@pytest.mark.parametrize(
    ("cell", "phone"),
    [
        ("13,800,000,001", "13800000001"),
        ("13，800，000，001", "13800000001"),
        ("13,800,000,001.00", "13800000001"),
        ("1.3800000001E10", "13800000001"),
        ("1.3800000001e+10", "13800000001"),
        ("1.38E10", "1.38E10"),
        ("13800000001,13900000055", "13800000001,13900000055"),
    ],
)
def test_phone_comes_back_from_a_number_where_no_digit_is_lost(cell, phone):
    assert phone_again(cell) == phone


@pytest.mark.parametrize(
    ("cell", "lost"), [("1.38E10", True), ("1.38E+10", True), ("1.3800000001E10", False), ("2E3", True), ("E10", False)]
)
def test_exponent_loses_digits_unless_all_are_written(cell, lost):
    assert lost_digits(cell) is lost
    assert whole_again(cell).isdecimal() is not lost or cell == "E10"


@pytest.mark.parametrize("error", ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", " #N/A ", "Err:502"])
@pytest.mark.parametrize("field", ["name", "phone", "address", "reference", "number", "goods", "remark"])
def test_failed_formula_is_rejected_by_name(error, field, tmp_path):
    good, bad = read(tmp_path, row(1, **{field: error}), row(2))
    assert [line.split("|")[2] for line in bad] == ["spreadsheet-error"]
    assert len(good) == 1


@pytest.mark.parametrize("cell", ["null", "NULL", "无", "暂无", "详见面单", "N/A", "-", "'null", "None", "同上"])
@pytest.mark.parametrize("field", ["name", "phone", "address"])
def test_placeholder_in_a_required_field_is_rejected_by_name(cell, field, tmp_path):
    good, bad = read(tmp_path, row(1, **{field: cell}), row(2))
    assert bad == [f"2|recipient.{field}|placeholder"]
    assert len(good) == 1


def test_placeholder_in_other_fields_is_blank(tmp_path):
    good, bad = read(tmp_path, row(1, number="-", route="无", goods="null", remark="无"))
    assert bad == []
    assert good[0].split("|")[5:] == ["", "", "", ""]


SIGNS = ["*", "＊", "●", "•", "×", "■", "#", "_"]


@pytest.mark.parametrize("sign", SIGNS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "张{0}{0}"),
        ("name", "张{0}"),
        ("phone", "138{0}{0}{0}{0}0001"),
        ("phone", "{0}{0}{0}{0}0001"),
        ("address", "上海市浦东新区{0}{0}{0}{0}"),
        ("address", "上海市浦东新区世纪大道{0}{0}号"),
    ],
)
def test_value_masked_with_any_sign_is_rejected(sign, field, value, tmp_path):
    _, bad = read(tmp_path, row(1, **{field: value.format(sign)}))
    assert bad == [f"2|recipient.{field}|already-masked"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "张xx"),
        ("name", "张·· "),
        ("phone", "138xxxx0001"),
        ("phone", "138----0001"),
        ("address", "世纪大道XX号"),
    ],
)
def test_letters_and_dots_that_mask_are_rejected_too(field, value, tmp_path):
    _, bad = read(tmp_path, row(1, **{field: value}))
    assert bad == [f"2|recipient.{field}|already-masked"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "阿依古丽·买买提"),
        ("name", "Max Foxx"),
        ("name", "O'Neil"),
        ("phone", "0571-88000000#301"),
        ("phone", "021-50000000 x 12"),
        ("phone", "一三八〇〇〇〇〇〇〇一"),
        ("address", "上海市浦东新区世纪大道100号3#501"),
        ("address", "上海市浦东新区二○○八广场5号"),
        ("address", "上海市浦东新区Foxx大厦3-2-501"),
    ],
)
def test_signs_that_mask_nothing_are_accepted(field, value, tmp_path):
    good, bad = read(tmp_path, row(1, **{field: value}))
    assert (len(good), bad) == (1, [])


@pytest.mark.parametrize("char", ["\U0002ebf0", "\U00031350", "\U000323b0", "\U0003347f", "\U00020bb7"])
def test_name_with_a_character_newer_than_python_is_a_name(char):
    party = Party(name=f"张{char}", phone="13800000001", address="上海市浦东新区世纪大道1号")
    assert Order(reference="A-1", recipient=party, sender=party).problems() == []
    assert take_apart(f"张{char}，13800000001，上海市浦东新区世纪大道1号").party.name.reveal() == f"张{char}"


@pytest.mark.parametrize("char", ["\U0002fffe", "\U0003ffff", "\U00040000", "\ue000", "\x00", "\ud800"])
def test_character_that_is_no_ideograph_is_still_refused(char):
    party = Party(name=f"张{char}", phone="13800000001", address="上海市浦东新区世纪大道1号")
    assert [each.rule for each in Order(reference="A-1", recipient=party, sender=party).problems()] == [
        "control-character",
        "control-character",
    ]
