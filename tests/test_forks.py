"""Orders that were acknowledged are there, however a merchant's program forks. The programs are in tests/support/forking_programs.py."""

from __future__ import annotations

from pathlib import Path

import pytest

from masking.deployment import create
from masking.runtime import World
from masking.store.store import Settings
from tests.support.forked_runs import run_forking
from tests.support.forking_programs import PROGRAMS

ROOT = Path(__file__).parents[1]
ADVICE = "this was opened before a fork; call connect() in each process"


pytestmark = pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)


@pytest.fixture
def folder(urls, tmp_path):
    on_a_server = urls[0].startswith("postgresql")
    create(tmp_path / "d", World(), Settings(), addresses=urls if on_a_server else None)
    return tmp_path / "d"


@pytest.mark.parametrize("program", ["parent_first", "child_first"])
def test_inherited_shop_is_refused_and_the_child_may_connect(program, folder):
    found = run_forking(program, folder)
    assert found["refusals"] == [ADVICE]
    assert len(found["acknowledged"]) >= 25


@pytest.mark.parametrize(
    "program",
    sorted(PROGRAMS.keys() - {"parent_first", "child_first", "in_a_transaction", "without_hooks", "left_with"}),
)
def test_no_acknowledged_order_is_lost(program, folder):
    assert len(run_forking(program, folder)["acknowledged"]) >= 10


def test_child_cannot_commit_the_parents_transaction(folder):
    sqlite = any(folder.glob("*.sqlite"))
    assert run_forking("in_a_transaction", folder)["answer"] == [
        "not committed",
        "ForkedError" if sqlite else "no error",
    ]


def test_fork_from_c_code_is_noticed(folder):
    sqlite = any(folder.glob("*.sqlite"))
    assert run_forking("without_hooks", folder)["answer"] == ["ForkedError", "ForkedError" if sqlite else "no error"]


def test_child_that_leaves_a_with_block_closes_nothing(folder):
    assert run_forking("left_with", folder)["closed"] == "ClosedError"
