#!/usr/bin/env python3
r"""Makes `masking/redact/data/surname_words.txt` anew from an openly licensed package (maintainers only).

    pip download --no-deps --no-binary :all: jieba==0.42.1
    python3 scripts/surname_words.py FOLDER-WITH-THE-ARCHIVE

The words that begin like a name: of two or three characters, the first of which is a surname. One line a surname: the
surname, then the rests of its words: "安 全 排 装". Words of three characters that begin with a listed one are left out.
"""

from __future__ import annotations

import sys
import tarfile
from pathlib import Path

from masking.redact.names import SINGLE

OUT = Path(__file__).parent.parent / "masking" / "redact" / "data" / "surname_words.txt"
SELDOM = 3
"""Words that the dictionary counted less often are left out: many are parts of names."""


def main(folder: Path) -> None:
    """Read the archive, write the file."""
    [archive] = folder.glob("jieba-*.tar.gz")
    with tarfile.open(archive) as tar:
        [member] = [each for each in tar.getnames() if each.endswith("/jieba/dict.txt")]
        found = tar.extractfile(member)
        assert found is not None
        rows = [line.split(" ") for line in found.read().decode().splitlines()]
    words = {
        word
        for word, count, kind in rows
        if word[0] in SINGLE and 2 <= len(word) <= 3 and int(count) >= SELDOM and not kind.startswith("nr")
    }
    lines: dict[str, list[str]] = {}
    for word in sorted(words):
        if len(word) == 2 or word[:2] not in words:
            lines.setdefault(word[0], []).append(word[1:])
    OUT.write_text("".join(f"{head} {' '.join(rests)}\n" for head, rests in lines.items()), "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
