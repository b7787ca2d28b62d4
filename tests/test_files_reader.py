"""Laws of the reader: how a file is written does not matter, and no bytes make it fail in an unnamed way."""

from __future__ import annotations

import csv
import io
import random
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from api.files.cells import clean, lost_digits, no_formula, phone_again
from api.files.headers import FIELDS, place
from api.files.layout import Answers, read_answers, understand
from api.files.orders import survey
from api.files.pasted import SURE, take_apart
from api.files.table import readings
from masking.errors import InputError
from tests.files import CASES, SENDER, case, laid_out, outcomes, workbook, write

HEADERS = [
    "订单号",
    "运单号",
    "收件人",
    "手机",
    "省",
    "市",
    "区",
    "详细地址",
    "商品名称",
    "数量",
    "买家留言",
    "卖家备注",
    "金额",
]
ORDERS = [
    [
        "A-1",
        "YT000000000001",
        "张测试",
        "13800000001",
        "浙江省",
        "杭州市",
        "西湖区",
        "文三路90号 5号楼",
        "书, 笔",
        "2",
        '说"好"',
        "",
        "1",
    ],
    ["A-2", "", "李样例", "02180000031", "上海市", "上海市", "静安区", "南京西路1266号", "茶", "1", "", "老客户", "2"],
    [
        "A-1",
        "YT000000000001",
        "张测试",
        "13800000001",
        "浙江省",
        "杭州市",
        "西湖区",
        "文三路90号 5号楼",
        "灯",
        "1",
        "",
        "",
        "3",
    ],
    [
        "A-3",
        "YT000000000003",
        "王虚构",
        "1.38E+10",
        "北京",
        "市辖区",
        "海淀区",
        "中关村南大街5号院",
        "药;酒",
        "1",
        "",
        "",
        "4",
    ],
]

relaxed = settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])


def as_text(rows, delimiter, newline, quoting):
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, lineterminator=newline, quoting=quoting).writerows(rows)
    return file.getvalue()


def understood(path):
    return outcomes(*laid_out(path))[:2]


def plain_outcome():
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        path.write_text(as_text([HEADERS, *ORDERS], ",", "\n", csv.QUOTE_MINIMAL), "utf-8")
        return understood(path)


EXPECTED = plain_outcome()


def test_the_plain_form_has_the_orders_it_should():
    good, bad = EXPECTED
    assert [line.partition("|")[0] for line in good] == ["3", "2,4"]
    assert bad == ["5|recipient.phone|spreadsheet-exponent"]


@relaxed
@given(
    order=st.permutations(range(len(HEADERS))),
    delimiter=st.sampled_from(",;\t"),
    newline=st.sampled_from(["\n", "\r\n", "\r"]),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "gb18030", "utf-16", "utf-16-le", "utf-16-be"]),
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
)
def test_columns_encoding_and_line_ends_change_nothing(tmp_path, order, delimiter, newline, encoding, quoting):
    rows = [[line[at] for at in order] for line in [HEADERS, *ORDERS]]
    path = tmp_path / "orders.csv"
    path.write_bytes(as_text(rows, delimiter, newline, quoting).encode(encoding))
    assert understood(path) == EXPECTED


@relaxed
@given(order=st.permutations(range(len(HEADERS))), above=st.integers(0, 4))
def test_a_workbook_says_what_a_text_says(tmp_path, order, above):
    numbers = {at for at, header in enumerate(HEADERS) if header in {"数量", "金额"}}
    rows = [[None, "导出"]] * above + [
        [int(line[at]) if at in numbers and line[at].isdecimal() else line[at] for at in order]
        for line in [HEADERS, *ORDERS]
    ]
    path = tmp_path / "orders.xlsx"
    path.write_bytes(workbook([{"name": "订单", "rows": rows}]))

    def moved(line):
        rows, bar, rest = line.partition("|")
        return ",".join(str(int(row) + above) for row in rows.split(",")) + bar + rest

    good, bad = EXPECTED
    assert understood(path) == (list(map(moved, good)), list(map(moved, bad)))


def survives(path):
    """Read a file as far as it goes; only errors with a name may come out."""
    try:
        layout, found = laid_out(path)
        outcomes(layout, found)
    except InputError as error:
        return str(error)
    return ""


