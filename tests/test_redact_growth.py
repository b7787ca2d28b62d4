"""Time grows with the length of a text, not with its square, for any content.

Asserted as a ratio within one run: four times the text may take at most `MOST` times as long. A quadratic rule takes
sixteen times as long.
"""

from __future__ import annotations

import gc
import importlib
import os
import pkgutil
import re
import time
from collections.abc import Callable, Iterator

import pytest

import api.importing
import masking.redact
from api.importing.cells import clean, no_formula, phone_again
from api.importing.pasted import take_apart
from masking.redact.addresses import Profile, mask_address
from masking.redact.freetext import mask_text
from masking.redact.goods import category
from masking.redact.names import mask_name, surname
from masking.redact.normalise import normalise
from masking.redact.phones import canonical, mask_phone
from masking.redact.regions import find_region, find_town
from masking.redact.segments import segments

SIZE = 250_000 if os.environ.get("LONG") else 2_000
TIMES, MOST = 4, 9
SLOWEST = 6
"""Seeds of a function whose growth is measured: those that take longest."""
ENOUGH = 0.004
"""Seconds below which a ratio says nothing."""

SEEDS = [
    *(
        "○",
        "○1",
        "一○",
        " 1",
        "1 ",
        "1-1,",
        "a ",
        "ab ",
        "a1",
        "A-",
        "1-",
        "1、",
        "一-",
        "张三",
        "(1",
        "[1",
        "(0",
        "138 ",
    ),
    *(
        "1 3",
        "a.",
        "a@",
        "@a",
        "a.a",
        "加微 ",
        "微信号",
        "收货人:",
        "-1",
        "·一",
        "东1",
        "甲1",
        "第一",
        "地下1",
        "省市",
        "北京市",
    ),
    *(
        "区县",
        "单元",
        "1栋",
        "A1-",
        "13800000001",
        "13800000001x",
        "8613",
        "0 ",
        "1.",
        "()",
        "【】",
        "1*",
        "* ",
        "a-1",
        "1之",
    ),
    *(
        "附1",
        "路东",
        "张先生",
        "附近",
        "方向",
        "姓名:",
        "地址:",
        "a_",
        "⑴",
        "Ⅲ",
        "\u200b",
        "e\u0301",
        "😀",
        "1#",
        "# ",
        "1,",
        "a'",
    ),
    *(
        "路一",
        "门1",
        "一门",
        "1/",
        "1 - ",
        "a - ",
        "1f",
        "no",
        "room ",
        "room 1",
        "road ",
        "rd1",
        "x lu ",
        "中国",
        "一环到",
    ),
    *(
        "转1",
        "138 转",
        "a@b.",
        "+86",
        "021-",
        "95661",
        "先生 ",
        "王收",
        "王(",
        "转交给",
        "·张",
        "取货",
        *("O1", "Il", "two ", "san ", "room two ", "a at ", "倒着", "号 "),
        "A 1234567 ",
    ),
]


def patterns() -> Iterator[re.Pattern[str]]:
    """Every pattern of the rules and of the importer."""
    for package in (masking.redact, api.importing):
        for found in pkgutil.iter_modules(package.__path__):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            yield from (each for each in vars(module).values() if isinstance(each, re.Pattern))


def characters() -> list[str]:
    """The signs, letters and digits that patterns name, and one character of each of their classes."""
    sources = [each.pattern for each in patterns() if isinstance(each.pattern, str)]  # others are of a file's bytes
    named = {char for source in sources for char in source if not "一" <= char <= "鿿"}
    classes = {found[0] for source in sources for found in re.findall(r"\[\^?([一-鿿]+)", source)}
    return sorted(named | classes)


def region(text: str) -> None:
    plain = normalise(text).text
    find_town(plain, find_region(plain))


def strict(text: str) -> None:
    mask_address(text, (), Profile.STRICT)


FUNCTIONS = [mask_text, mask_phone, canonical, mask_name, surname, mask_address, strict, segments, region, category,
             clean, phone_again, no_formula]  # fmt: skip


def seconds(function: Callable[[str], object], seed: str, size: int) -> float:
    text = (seed * (size // len(seed) + 1))[:size]
    began = time.process_time()
    function(text)
    return time.process_time() - began


def grown(function: Callable[[str], object], seed: str, size: int) -> float:
    """How many times as long `TIMES` times the text takes, at best of three measurements; 0 where it is too quick."""
    best = float("inf")
    for _ in range(3):
        gc.collect()
        short, long = seconds(function, seed, size), seconds(function, seed, TIMES * size)
        best = min(best, long / max(short, ENOUGH / TIMES))
        if best <= MOST:
            break
    return best


@pytest.fixture(autouse=True)
def _tables_are_read():
    mask_address("上海市浦东新区世纪大道100号3栋")


@pytest.mark.parametrize("function", FUNCTIONS, ids=lambda each: each.__name__)
def test_masking_time_is_proportional_to_the_length(function):
    seeds = [*characters(), *SEEDS]
    slowest = sorted(seeds, key=lambda seed: seconds(function, seed, SIZE))[-SLOWEST:]
    assert {seed: ratio for seed in slowest if (ratio := grown(function, seed, SIZE)) > MOST} == {}


def test_longest_pasted_line_takes_four_times_its_quarter_at_most():
    seeds = [*characters(), *SEEDS]
    slowest = sorted(seeds, key=lambda seed: seconds(take_apart, seed, 1000))[-SLOWEST:]
    assert {seed: ratio for seed in slowest if (ratio := grown(take_apart, seed, 250)) > MOST} == {}


def test_quadratic_rule_would_be_noticed():
    assert grown(re.compile("a+b").search, "a", 4 * SIZE if SIZE < 10_000 else SIZE) > MOST
