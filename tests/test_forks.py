"""Orders that were acknowledged are there, however a merchant's program forks. The programs are in tests/support/forking_programs.py."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

import masking
from masking.deployment import create
from masking.runtime import World
from masking.store.store import Settings
from tests.support.forking_programs import PROGRAMS, damage

ROOT = Path(__file__).parents[1]
ADVICE = "this was opened before a fork; call connect() in each process"


pytestmark = pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)


@pytest.fixture
def folder(urls, tmp_path):
    on_a_server = urls[0].startswith("postgresql")
    create(tmp_path / "d", World(), Settings(), addresses=urls if on_a_server else None)
    return tmp_path / "d"


def run(program: str, folder: Path) -> dict:
    """What the program printed, once every order that it acknowledged has been found again and no file is damaged."""
    command = [
        sys.executable,
        "-W",
        "error",
        "-W",
        "ignore::ResourceWarning",
        "-m",
        "tests.support.forking_programs",
        program,
        str(folder),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    found = json.loads(done.stdout)
    with masking.connect(folder) as shop:
        lost = [each for each in found["acknowledged"] if len(shop.find(reference=each)) != 1]
        assert not lost
        assert shop.find(reference="never-0") == []
    assert [damage(file) for file in folder.glob("*.sqlite")] == ["ok"] * len(list(folder.glob("*.sqlite")))
    return found


@pytest.mark.parametrize("program", ["parent_first", "child_first"])
def test_inherited_shop_is_refused_and_the_child_may_connect(program, folder):
    found = run(program, folder)
    assert found["refusals"] == [ADVICE]
    assert len(found["acknowledged"]) >= 25


@pytest.mark.parametrize(
    "program",
    sorted(PROGRAMS.keys() - {"parent_first", "child_first", "in_a_transaction", "without_hooks", "left_with"}),
)
def test_no_acknowledged_order_is_lost(program, folder):
    assert len(run(program, folder)["acknowledged"]) >= 10


def test_child_cannot_commit_the_parents_transaction(folder):
    sqlite = any(folder.glob("*.sqlite"))
    assert run("in_a_transaction", folder)["answer"] == ["not committed", "ForkedError" if sqlite else "no error"]


def test_fork_from_c_code_is_noticed(folder):
    sqlite = any(folder.glob("*.sqlite"))
    assert run("without_hooks", folder)["answer"] == ["ForkedError", "ForkedError" if sqlite else "no error"]


def test_child_that_leaves_a_with_block_closes_nothing(folder):
    assert run("left_with", folder)["closed"] == "ClosedError"
