"""An import that is cut off anywhere, and given again: nothing is lost, and nothing is there twice. With real processes."""

from __future__ import annotations

import csv
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from masking.connection import connect
from masking.values.printable import Waybill

ROWS = 60
HEAD = "订单号,运单号,三段码,收件人,收件电话,收件地址,寄件人,寄件电话,寄件地址,商品名称"


def write(path, series="F"):
    lines = [
        f"{series}-{n},YT{series}{n:010},301-007-00 013,张测试,1380000{n:04},上海市浦东新区世纪大道{n}号501室,样例店,13700000002,浙江省杭州市西湖区文三路90号,书"
        for n in range(ROWS)
    ]
    path.write_text("\n".join([HEAD, *lines]) + "\n", "utf-8")


def start(path, labels="none", *options):
    """The command in a process of its own, committing five orders at a time."""
    words = [sys.executable, "-m", "api.cli", "mask", str(path), "--to", str(path.parent / "deployment")]
    return subprocess.Popen(
        [*words, "--labels", labels, "--batch", "5", *options],
        cwd=Path(__file__).parents[1],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(path, labels="none", *options):
    process = start(path, labels, *options)
    said = process.communicate()[1]
    assert process.returncode == 0, said


def masked(path):
    with (path.parent / "orders-masked" / "masked.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def stored(path, series="F"):
    """Every token that the deployment holds, by reference."""
    with connect(path.parent / "deployment") as shop:
        return {f"{series}-{n}": [w.id for w in shop.find(reference=f"{series}-{n}")] for n in range(ROWS)}


def entered(path):
    """How many waybills the deployment holds in all, with any reference."""
    with connect(path.parent / "deployment") as shop:
        found = {w.id for n in range(ROWS) for w in shop.find(phone=f"1380000{n:04}")}
        assert all(isinstance(shop.status(each), Waybill) for each in found)
    return len(found)


@pytest.mark.parametrize("blow", [signal.SIGKILL, signal.SIGINT])
@pytest.mark.parametrize("after", [0, 2, 8])
def test_interrupted_import_is_complete_after_a_second_run(blow, after, tmp_path):
    path = tmp_path / "orders.csv"
    write(path)
    process = start(path)
    lines = [process.stderr.readline() for _ in range(after)]
    assert all(lines)
    os.kill(process.pid, blow)
    said = process.communicate()[1]
    if blow == signal.SIGINT and after and process.returncode:
        assert process.returncode == 130, said
        assert "Nothing is lost" in said
    if process.returncode:
        assert not (tmp_path / "orders-masked" / "masked.csv").exists()
    finish(path)
    tokens = stored(path)
    assert [reference for reference, ids in tokens.items() if len(ids) != 1] == []
    assert entered(path) == ROWS
    assert [line["面单令牌"] for line in masked(path)] == [tokens[f"F-{n}"][0] for n in range(ROWS)]
    assert {each.name for each in (tmp_path / "orders-masked").iterdir()} == {"masked.csv", "rejected.csv"}


def test_interrupted_print_is_the_same_print_after_a_second_run(tmp_path):
    path = tmp_path / "orders.csv"
    write(path)
    finish(path)
    process = start(path, "100x180")
    for line in process.stderr:
        if line.startswith("orders 100%"):
            break
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    finish(path, "100x180")
    [first] = [each.read_bytes() for each in (tmp_path / "orders-masked").glob("*.pdf")]
    finish(path, "100x180")
    [second] = [each.read_bytes() for each in (tmp_path / "orders-masked").glob("*.pdf")]
    assert first == second
    with connect(tmp_path / "deployment") as shop:
        ids = [ids[0] for ids in stored(path).values()]
        again = shop.labels(ids, job="another-job").outcomes
    assert {answer.reason for answer in again} == {"reprint-needs-outlet-and-reason"}


def flushes(path, folder):
    """How many times the command makes the disk or a folder remember something, by system call."""
    trace = folder / "trace"
    assert under_strace(path, "-e", f"trace={','.join(FLUSHES)}", "-o", str(trace)) == 0
    lines = trace.read_text().splitlines()
    return {call: sum(f" {call}(" in line for line in lines) for call in FLUSHES}


def under_strace(path, *options):
    words = [sys.executable, "-m", "api.cli", "mask", str(path), "--to", str(path.parent / "deployment")]
    return subprocess.run(
        ["strace", "-f", *options, *words, "--labels", "none", "--batch", "20", "--overwrite"],
        cwd=Path(__file__).parents[1],
        capture_output=True,
        check=False,
    ).returncode


POINTS = 8 if os.environ.get("LONG") else 2
FLUSHES = ("fdatasync", "fsync", "rename")


@pytest.mark.system("strace")
def test_import_killed_at_any_flush_is_complete_after_a_second_run(tmp_path):
    first = tmp_path / "first"
    first.mkdir()
    write(first / "orders.csv")
    finish(first / "orders.csv")  # a deployment that is there already
    whole = tmp_path / "whole"
    shutil.copytree(first, whole)
    write(whole / "orders.csv", "W")
    counted = flushes(whole / "orders.csv", tmp_path)
    assert counted["rename"] == 2  # the masked and the rejected rows
    assert counted["fdatasync"] > 5
    points = [(call, n) for call, most in counted.items() for n in range(1, most, max(1, most // POINTS))]
    for call, n in points:
        path = first / "orders.csv"
        series = f"{call[:2]}{n}".upper()
        write(path, series)
        assert under_strace(path, "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}") != 0
        finish(path, "none", "--overwrite")
        tokens = stored(path, series)
        assert [line["面单令牌"] for line in masked(path)] == [tokens[f"{series}-{m}"][0] for m in range(ROWS)]
        assert {len(ids) for ids in tokens.values()} == {1}
