"""`waybill redact`: JSON lines in, JSON lines out."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from masking.redact.divisions import AS_OF


def redact(*rows: str) -> tuple[int, list[dict[str, object]], str]:
    command = [sys.executable, "-m", "api.cli", "redact"]
    done = subprocess.run(
        command, check=False, input="\n".join(rows) + "\n", capture_output=True, text=True, encoding="utf-8"
    )
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()], done.stderr


def test_every_field_is_masked_with_offsets_into_its_value():
    asked = [
        {"id": 1, "field": "address", "value": "浙江杭州西湖区文三路９０号5幢301室", "profile": "label"},
        {"id": "b", "field": "name", "value": "欧阳测试"},
        {"id": 3, "field": "phone", "value": "+86 13800000001"},
        {"id": 4, "field": "text", "value": "打13800000001"},
        {"id": 5, "field": "name", "value": "欧阳测试", "profile": "strict"},
    ]
    status, rows, _ = redact(*(json.dumps(row) for row in asked), "")
    assert status == 0
    assert [row["id"] for row in rows] == [1, "b", 3, 4, 5]
    assert rows[0] == {
        "id": 1,
        "masked": "浙江杭州西湖区文三路９０号******",
        "hidden": [[13, 19]],
        "region": {"province": "浙江省", "city": "杭州市", "district": "西湖区", "town": "", "code": "330106"},
        "segments": [
            [0, 7, "region"],
            [7, 10, "street"],
            [10, 13, "number"],
            [13, 15, "building"],
            [15, 19, "room"],
        ],
    }
    assert [row["masked"] for row in rows[1:]] == ["欧阳**", "+86 138********", "打***********", "****"]


@pytest.mark.parametrize(
    "line",
    [
        "no json 13800000001",
        "{}",
        '{"field": "door", "value": "x"}',
        '{"field": "name", "value": "张三", "profile": "all"}',
        "[" * 100_000,
    ],
    ids=lambda line: line[:20],
)
def test_unreadable_line_is_named_by_its_number_only(line):
    status, rows, err = redact('{"field": "name", "value": "张三"}', line)
    assert status == 2
    assert len(rows) == 1
    assert "row 2" in err
    assert "13800000001" not in err
    assert "张三" not in err


def test_party_is_hidden_in_every_shape():
    party = {"name": "张三丰", "phone": "13800000001", "address": "浙江杭州西湖区文三路90号5幢301室"}
    texts = {
        "给张 三丰": "给****",
        "三丰要的": "**要的",
        "給張三豐": "給***",
        "sanfeng的书": "*******的书",
        "Zhang San Feng": "**************",
        "zhangsanfeng": "************",
        "放301": "放***",
        "尾数是0001": "尾数是****",
        "ZHANG Sanfeng 收": "************* 收",
    }
    asked = [json.dumps({"id": n, "field": "text", "value": text, "party": party}) for n, text in enumerate(texts)]
    asked.append(json.dumps({"field": "address", "value": "文三路90号三丰书店", "party": {"name": "三丰"}}))
    _, rows, _ = redact(*asked)
    assert [row["masked"] for row in rows] == [*texts.values(), "文三路90号**书店"]


def test_party_of_one_word_or_without_fields_is_no_error():
    _, rows, _ = redact('{"field": "text", "value": "annaexample", "party": {"name": "Anna Example"}}')
    assert rows[0]["masked"] == "***********"
    _, rows, _ = redact('{"field": "text", "value": "call None", "party": {"name": null}}')
    assert rows[0]["masked"] == "call None"
    status, _, _ = redact('{"field": "text", "value": "x", "party": []}')
    assert status == 0


def test_version_names_the_date_of_the_divisions():
    command = [sys.executable, "-m", "api.cli", "--version"]
    done = subprocess.run(command, check=True, capture_output=True, text=True, encoding="utf-8")
    assert done.stdout.strip().endswith("divisions of " + AS_OF)
