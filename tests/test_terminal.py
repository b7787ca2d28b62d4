"""Text of others that commands print can't steer the terminal, and isn't lost where it is data."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
import tomllib
import unicodedata
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.cli.main import main
from api.terminal import harmless, one_line, quoted
from tests.support.order_files import HEAD, row, text

ROOT = Path(__file__).parents[1]
STEERING = "\x1b]0;owned\x07\x1b[2J\r\x7f\x9b31m\u202e\u2066\u200f\u2028\U000e0041"
"""A new window title, an erased screen, hidden and turned text."""


def steering(said: str) -> set[str]:
    return {
        char for char in said if char not in "\n\t" and unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}
    }


def test_every_control_character_is_removed_and_every_other_one_stays():
    every = "".join(map(chr, range(sys.maxunicode + 1)))
    assert set(every) - set(harmless(every)) == steering(every)
    assert "\x1b" in steering(every)


@given(st.lists(st.text(), max_size=3))
def test_quoted_text_is_harmless_and_reads_back_the_same(texts):
    assert steering(quoted(texts)) == set()
    assert json.loads(quoted(texts)) == texts
    assert tomllib.loads(f"a = {quoted(texts, toml=True)}")["a"] == texts


def test_quoted_keeps_control_characters_as_escapes():
    assert tomllib.loads(f"a = {quoted(STEERING, toml=True)}")["a"] == STEERING
    assert json.loads(quoted({"a": STEERING})) == {"a": STEERING}


def test_name_cannot_start_a_line_of_its_own():
    assert one_line("a\n0 rejected\x85b") == "a 0 rejected b"


def workbook(folder: Path) -> Path:
    book = openpyxl.Workbook()
    book.active.title = "a\u202eb"
    for sheet in (book.active, book.create_sheet("two")):
        sheet.append(HEAD.split(","))
        sheet.append(row(1).split(","))
    book.save(folder / "two.xlsx")
    return folder / "two.xlsx"


def strange_header(folder: Path) -> Path:
    path = folder / "header.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([[*HEAD.split(","), f"x{STEERING}x"], [*row(1).split(","), "3栋501室"]])
    return path


def strange_name(folder: Path) -> Path:
    path = folder / f"{STEERING}.csv"
    path.write_text(text(row(1)), "utf-8")
    return path


@pytest.mark.parametrize("make", [workbook, strange_header, strange_name])
@pytest.mark.parametrize("explain", [(), ("--explain",)])
def test_headers_sheets_and_file_names_cannot_control_the_terminal(tmp_path, capsys, make, explain):
    main(["mask", str(make(tmp_path)), "--to", str(tmp_path / "deployment"), "--labels", "none", *explain])
    said = "".join(capsys.readouterr())
    assert said
    assert steering(said) == set()


def status(words: list[str]) -> object:
    try:
        return main(words)
    except SystemExit as ended:  # argparse ends the program
        return ended.code


@pytest.mark.parametrize(
    "words",
    [
        [STEERING],
        ["label", STEERING],
        ["template", "check", STEERING],
        ["mask", STEERING],
        ["erase", STEERING, "--reason", STEERING],
        ["label", "--job", STEERING, "--out", STEERING],
        ["people", "http://127.0.0.1:1", "--as", STEERING, "revoke", "x"],
    ],
)
def test_command_line_words_are_harmless_in_errors(tmp_path, capsys, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    assert status(words) == 2
    said = capsys.readouterr().err
    assert said
    assert steering(said) == set()


def test_answers_drafted_for_a_strange_header_are_understood(tmp_path, capsys):
    path = strange_header(tmp_path)
    words = ["mask", str(path), "--to", str(tmp_path / "deployment"), "--labels", "none"]
    assert main(words) == 2
    draft = capsys.readouterr().err.partition("--columns:\n")[2]
    (tmp_path / "answers.toml").write_text(draft, "utf-8")
    assert main([*words, "--columns", str(tmp_path / "answers.toml")]) == 0


def test_redact_answers_with_the_characters_of_its_input():
    request = json.dumps({"id": STEERING, "field": "text", "value": "书"})
    command = [sys.executable, "-m", "api.cli", "redact"]
    done = subprocess.run(
        command, input=request, capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=True
    )
    assert json.loads(done.stdout)["id"] == STEERING
    assert steering(done.stdout) == set()


def test_progress_still_overwrites_the_last_line_of_a_terminal(tmp_path):
    path = strange_name(tmp_path)
    screen, side = os.openpty()
    command = [sys.executable, "-m", "api.cli", "mask", str(path), "--to", str(tmp_path / "d"), "--labels", "none"]
    done = subprocess.run(command, cwd=ROOT, stderr=side, stdout=subprocess.PIPE, check=False)
    os.close(side)
    shown = os.read(screen, 1 << 16).decode()
    os.close(screen)
    assert done.returncode == 0
    assert "\rorders " in shown
    assert "1/1" in shown
    assert shown.count("\x1b") == shown.count("\x1b[K") > 0