@relaxed
@given(
    data=st.binary(max_size=400),
    head=st.sampled_from([b"", b"PK\x03\x04", b"\xff\xfe", b"\xef\xbb\xbf", "订单号,收件人\n".encode()]),
)
def test_no_bytes_make_the_reader_fail_without_a_name(tmp_path, data, head):
    path = tmp_path / "orders.csv"
    path.write_bytes(head + data)
    survives(path)


@pytest.mark.parametrize("name", CASES)
def test_a_corpus_file_with_holes_still_fails_by_name_only(name, tmp_path):
    path, _ = write(case(name), tmp_path)
    whole = path.read_bytes()
    dice = random.Random(name)
    for _ in range(12):
        data = bytearray(whole)
        for _ in range(dice.randint(1, 6)):
            if data:
                at = dice.randrange(len(data))
                data[at : at + dice.randint(0, 3)] = dice.randbytes(dice.randint(0, 3))
        path.write_bytes(bytes(data[: dice.randint(0, len(data))] if dice.random() < 0.3 else data))
        survives(path)


@relaxed
@given(text=st.text(max_size=40))
def test_an_error_never_repeats_what_stood_in_a_cell(tmp_path, text):
    path = tmp_path / "orders.csv"
    secret = "金丝雀密语"
    path.write_text(
        f'订单号,收件人,收件电话,收件地址\nA-1,{secret}{text},{secret},{secret}\n"', "utf-8", errors="replace"
    )
    assert secret not in survives(path)


@given(st.text(max_size=30))
def test_no_written_cell_is_a_formula(text):
    assert no_formula(text)[:1] not in set("=+-@＝＋－＠\t\r\n|%")


@given(st.sampled_from([*"\t '=\ufeff\u3000"]), st.text(alphabet="0123456789", min_size=1, max_size=19))
def test_a_number_is_the_same_however_it_was_protected(sign, digits):
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
def test_a_lost_zero_comes_back_where_that_is_sure(text, meant):
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
def test_a_phone_that_may_be_whole_stays_as_it_is(text):
    assert phone_again(text) == text


@relaxed
@given(number=st.integers(10**15, 10**22))
def test_a_number_that_a_spreadsheet_cannot_hold_is_never_taken_for_digits(number, tmp_path):
    path = tmp_path / "orders.xlsx"
    path.write_bytes(workbook([{"name": "S", "rows": [["订单号", "收件人"], [float(number), "x"]]}]))
    [_, (_, cells)] = readings(path)[0].head()
    assert lost_digits(cells[0])


def test_every_field_that_can_be_named_is_understood_by_its_own_name():
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
def test_a_header_is_understood_whole_or_not_at_all(header):
    assert place(header) is None


@given(st.sampled_from(["，", ",", " ", "；", "\n", "|", "\t"]), st.permutations([0, 1, 2]))
def test_a_pasted_line_is_taken_apart_in_any_order(separator, order):
    parts = ["欧阳测试", "13800000001", "浙江省杭州市西湖区文三路90号5号楼301室"]
    apart = take_apart(separator.join(parts[at] for at in order))
    party = apart.party
    if order[1] != 0 or apart.confidence >= SURE:
        assert [party.name.reveal(), party.phone.reveal(), party.address.reveal()] == parts
        assert apart.confidence >= SURE


@given(st.text(max_size=60))
def test_a_line_without_a_phone_is_never_sure(text):
    if not any(ch.isnumeric() for ch in text):
        assert take_apart(text).confidence == 0


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("nonsense", "can't be read as TOML"),
        ('recipient.name = "a"', "no field is called recipient"),
        ('"recipient.nose" = "a"', "no field is called recipient.nose"),
        ("reference = 3", "takes headers in quotes"),
        ('reference = ["a", "b"]', "takes one header"),
        ('[sender]\nname = "a"', "[sender] holds"),
    ],
)
def test_a_wrong_answer_is_named(content, rule, tmp_path):
    path = tmp_path / "answers.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert rule in str(caught.value)


def test_an_answer_about_a_column_that_is_not_there_is_a_question(tmp_path):
    path, _ = write(case("plain-chinese"), tmp_path)
    layout = understand(readings(path), Answers(columns={"remark": ["没有"]}, sender=SENDER))
    assert [question for question in layout.questions if "没有" in question]
    assert survey(layout).lines == 1
