"""What of remarks and goods may be shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.redact.freetext import mask_text
from masking.redact.goods import NEUTRAL, category
from masking.redact.identifiers import door_codes
from tests.support.redaction_cases import RedactionCase, read_cases

REMARKS = read_cases("remarks")


@pytest.mark.parametrize("case", REMARKS, ids=lambda case: case.text)
def test_personal_parts_of_a_remark_are_hidden_and_the_rest_stays(case: RedactionCase):
    shown = mask_text(case.text).text
    assert not [n for n in case.hidden if case.text[n].isalnum() and shown[n] != "*"], shown
    assert not [n for n, ch in enumerate(case.text) if ch.isalnum() and n not in case.hidden and shown[n] == "*"], shown
    assert mask_text(shown).text == shown


@given(st.text(max_size=80))
def test_any_text_can_be_masked(text):
    assert len(mask_text(text).text) == len(text)


def test_known_words_are_hidden_in_any_script():
    assert mask_text("給歐陽測試 或 Anna", ["欧阳测试", "anna"]).text == "給**** 或 ****"
    assert mask_text("Annapolis", ["anna"]).text == "Annapolis"


@pytest.mark.parametrize(
    ("goods", "word"),
    [
        ("书", "图书"),
        ("劳动合同", "文件"),
        ("羊毛衫", "服饰"),
        ("绿茶两斤", "食品"),
        ("耳机", "数码"),
        ("", ""),
        ("某种东西", NEUTRAL),
    ],
)
def test_goods_become_the_word_of_their_kind(goods, word):
    assert category(goods) == word


@pytest.mark.parametrize(
    "goods", ["药品", "血糖试纸", "孕妇装", "情趣用品", "婴儿奶粉", "轮椅", "减肥茶", "成人纸尿裤"]
)
def test_sensitive_goods_look_like_unknown_ones(goods):
    assert category(goods) == NEUTRAL


@pytest.mark.parametrize(
    "text",
    [
        "大门密码13800000001",
        "密码：138-0000-0001",
        "WiFi密码 1380000 0001",
        "呼叫138 0000 0001",
        "开门请打87654321",
    ],
)
def test_phone_behind_a_word_for_codes_is_no_door_code(text):
    assert door_codes(text) == ""


def test_door_codes_next_to_a_phone_are_found():
    assert door_codes("门禁呼叫0502，密码2580#，电话13800000001") == "门禁呼叫0502; 密码2580#"
