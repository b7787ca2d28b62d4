#!/usr/bin/env python3
r"""Makes `masking/redact/data/pinyin.txt` anew from an openly licensed package (maintainers only).

    pip download --no-deps pypinyin==0.55.0
    python3 scripts/pinyin.py FOLDER-WITH-THE-WHEEL

One reading a line, without tones and with v for ü, then the characters that have it: "san 三叁伞散". A character of several
readings stands in several lines. Characters of GBK only, and no traditional ones: the normal form has none.
"""

from __future__ import annotations

import json
import sys
import unicodedata
import zipfile
from pathlib import Path

OUT = Path(__file__).parent.parent / "masking" / "redact" / "data"


def main(folder: Path) -> None:
    """Read the wheel, write the file."""
    [wheel] = folder.glob("pypinyin-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        readings: dict[str, str] = json.loads(archive.read("pypinyin/pinyin_dict.json"))
    traditional = (OUT / "traditional.txt").read_text("utf-8").split()[0]
    lines: dict[str, list[str]] = {}
    for code, said in sorted((int(code), said) for code, said in readings.items()):
        char = chr(code)
        if not "一" <= char <= "鿿" or not char.encode("gbk", "ignore") or char in traditional:
            continue
        for syllable in dict.fromkeys(plain(each) for each in said.split(",")):
            if syllable.isalpha():
                lines.setdefault(syllable, []).append(char)
    text = "".join(f"{syllable} {''.join(chars)}\n" for syllable, chars in sorted(lines.items()))
    (OUT / "pinyin.txt").write_text(text, "utf-8")


def plain(reading: str) -> str:
    """A reading without its tone, and with v for ü."""
    parts = unicodedata.normalize("NFD", reading).replace("u\u0308", "v").replace("ê", "e")
    return "".join(char for char in parts if char.isascii() and char.isalpha())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
