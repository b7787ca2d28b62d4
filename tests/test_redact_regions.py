"""The region of an address: what is named is found, what is not is not invented."""

from __future__ import annotations

import pytest

from masking.redact.divisions import table
from masking.redact.normalise import normalise
from masking.redact.regions import find_region, find_town
from tests.support.redaction_cases import case_lines

CASES = [line.split("\t") for line in case_lines("regions") if not line.startswith("## ")]


def read(address: str) -> str:
    text = normalise(address).text
    region = find_town(text, find_region(text))
    return "/".join(part or "-" for part in (region.province, region.city, region.district, region.town, region.code))


@pytest.mark.parametrize(("address", "expected"), CASES, ids=lambda text: text)
def test_region_is_read_as_named(address, expected):
    assert read(address) == expected


def test_every_district_is_found_under_its_province_and_city():
    names = table().by_code
    missed = []
    for code in [code for code in names if len(code) == 6 and code[0] != "8"]:
        whole_city = code[:4] == code[:2] + "01" and code[:2] in {"11", "12", "31", "50"}
        address = names[code[:2]] + ("" if whole_city else names.get(code[:4], "")) + names[code] + "人民路1号"
        region = find_region(address)
        if (region.district, region.code) != (names[code], code):
            missed.append(address)
    assert missed == []


@pytest.mark.parametrize(
    "tail",
    [
        "路100号",
        "东路1号",
        "大道5号",
        "街12号",
        "一路3号",
        "大厦3楼",
        "广场",
        "大学",
        "医院",
        "酒店",
        "花园3栋",
        "小区",
        "银行",
        "商场",
        "新村",
    ],
)
def test_road_or_place_named_after_a_city_is_not_taken_for_it(tail):
    shorts = [short for short, codes in table().shorts.items() if any(len(code) < 6 for code in codes)]
    assert [short for short in shorts if find_region(short + tail).spans] == []


def test_region_knows_the_position_of_its_names():
    text = "江西九江彭泽县江西省九江市彭泽县龙城镇"
    region = find_region(text)
    assert [text[a:b] for a, b in region.spans] == ["江西", "九江", "彭泽县", "江西省", "九江市", "彭泽县"]
    assert text[region.end :] == "龙城镇"


def test_region_table_holds_all_levels():
    known = table()
    assert sum(len(code) == 2 for code in known.by_code) == 34
    assert sum(len(code) == 6 for code in known.by_code) > 2800
    assert sum(len(towns.split(" ")) for towns in known.towns.values()) > 40_000
