"""What of a name and a phone may be shown, and the one form of a phone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

import api
import masking
from masking.redact.freetext import mask_text
from masking.redact.names import COMPOUND, SINGLE, mask_name, surname
from masking.redact.normalise import normalise
from masking.redact.phones import canonical, find_phones, mask_phone
from tests.support.redaction_cases import RedactionCase, case_lines, read_cases

PHONES = read_cases("phones")
NAMES = [line.split("\t") for line in case_lines("names")]
SEPARATORS = [" ", "-", "·", ".", "/", "\u3000", "\u200b", "—", "_", " - ", "   "]
DIGITS = ["0123456789", "０１２３４５６７８９", "零一二三四五六七八九", "⓪①②③④⑤⑥⑦⑧⑨", "零壹贰叁肆伍陆柒捌玖"]


@pytest.mark.parametrize("case", PHONES, ids=lambda case: case.text)
def test_phone_is_hidden_whole_and_nothing_else(case: RedactionCase):
    shown = mask_text(case.text).text
    assert not [n for n in case.hidden if case.text[n].isalnum() and shown[n] != "*"], shown
    assert not [n for n, ch in enumerate(case.text) if ch.isalnum() and n not in case.hidden and shown[n] == "*"], shown
    assert mask_text(shown).text == shown


@pytest.mark.parametrize("case", [c for c in PHONES if c.hidden], ids=lambda case: case.text)
def test_phone_field_hides_six_digits_and_the_last_four(case: RedactionCase):
    text = "".join(case.text[n] for n in sorted(case.hidden))
    shown = mask_phone(text).text
    places = [n for n, ch in enumerate(text) if ch.isalnum() and ch not in "转接分机号ext"]
    assert sum(shown[n] == "*" for n in places) >= min(6, len(places))
    assert all(shown[n] == "*" for n in places[-4:])
    assert mask_phone(shown).text == shown


@given(st.integers(13800000000, 13809999999), st.data())
def test_separators_and_numerals_hide_as_much_and_mean_the_same(number, data):
    digits = [data.draw(st.sampled_from(DIGITS))[int(d)] for d in str(number)]
    for at in data.draw(st.sets(st.integers(1, 10))):
        digits[at] = data.draw(st.sampled_from(SEPARATORS)) + digits[at]
    text = "".join(digits)
    assert canonical(text) == f"+86{number}"
    shown = mask_text("电话" + text + "谢谢").text
    assert not [ch for ch in shown[2:-2] if ch.isalnum()]
    field = mask_phone(text).text
    assert sum(a == "*" and b != "*" for a, b in zip(field, text, strict=True)) >= 6


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("+86 138-0000-0001", "13800000001"),
        ("(0571) 8000 0002", "0571-80000002"),
        ("+86-571-80000002", "057180000002"),
        ("13800000001转4821", "13800000001-4821"),
        ("+852 5100 0030", "(852)51000030"),
        ("0912 000 030", "+886 912000030"),
        ("400-800-0002", "4008000002"),
    ],
)
def test_one_phone_has_one_normal_form(one, other):
    assert canonical(one) == canonical(other) is not None


def test_extension_makes_another_phone():
    assert canonical("13800000001-4821") == "+8613800000001;4821" != canonical("13800000001")


@pytest.mark.parametrize("text", ["", "没有电话", "123456", "1.38E+10", "订单"])
def test_invalid_phone_has_no_normal_form(text):
    assert canonical(text) is None


def test_phone_maps_back_to_the_original_text():
    text = "㈠打\u200b１３８ 0000 0001\u200b谢"
    [phone] = find_phones(normalise(text))
    assert text[slice(*phone.span)].strip("\u200b") == "１３８ 0000 0001"


def test_last_four_digits_are_shown_only_on_request():
    assert mask_phone("13800000001").text == "138********"
    assert mask_phone("13800000001", tail=True).text == "*******0001"


def test_words_next_to_a_phone_hide_all_of_it():
    assert mask_phone("张三 13800000001").text == "** ***********"


@pytest.mark.parametrize(("name", "shown"), NAMES, ids=lambda text: text)
def test_name_is_shown_as_listed(name, shown):
    assert mask_name(name).text == shown
    assert mask_name(shown).text == shown


@given(st.text(min_size=1, max_size=20).filter(lambda text: text.strip() and "*" not in text))
def test_some_part_of_every_name_is_hidden(name):
    shown = mask_name(name).text
    letters = [n for n, ch in enumerate(name) if ch.isalnum()]
    assert any(shown[n] == "*" for n in letters) if letters else "*" in shown


@given(st.sampled_from(sorted(COMPOUND)), st.text(alphabet="试样例虚构测", min_size=1, max_size=2))
def test_compound_surname_is_not_cut(family, given_name):
    assert mask_name(family + given_name).text == family + "*" * len(given_name)
    assert surname(family + given_name) == family


@pytest.mark.parametrize(
    ("name", "family"),
    [
        ("张三", "张"), ("李女士", "李"), ("买买提·艾力", "买买提"), ("Anna Example", "Example"), ("张测试[1234]", "张"),
        ("示例书店", "示例书店"), ("示例公司张三", "示例公司"), ("", ""),
    ],
)  # fmt: skip
def test_courier_sees_the_surname(name, family):
    assert surname(name) == family


def test_there_is_one_table_of_surnames():
    tables = [
        (path.name, node.value)
        for package in (masking, api)
        for path in Path(package.__file__ or "").parent.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and len(SINGLE & set(node.value)) > 60
    ]
    assert [name for name, _ in tables] == ["names.py"]
