"""Questions about a file, asked at a real terminal and answered there; the answers are used for the next file."""

from __future__ import annotations

import contextlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.order_files import FROM

ROOT = Path(__file__).parents[1]
CONTENT = "系统单号,平台单号,收货人,手机,地址,神秘列\n9001,2389,张测试,13800000001,上海市浦东新区世纪大道1号,3栋501\n"
ANSWERS = ["平台", "99", "2", "wrong", "recipient.address", "样例店", FROM]


def run(path: Path, lines: list[str], locale: str = "C.UTF-8") -> tuple[int, str]:
    """The exit status of `waybill mask` at a terminal where these lines are typed, and all that the terminal showed."""
    terminal, end = pty.openpty()
    command = [sys.executable, "-m", "api.cli", "mask", str(path), "--to", str(path.parent / "d"), "--labels", "none"]
    environment = {**os.environ, "LC_ALL": locale}
    with subprocess.Popen(command, cwd=ROOT, stdin=end, stdout=end, stderr=end, env=environment) as process:
        os.close(end)
        os.write(terminal, "".join(f"{line}\n" for line in lines).encode() + b"\x04")
        shown = b""
        with contextlib.suppress(OSError):  # the terminal's other end is closed
            while block := os.read(terminal, 4096):
                shown += block
    os.close(terminal)
    return process.returncode, shown.decode("utf-8")


def test_answers_at_the_terminal_settle_the_file_and_the_next_one(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CONTENT, "utf-8")
    status, shown = run(path, ANSWERS)
    assert status == 0, shown
    assert "give a number from 1 to 6" in shown
    assert "3栋501" not in shown.replace("recipient.address", "")
    path.write_text(CONTENT.replace("2389", "2390"), "utf-8")
    path = path.rename(tmp_path / "next.csv")
    status, shown = run(path, [])
    assert status == 0, shown
    [kept] = (tmp_path / "d" / "columns").iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    masked = (tmp_path / "next-masked" / "masked.csv").read_text("utf-8-sig")
    assert "\n2390," in masked
    assert "上海市浦东新区世纪大道1号" in masked


def test_questions_are_chinese_under_a_chinese_locale(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CONTENT, "utf-8")
    status, shown = run(path, ANSWERS, "zh_CN.UTF-8")
    assert status == 0, shown
    assert "请输入 1 到 6 的列号" in shown
    assert "所有包裹的寄件人" in shown


@pytest.mark.parametrize("typed", [0, 1, 3])
def test_end_of_input_enters_nothing(typed, tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(CONTENT, "utf-8")
    status, shown = run(path, ANSWERS[:typed])
    assert status == 2, shown
    assert "--columns" in shown
    assert not (tmp_path / "d").exists()
