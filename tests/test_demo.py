"""`waybill demo`: every line that it prints is true, in both languages."""

from __future__ import annotations

import csv

import pytest

from tests.support.commands import run_waybill


@pytest.mark.parametrize(
    ("locale", "summary"),
    [("C.UTF-8", "35 orders: 32 masked, 3 rejected"), ("zh_CN.UTF-8", "35 个订单，32 个已脱敏，3 个退回")],
)
def test_demo_is_true_and_names_the_rows_of_its_file(tmp_path, monkeypatch, capsys, locale, summary):
    monkeypatch.setenv("LC_ALL", locale)
    assert run_waybill("demo", "--out", tmp_path / "out") == 0
    shown = capsys.readouterr()
    assert summary in shown.out
    assert "✗" not in shown.err
    with (tmp_path / "out" / "rejected.csv").open(encoding="utf-8-sig", newline="") as file:
        assert [(each["row"], each["rule"]) for each in csv.DictReader(file)] == [
            ("12", "spreadsheet-exponent"),
            ("23", "missing"),
            ("36", "already-masked"),
        ]
