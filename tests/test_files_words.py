"""Laws of words and cells: headers are understood whole, numbers come back where that is sure, pasted lines come apart."""

from __future__ import annotations

import ast
import re
import tomllib
from pathlib import Path

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from api.importing import table
from api.importing.answers import read_answers
from api.importing.cells import clean, no_formula, phone_again
from api.importing.headers import FIELDS, place
from api.importing.pasted import SURE, take_apart
from api.importing.rules import meaning
from masking.values.plaintext import Order, Party
from tests.support.order_files import CASES, case, laid_out, write

ROOT = Path(__file__).parents[1]


@given(st.text(max_size=30))
def test_no_written_cell_is_read_as_a_formula(text):
    assert no_formula(text)[:1] not in set("=+-@＝＋－＠\t\r\n|%")


@given(st.sampled_from([*"\t '=\ufeff\u3000"]), st.text(alphabet="0123456789", min_size=1, max_size=19))
def test_number_is_the_same_under_every_kind_of_protection(sign, digits):
    for wrapped in (
        digits,
        f'="{digits}"',
        f"'{digits}",
        f"\t{digits} ",
        f"\ufeff{digits}",
        f"{digits}{sign.strip(chr(39) + '=')}",
    ):
        assert clean(wrapped) == digits


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("2180000031", "02180000031"),
        ("1080000031", "01080000031"),
        ("57180000002", "057180000002"),
        ("5378000001", "05378000001"),
        ("13800000001.0", "13800000001"),
    ],
)
def test_lost_zero_is_restored_where_it_is_certain(text, meant):
    assert phone_again(text) == meant


@pytest.mark.parametrize(
    "text",
    [
        "13800000001",
        "4008000000",
        "8008100000",
        "80000031",
        "2680000031",
        "212-555-0100",
        "+8613800000001",
        "10800000",
        "",
    ],
)
def test_phone_that_may_be_complete_stays_unchanged(text):
    assert phone_again(text) == text


def test_every_field_is_understood_by_its_own_name():
    own = {name: place(name.replace(".", " ")) for name in FIELDS if not name.endswith((".region", ".street", ".line"))}
    assert {name: meaning and meaning.field for name, meaning in own.items()} == {name: name for name in own} | {
        "routing_code": "three_part_code"
    }


@pytest.mark.parametrize(
    "header",
    [
        "收件人电话吗",
        "备用收件人电话",
        "phone to",
        "地址不详",
        "旧订单号",
        "客户名称",
        "发货信息",
        "shipping company",
        "电话 地址",
        "收件人/寄件人",
        "名称",
        "x",
    ],
)
def test_header_is_understood_whole_or_not_at_all(header):
    assert place(header) is None


@given(st.sampled_from(["，", ",", " ", "；", "\n", "|", "\t"]), st.permutations([0, 1, 2]))
def test_pasted_line_is_split_in_any_order(separator, order):
    parts = ["欧阳测试", "13800000001", "浙江省杭州市西湖区文三路90号5号楼301室"]
    apart = take_apart(separator.join(parts[at] for at in order))
    party = apart.party
    right = [party.name.reveal(), party.phone.reveal(), party.address.reveal()] == parts
    assert (right and apart.confidence >= SURE) or (order[1] == 0 and apart.confidence < SURE)


def test_digits_that_a_platform_appends_to_a_name_stay_with_it():
    apart = take_apart("张测试[1234] 13800000001-1234 北京市海淀区中关村南大街5号院[1234]")
    assert apart.party.name.reveal() == "张测试[1234]"
    assert apart.party.phone.reveal() == "13800000001-1234"
    assert apart.confidence >= SURE


@given(st.text(max_size=60))
def test_line_without_a_phone_is_never_certain(text):
    assume(not any(ch.isnumeric() for ch in text))
    assert take_apart(text).confidence == 0


OTHER_WORDS = {"not-a-table-of-text", "not-an-order", "hidden-in-the-sheet", "not-paid", "self-pick-up", "x-gbk"}
"""Words of the importer that are no rules: of whole files, of rows that are left out, and an encoding."""
RULES_OF_AN_ORDER = [
    Order(reference=reference, recipient=recipient, sender=recipient, **more).problems()
    for recipient in (
        Party(name="张**", phone="1.38E+10", address=""),
        Party(name="\x07", phone="138", address="长" * 301),
    )
    for reference in ("", "x" * 65)
    for more in ({}, {"waybill_number": "?", "routing_code": "?"})
]


def rules_of_rows():
    """The rules that the importer gives rows: constants, and the fixed start of f-strings."""
    for path in sorted((ROOT / "api" / "importing").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Constant) and re.fullmatch(r"[a-z]+(?:-[a-z]+)+-?", str(node.value)):
                yield node.value


def test_every_rule_of_a_row_has_a_meaning_in_both_languages():
    found = set(rules_of_rows()) - OTHER_WORDS
    assert len(found) > 12
    unexplained = [rule for rule in found for chinese in (True, False) if meaning(rule, chinese=chinese) == rule]
    assert unexplained == []


@pytest.mark.parametrize("rule", sorted({problem.rule for found in RULES_OF_AN_ORDER for problem in found}))
def test_every_rule_of_an_order_has_a_meaning_in_both_languages(rule):
    assert meaning(rule, chinese=True) != rule != meaning(rule, chinese=False)


def test_answers_in_the_docs_are_valid(tmp_path):
    page = (Path(__file__).parents[1] / "docs" / "cleaning-up.md").read_text("utf-8")
    answers = tmp_path / "answers.toml"
    answers.write_text(page.partition("```toml\n")[2].partition("```")[0], "utf-8")
    found = read_answers(answers)
    assert found.sender
    assert {*found.columns} == {"reference", "recipient.address"}
    assert found.ignore == {"客户等级", "#17"}


def test_every_profile_is_used_by_a_file_of_the_corpus(tmp_path):
    used = set()
    for name in CASES:
        what = case(name)
        if "error" not in what["expect"]:
            (tmp_path / name).mkdir()
            used.add(laid_out(*write(what, tmp_path / name))[0].profile)
    profiles = tomllib.loads((Path(table.__file__).parent / "profiles.toml").read_text("utf-8"))
    assert {each["name"] for each in profiles.values()} - used == set()
