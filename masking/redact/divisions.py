"""The table of China's administrative divisions, from provinces to towns: names and codes (GB/T 2260).

It includes names that went out of force in the last thirty years. `scripts/divisions.py` makes the files in `data/`, where
the licences are too. The table is read once, at first use.
"""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple, final

AS_OF = "2026-09"
"""The month of the districts in force (ministry's register). Towns are those of June 2023, except in districts founded since."""
_DATA = Path(__file__).with_name("data")
_PEOPLES = (
    "壮|回|苗|彝|藏|侗|瑶|白|傣|黎|土家|哈尼|哈萨克|朝鲜|布依|满|蒙古|维吾尔|羌|水|仡佬|佤|拉祜|畲|纳西|景颇|傈僳|东乡|撒拉|土|仫佬|毛南|"
    "达斡尔|锡伯|柯尔克孜|塔吉克|布朗|怒|独龙|普米|保安|裕固|鄂温克|鄂伦春|各"
)
_TAIL = re.compile(
    rf"(?<=..)(?:(?:(?:{_PEOPLES})族?)*自治[州县旗区]|特别行政区|壮族自治区|[省市县区盟旗]|地区|新区|林区)$"
)
_TOWN_TAIL = re.compile(r"(?:街道办事处|街道|(?:[一-鿿]{1,3}族)?乡|镇|苏木)$")


@final
class Table(NamedTuple):
    """The look-up tables of the divisions.

    Attributes:
        names: full name -> codes of two, four or six digits.
        shorts: name without its suffix -> codes.
        by_code: code -> name in force.
        gone: names no longer in force, as (code, name).
        lengths: first two characters -> lengths of the names and short names that begin with them, longest first.
        districts: code of a city -> its districts in force, as (name, code).
        towns: code of a district or city -> its towns in one string, "001东华门街道 002景山街道".
    """

    names: dict[str, tuple[str, ...]]
    shorts: dict[str, tuple[str, ...]]
    by_code: dict[str, str]
    gone: frozenset[tuple[str, str]]
    lengths: dict[str, tuple[int, ...]]
    districts: dict[str, list[tuple[str, str]]]
    towns: dict[str, str]


@cache
def table() -> Table:
    """Load the table, once."""
    names: dict[str, list[str]] = {}
    shorts: dict[str, list[str]] = {}
    by_code: dict[str, str] = {}
    gone: set[tuple[str, str]] = set()
    towns: dict[str, str] = {}
    districts: dict[str, list[tuple[str, str]]] = {}
    code = ""
    for line in (_DATA / "divisions.txt").read_text("utf-8").splitlines():
        if line[0] == "\t":
            towns[code] = line[1:]
            continue
        head, _, name = line.partition(" ")
        code = head.removeprefix("-")
        if not name:
            continue
        if head == code:
            by_code[code] = name
            if len(code) == 6:
                districts.setdefault(code[:4], []).append((name, code))
        else:
            gone.add((code, name))
        names.setdefault(name, []).append(code)
        short = short_name(name)
        if len(short) >= 2 and short != name:
            shorts.setdefault(short, []).append(code)
        if "自治" in name and len(short) >= 2 and short + name[-3:] != name:
            names.setdefault(short + name[-3:], []).append(code)
    shorts.setdefault("内蒙", []).append("15")
    lengths: dict[str, set[int]] = {}
    for each in (names, shorts):
        for name in each:
            lengths.setdefault(name[:2], set()).add(len(name))
    return Table(
        {name: tuple(codes) for name, codes in names.items()},
        {name: tuple(codes) for name, codes in shorts.items()},
        by_code,
        frozenset(gone),
        {head: tuple(sorted(sizes, reverse=True)) for head, sizes in lengths.items()},
        districts,
        towns,
    )


def short_name(name: str) -> str:
    """A division's name without the suffix for its kind: 内蒙古, 黔东南, 彭泽."""
    short = _TAIL.sub("", name)
    return short.removesuffix("维吾尔").removesuffix("回族") if name[-3:] == "自治区" else short


@cache
def towns_of(code: str) -> dict[str, list[tuple[str, str, str]]]:
    """The towns of a division by their first two characters: (full name, name without suffix, last three digits)."""
    towns: dict[str, list[tuple[str, str, str]]] = {}
    for item in table().towns.get(code, "").split():
        towns.setdefault(item[3:5], []).append((item[3:], _TOWN_TAIL.sub("", item[3:]), item[:3]))
    return towns
