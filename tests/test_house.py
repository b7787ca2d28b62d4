"""The house rules are complete, and they bite: a printer that reaches for keys, a rule that reads the clock, fail."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
ROOMS = {
    f"masking.{path.stem}"
    for path in (ROOT / "masking").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"masking.__init__"}
STORAGE = {"connection", "deployment", "upkeep", "journal", "store", "keys", "database"}
"""What reads and writes the databases."""
ADAPTERS = {"config", "client", "runtime", "disk", "crypto", "numbers"}
"""What reads the clock, the environment, files or the network."""


def contract(words):
    [found] = [each for each in CONTRACTS if words in each["name"]]
    return found


def modules_of(*packages):
    """The packages' modules, or the module itself."""
    return {
        f"masking.{package}.{path.stem}"
        for package in packages
        for path in (ROOT / "masking" / package).glob("*.py")
        if path.stem != "__init__"
    }


def test_printers_reach_only_printable_values_words_and_errors():
    forbidden = {
        name for name in contract("a printer cannot reach")["forbidden_modules"] if name.startswith("masking.")
    }
    words = {
        "masking.words.proof_rules",
        "masking.words.reasons",
        "masking.words.request_rules",
        "masking.words.rules",
        "masking.words.word",
    }
    allowed = {"masking.values.printable"} | words
    rooms = ROOMS - {"masking.values", "masking.words", "masking.errors"}
    assert forbidden == rooms | (modules_of("values", "words") - allowed)


def test_only_storage_imports_a_database():
    sources = set(contract("know a database")["source_modules"])
    assert sources == ROOMS - {f"masking.{name}" for name in STORAGE}


def test_modules_of_rules_import_neither_clock_nor_randomness():
    sources = set(contract("no clock, no dice")["source_modules"])
    assert sources == ROOMS - {f"masking.{name}" for name in STORAGE | ADAPTERS}


def test_service_imports_itself_by_relative_names_only():
    """It runs under two names, `api` and `waybill_service`: an absolute import would load its classes twice, or none."""
    absolute = re.compile(r"^\s*(?:from|import) (?:api|waybill_service)\b", re.MULTILINE)
    files = list((ROOT / "api").rglob("*.py"))
    assert len(files) > 50
    assert [path.name for path in files if absolute.search(path.read_text("utf-8"))] == []


def test_no_test_file_imports_another_one():
    """Its fixtures and tests would run twice, under two names. What several files need is in tests/support or conftest.py."""
    other = re.compile(
        r"^\s*(?:from|import) (?:tests\.|\.+)?test_|^\s*from (?:tests|\.+) import .*\btest_", re.MULTILINE
    )
    files = list((ROOT / "tests").rglob("*.py"))
    assert len(files) > 150
    assert other.search("from tests.test_service import counter")
    assert other.search("    from tests import people, test_service")
    assert [path.name for path in files if other.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("print_templates/render.py", "from masking.crypto import seal"),
        ("print_templates/render.py", "import masking.values.plaintext"),
        ("masking/values/printable.py", "import masking.values.plaintext"),
        ("masking/steps/resolve.py", "from masking.steps import scan"),
        ("masking/redact/names.py", "import time"),
        ("masking/steps/checkout.py", "import sqlalchemy"),
        ("masking/errors.py", "import api"),
        ("masking/stray.py", ""),
    ],
)
def test_broken_import_contract_fails_the_check(tmp_path, file, line):
    for name in ("masking", "print_templates", "api"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__", "fonts", "*.ttf"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    target = tmp_path / file
    text = target.read_text("utf-8") if target.exists() else '"""A file without a place."""\n'
    target.write_text(f"{text}\n{line}\n", "utf-8")
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [linter, "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )
    assert done.returncode == 1, done.stdout[-1500:] + done.stderr[-500:]
    assert "BROKEN" in done.stdout
