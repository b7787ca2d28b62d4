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

from api.importing.answers import Answers, read_answers
from api.importing.cells import lost_digits
from api.importing.layout import understand
from api.importing.orders import survey
from api.importing.table import readings
from masking.errors import InputError
from tests.support.order_files import CASES, SENDER, case, laid_out, outcomes, workbook, write

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


def test_plain_form_has_the_expected_orders():
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
def test_workbook_and_text_file_give_the_same_orders(tmp_path, order, above):
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
def test_reader_fails_by_name_on_any_bytes(tmp_path, data, head):
    path = tmp_path / "orders.csv"
    path.write_bytes(head + data)
    survives(path)


@pytest.mark.parametrize("name", CASES)
def test_corpus_file_with_holes_fails_by_name(name, tmp_path):
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
def test_error_never_repeats_a_cell(tmp_path, text):
    path = tmp_path / "orders.csv"
    secret = "金丝雀密语"
    path.write_text(
        f'订单号,收件人,收件电话,收件地址\nA-1,{secret}{text},{secret},{secret}\n"', "utf-8", errors="replace"
    )
    assert secret not in survives(path)


@relaxed
@given(number=st.integers(10**15, 10**22))
def test_number_that_a_spreadsheet_cannot_hold_is_not_read_as_digits(number, tmp_path):
    path = tmp_path / "orders.xlsx"
    path.write_bytes(workbook([{"name": "S", "rows": [["订单号", "收件人"], [float(number), "x"]]}]))
    [_, (_, cells)] = readings(path)[0].head()
    assert lost_digits(cells[0])


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        ("nonsense", "can't be read as TOML"),
        ('recipient.name = "a"', "no field is called recipient"),
        ('"recipient.nose" = "a"', "no field is called recipient.nose"),
        ("reference = 3", "is not a list of headers: write headers in quotes"),
        ('reference = ["a", "b"]', "has several headers: give one"),
        ('[sender]\nname = "a"', "[sender] holds"),
    ],
)
def test_wrong_answer_is_named(content, rule, tmp_path):
    path = tmp_path / "answers.toml"
    path.write_text(content, "utf-8")
    with pytest.raises(InputError) as caught:
        read_answers(path)
    assert rule in str(caught.value)


def test_answer_about_a_missing_column_becomes_a_question(tmp_path):
    path, _ = write(case("plain-chinese"), tmp_path)
    layout = understand(readings(path), Answers(columns={"remark": ["没有"]}, sender=SENDER))
    assert [question for question in layout.questions if "没有" in question]
    assert survey(layout).lines == 1
