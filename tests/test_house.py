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
MODULES = {
    f"masking.{path.stem}"
    for path in (ROOT / "masking").iterdir()
    if path.suffix == ".py" or (path / "__init__.py").exists()
} - {"masking.__init__"}


def contract(words):
    [found] = [each for each in CONTRACTS if words in each["name"]]
    return found


def test_printers_reach_only_masked_values_words_and_errors():
    forbidden = {
        name for name in contract("a printer cannot reach")["forbidden_modules"] if name.startswith("masking.")
    }
    assert forbidden == MODULES - {"masking.waybill", "masking.errors", "masking.reasons", "masking.rules"}


def test_everything_in_masking_but_the_vault_and_the_way_in_knows_no_database():
    sources = set(contract("only the vault knows")["source_modules"])
    assert sources == MODULES - {"masking.vault", "masking.connection"}


def test_every_module_of_rules_is_kept_from_clock_and_dice():
    sources = set(contract("no clock, no dice")["source_modules"])
    adapters = {"vault", "connection", "settings", "client", "world", "disk", "crypto", "numbers"}
    assert sources == MODULES - {f"masking.{name}" for name in adapters}


def test_the_service_imports_itself_by_relative_names_alone():
    """It runs under two names, `api` and `waybill_service`: an absolute import would load its classes twice, or none."""
    absolute = re.compile(r"^\s*(?:from|import) (?:api|waybill_service)\b", re.MULTILINE)
    files = list((ROOT / "api").rglob("*.py"))
    assert len(files) > 50
    assert [path.name for path in files if absolute.search(path.read_text("utf-8"))] == []


@pytest.mark.parametrize(
    ("file", "line"),
    [
        ("print_templates/render.py", "from masking.crypto import seal"),
        ("print_templates/render.py", "import masking.order"),
        ("masking/waybill.py", "import masking.order"),
        ("masking/resolve.py", "from masking import scan"),
        ("masking/redact/names.py", "import time"),
        ("masking/checkout.py", "import sqlalchemy"),
        ("masking/errors.py", "import api"),
        ("masking/stray.py", ""),
    ],
)
def test_a_broken_house_rule_fails_the_check(tmp_path, file, line):
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
