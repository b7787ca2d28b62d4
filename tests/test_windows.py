"""What runs on Windows, tried on a Python from which everything was taken that Windows lacks (`like_windows`)."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from print_templates.read import read_pdf
from tests.support.order_files import row, text
from tests.support.people import SHOP
from tests.support.running_service import ROOT, run_service

CHECKOUT = """
import os, sys, threading
import masking
from masking import Order, Party

assert not hasattr(os, "fork")
party = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室")
with masking.connect(sys.argv[1], credentials=sys.argv[2]) as shop:
    [waybill] = shop.checkout([Order(reference=sys.argv[3], recipient=party, sender=party)])
    print(waybill.state)
"""


@pytest.fixture
def windows(tmp_path):
    def run(*words: object) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "tests.support.without_posix", *map(str, words)]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.fixture
def credentials(service, tmp_path):
    path = tmp_path / "shop.json"
    path.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    path.chmod(0o644)  # Windows has no mode bits, so they are no reason to refuse a file there
    return path


def test_checkout_works_without_posix(windows, service, credentials, tmp_path):
    script = tmp_path / "shop.py"
    script.write_text(CHECKOUT, "utf-8")
    done = windows(script, service.url, credentials, "W-1")
    assert (done.returncode, done.stdout) == (0, "active\n"), done.stderr


def test_orders_wait_without_posix(windows, credentials, tmp_path):
    script = tmp_path / "shop.py"
    script.write_text(CHECKOUT, "utf-8")
    with run_service(tmp_path / "deployment") as service:
        credentials.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
        assert windows(script, service.url, credentials, "W-2").stdout == "active\n"
    done = windows(script, service.url, credentials, "W-3")
    assert (done.returncode, done.stdout) == (0, "pending\n"), done.stderr


@pytest.mark.parametrize("to", ["service", "folder"])
def test_mask_works_without_posix(windows, service, credentials, tmp_path, to):
    orders = tmp_path / "orders.csv"
    orders.write_text(text(row(1), row(2)), "utf-8")
    place = [service.url, "--credentials", credentials] if to == "service" else [tmp_path / "data"]
    done = windows("mask", orders, "--to", *place)
    assert done.returncode == 0, done.stderr
    [printed] = (tmp_path / "orders-masked").glob("*.pdf")
    assert len(read_pdf(printed.read_bytes())) == 2


def test_label_prints_to_a_file_without_posix(windows, tmp_path):
    orders = tmp_path / "orders.csv"
    orders.write_text(text(row(1)), "utf-8")
    assert windows("mask", orders, "--to", tmp_path / "data", "--labels", "none").returncode == 0
    masked = tmp_path / "orders-masked" / "masked.csv"
    assert re.search(r"wb1_[0-9a-z]{26}", masked.read_text("utf-8-sig"))
    words = ["--folder", tmp_path / "data", "--job", "monday", "--out", tmp_path / "label.pdf"]
    done = windows("label", masked, *words)
    assert done.returncode == 0, done.stderr
    assert len(read_pdf((tmp_path / "label.pdf").read_bytes())) == 1


@pytest.mark.parametrize("command", ["serve", "doctor"])
def test_service_refuses_to_run_without_posix(windows, tmp_path, command):
    done = windows(command, "--folder", tmp_path)
    assert done.returncode == 2
    assert f"waybill {command} needs Linux" in done.stderr
