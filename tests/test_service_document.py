"""`docs/service.md` is true: every line of shell and Python in it is run against `waybill serve --demo`."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from api.service.problems import PROBLEMS
from tests.support.running_service import run_service_process, wait_until_ready

ROOT = Path(__file__).parents[1]
DOCUMENT = (ROOT / "docs" / "service.md").read_text("utf-8")


@pytest.mark.system("jq", "curl", "bash")
def test_every_caller_acts_as_the_document_says(tmp_path):
    with run_service_process("--demo") as (process, url):
        wait_until_ready(url)
        lines = [process.stdout.readline().strip().removeprefix("export ") for _ in range(7)]
        environment = {
            **os.environ,
            **dict(line.split("=", 1) for line in lines),
            "PYTHONPATH": str(ROOT),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        }
        assert environment["URL"] == url
        for language, code in re.findall(r"^```(sh|python)\n(.*?)^```$", as_one(DOCUMENT), re.DOTALL | re.MULTILINE):
            command = ["bash", "-euo", "pipefail", "-c", code] if language == "sh" else [sys.executable, "-c", code]
            done = subprocess.run(
                command, env=environment, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
        assert b"%PDF" in (tmp_path / "label.pdf").read_bytes()[:8]
        assert (tmp_path / "shop-9.ledger.json").exists()


def as_one(document: str) -> str:
    """The document with the shell blocks before the first Python block as one: they share their variables."""
    head, fence, tail = document.partition("```python\n")
    blocks = re.findall(r"^```sh\n(.*?)^```$", head, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 7
    return "```sh\n" + "".join(blocks) + "```\n" + fence + tail


def test_every_problem_is_in_the_documents_table():
    table = {}
    for statuses, words in re.findall(r"^\| ([\d, ]+) \| ([`a-z, -]+) \|", DOCUMENT, re.MULTILINE):
        numbers, names = statuses.split(", "), re.findall("[a-z-]+", words)
        table |= zip(names, numbers if len(numbers) > 1 else numbers * len(names), strict=True)
    assert {name: str(kind.status) for name, kind in PROBLEMS.items()} == table
