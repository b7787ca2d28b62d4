"""Runs a program of forking_programs.py in a process of its own and checks that it has lost no order."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import masking
from masking.connection import Shop
from tests.support.forking_programs import damage
from tests.support.running_service import ROOT


def run_forking(program: str, folder: Path) -> dict[str, Any]:
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
    found: dict[str, Any] = json.loads(done.stdout)
    with masking.connect(folder) as shop:
        assert isinstance(shop, Shop)
        lost = [each for each in found["acknowledged"] if len(shop.find(reference=each)) != 1]
        assert not lost
        assert shop.find(reference="never-0") == []
    assert [damage(file) for file in folder.glob("*.sqlite")] == ["ok"] * len(list(folder.glob("*.sqlite")))
    return found
