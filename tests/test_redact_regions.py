"""The region of an address: what is named is found, what is not is not invented."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.redact.divisions import table
from masking.redact.normalise import normalise
from masking.redact.regions import find_region, find_town
from tests.marked import lines

CASES = [line.split("\t") for line in lines("regions") if not line.startswith("## ")]


def read(address: str) -> str:
    text = normalise(address).text
    region = find_town(text, find_region(text))
    return "/".join(part or "-" for part in (region.province, region.city, region.district, region.town, region.code))


@pytest.mark.parametrize(("address", "expected"), CASES, ids=lambda text: text)
def test_a_region_is_read_as_named(address, expected):
    assert read(address) == expected


@given(st.sampled_from(sorted(code for code in table().by_code if len(code) == 6 and code[0] != "8")))
def test_every_district_is_found_under_its_province_and_city(code):
    names = table().by_code
    city = names.get(code[:4], "") if code[:4] != code[:2] + "01" or code[:2] not in {"11", "12", "31", "50"} else ""
    region = find_region(f"{names[code[:2]]}{city}{names[code]}人民路1号")
    assert region.district == names[code]
    assert region.code == code


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
def test_no_road_or_place_named_after_a_city_is_taken_for_it(tail):
    shorts = [short for short, codes in table().shorts.items() if any(len(code) < 6 for code in codes)]
    assert [short for short in shorts if find_region(short + tail).spans] == []


def test_a_region_knows_where_its_names_stand():
    text = "江西九江彭泽县江西省九江市彭泽县龙城镇"
    region = find_region(text)
    assert [text[a:b] for a, b in region.spans] == ["江西", "九江", "彭泽县", "江西省", "九江市", "彭泽县"]
    assert text[region.end :] == "龙城镇"


def test_the_table_holds_all_levels():
    known = table()
    assert sum(len(code) == 2 for code in known.by_code) == 34
    assert sum(len(code) == 6 for code in known.by_code) > 2800
    assert sum(len(towns.split(" ")) for towns in known.towns.values()) > 40_000
