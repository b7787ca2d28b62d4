"""The same command against a service: same outcomes, same files."""

from __future__ import annotations

import csv
import json

import pytest

from api.cli.main import main
from print_templates.read import read_pdf
from tests.support.order_files import row, text
from tests.support.people import SHOP
from tests.support.running_service import run_service


@pytest.fixture
def mask(service, tmp_path, capsys):
    credentials = tmp_path / "shop.json"
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
    places = {"service": [service.url, "--credentials", str(credentials)], "folder": [str(tmp_path / "deployment")]}

    def run(place, content, *options):
        path = tmp_path / place / "orders.csv"
        path.parent.mkdir(exist_ok=True)
        path.write_text(content, "utf-8")
        status = main(["mask", str(path), "--to", *places[place], *options])
        return status, capsys.readouterr().out.replace(str(path.parent), ""), path.parent / "orders-masked"

    return run


def rows(folder, name):
    with (folder / f"{name}.csv").open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_service_and_folder_treat_a_file_alike(mask):
    contents = [
        ("--labels", "none", text(row(1), row(2, phone="1.38E+10"), row(3, number="", route=""))),
        ("--labels", "none", text(row(1, goods="灯"), row(3))),
        ("--amend", "--labels", "none", text(row(1, goods="灯"), row(3))),
    ]
    for *options, content in contents:
        seen = []
        for place in ("folder", "service"):
            status, said, folder = mask(place, content, *options)
            masked = [
                {name: cell for name, cell in line.items() if name not in {"面单令牌", "虚拟号", "合单标记"}}
                for line in rows(folder, "masked")
            ]
            seen.append((status, said, masked, rows(folder, "rejected")))
        assert seen[0] == seen[1]


def test_labels_drawn_by_a_service_are_the_same_bytes_again(mask):
    content = text(row(11), row(12), row(13, route=""))
    prints = []
    for _ in range(2):
        status, said, folder = mask("service", content)
        assert status == 0
        assert "2 labels\n  1 not printed: not-shipped" in said
        [path] = folder.glob("*.pdf")
        prints.append(path.read_bytes())
    assert prints[0] == prints[1]
    assert len(read_pdf(prints[0])) == 2


def test_service_outage_loses_no_row(mask, service, tmp_path):
    places = ["--to", "http://127.0.0.1:9", "--credentials", str(tmp_path / "shop.json")]
    path = tmp_path / "orders.csv"
    path.write_text(text(row(21)), "utf-8")
    assert main(["mask", str(path), *places, "--labels", "none"]) == 2
    assert path.exists()
    assert list((tmp_path / "orders-masked").iterdir()) == []
    assert mask("service", text(row(21)), "--labels", "none")[0] == 0


def test_service_that_stops_answering_is_asked_again_by_the_next_run(tmp_path, capsys):
    path, credentials = tmp_path / "orders.csv", tmp_path / "shop.json"
    credentials.touch(mode=0o600)

    def run(url, *rows):
        path.write_text(text(*rows), "utf-8")
        words = ["mask", str(path), "--to", url, "--credentials", str(credentials), "--labels", "none"]
        return main(words), capsys.readouterr()

    with run_service(tmp_path / "deployment") as service:
        credentials.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
        assert run(service.url, row(1))[0] == 0
    status, said = run(service.url, row(1), row(2))
    assert status == 2
    assert "run the same command again" in said.err
    with run_service(tmp_path / "deployment") as service:
        credentials.write_text(json.dumps({"secret": service.secret(SHOP)}), "utf-8")
        assert run(service.url, row(1), row(2))[0] == 0
    assert [line["订单号"] for line in rows(tmp_path / "orders-masked", "masked")] == ["F-1", "F-2"]
