"""Words of the old private dialect do not return: fewer of them each time, never more.

`tests/words_to_remove.toml` says how many a folder still has. The number may only fall: after removing some, lower it.
"""

from __future__ import annotations

import re
import subprocess
import tomllib
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).parents[1]
ALLOWED = tomllib.loads((ROOT / "tests" / "words_to_remove.toml").read_text("utf-8"))
WORDS = (
    *("whoever", "whatever", "somebody", "nobody", "anybody", "everybody"),
    *("is none", "are none", "of ours", "in life", "at hand", "good for nothing", "let go of", "hangs on", "beside"),
    *("in vain", "of before"),
)
FOUND = re.compile(r"\b(?:" + "|".join(WORDS).replace(" ", r"\s+") + r")\b", re.IGNORECASE)
KINDS = {".py", ".js", ".html", ".md", ".service", ".timer", ".cfg", ".toml", ".sh"}
SKIPPED = ("tests/", "masking/redact/data/", "requirements/", "print_templates/fonts/")


def folder(path: str) -> str:
    """The folder that a file counts for: a package's room, or the top level."""
    parts = path.split("/")
    return "/".join(parts[:2]) if len(parts) > 2 else parts[0]


def counted() -> Counter[str]:
    """How many of the words each folder has."""
    listed = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    found: Counter[str] = Counter()
    for path in listed.splitlines():
        if Path(path).suffix in KINDS and not path.startswith(SKIPPED) and (ROOT / path).is_file():
            text = re.sub(r"\b(?:is|are) None\b", "", (ROOT / path).read_text("utf-8"))  # Python's own
            found[folder(path)] += len(FOUND.findall(text))
    return found


def test_no_folder_has_more_of_the_words_than_before():
    """If this fails: say it as STYLE asks. Who acts? "the courier", "the caller"; "is not a ..."; "next to"."""
    found = counted()
    assert sum(found.values()) > 0 or not ALLOWED
    assert {name: count for name, count in found.items() if count > ALLOWED.get(name, 0)} == {}


def test_words_are_found_in_any_case_and_across_lines():
    assert len(FOUND.findall("Whoever holds it; that is\nnone. Nobody stands beside it.")) == 4
    assert FOUND.findall("a body is sent to some people") == []
