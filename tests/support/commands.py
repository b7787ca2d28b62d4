"""The command `waybill`, run in this process, and what a person does with the code that it prints."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from api.cli.main import main
from masking.client import Supervisor


def run_waybill(*words: object) -> int:
    """Run the command with these words. Returns its exit status."""
    return main([str(word) for word in words])


def printed_code(capsys: pytest.CaptureFixture[str]) -> str:
    """The first code that the command has printed since the last look."""
    return next(line.strip() for line in capsys.readouterr().out.splitlines() if line.strip().startswith("wbc1_"))


def connect_supervisor(url: str, folder: Path, code: str) -> Supervisor:
    """The supervisor whom a code lets in; the credentials are kept in this folder."""
    path = folder / f"{code[5:12]}.json"
    path.touch(mode=0o600)
    path.write_text(json.dumps({"code": code}), "utf-8")
    return Supervisor.connect(url, credentials=path)
