"""Labels from a service in printers' languages, at 300 dpi, and in the deployment's own templates."""

from __future__ import annotations

import base64
import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.cli.main import main
from api.service.request_models import ORDER
from masking.errors import SettingsError
from masking.runtime import World
from print_templates.read import decode, read_pdf
from print_templates.template import FOLDER
from tests.support import printer_languages
from tests.support.local_servers import listening_printer
from tests.support.people import SHOP
from tests.support.running_service import Service, make_deployment, run_service

INTERPRETERS: dict[str, Callable[[bytes], list[np.ndarray]]] = {
    "tspl": lambda data: printer_languages.tspl(data, 300 / 25.4),
    "zpl": printer_languages.zpl,
    "cpcl": printer_languages.cpcl,
}


fresh = itertools.count(1)


def waybills(service: Service, count: int) -> tuple[list[str], list[str]]:
    """New waybills: their ids and their numbers."""
    numbers = [f"SF{next(fresh):013}" for _ in range(count)]
    orders = [
        ORDER | {"reference": f"L-{number}", "waybill_number": number, "routing_code": "342-081-00 052"}
        for number in numbers
    ]
    return [each["id"] for each in service.outcomes(SHOP, "/v1/waybills", {"orders": orders})], numbers


def printed(service: Service, ids: list[str], **more: Any) -> dict[str, Any]:
    answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "job-1"} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("language", INTERPRETERS)
def test_each_label_comes_in_the_printers_language_at_300_dpi(service: Service, language: str) -> None:
    ids, numbers = waybills(service, 2)
    answer = printed(service, [ids[0], "wb1_x", ids[1]], to=language, dpi=300, template="60x40", printer={"speed": 4})
    assert [each["outcome"] for each in answer["outcomes"]] == ["printed", "refused", "printed"]
    assert answer["pdf"] is None
    for number, part in zip(numbers, answer["parts"], strict=True):
        [paper] = INTERPRETERS[language](base64.b64decode(part))
        assert paper.shape == (472, 709)
        assert number in decode(Image.fromarray(~paper).convert("L"))


def test_undrawable_label_is_refused_before_a_print_is_counted(service: Service) -> None:
    ids, _ = waybills(service, 1)
    for wrong, named in (
        ({"template": "1x1"}, "give one of 100x100"),
        ({"dpi": 250}, "give one of 203, 300"),
        ({"to": "tspl", "template": "60x40", "printer": {"right": 90}}, "off-the-paper"),
    ):
        answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "wrong"} | wrong)
        assert answer.status_code == 422
        assert named in answer.text
    assert printed(service, ids)["outcomes"] == [{"outcome": "printed", "page": 1, "notes": []}]


def odd_waybills(service: Service) -> list[str]:
    """Waybills of a label with a defect, of a good one, and of one with too little room on a small label."""
    ids, numbers = [], [f"SF{next(fresh):013}" for _ in range(3)]
    long = ORDER["recipient"] | {"address": "上海市浦东新区" + "世纪大道" * 20 + "100号3栋501室"}
    for number, changes in zip(numbers, ({"remark": "🙏谢谢"}, {}, {"recipient": long}), strict=True):
        made = ORDER | {"reference": f"N-{number}", "waybill_number": number, "routing_code": "342-081-00 052"}
        ids += [each["id"] for each in service.outcomes(SHOP, "/v1/waybills", {"orders": [made | changes]})]
    return ids


def test_outcome_names_the_notes_for_the_clerk_and_the_sizes_with_room(service: Service) -> None:
    outcomes = printed(service, odd_waybills(service), job="noted", template="60x40")["outcomes"]
    assert [each["outcome"] for each in outcomes] == ["printed", "printed", "rejected"]
    assert [each.get("notes") for each in outcomes] == [
        [{"field": "remark", "rule": "character-not-in-font"}],
        [],
        None,
    ]
    assert (outcomes[2]["field"], outcomes[2]["rule"]) == ("recipient.address", "does-not-fit")
    assert "100x180" in outcomes[2]["sizes"]


def test_label_command_tells_a_services_notes_and_sizes(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids, given = odd_waybills(service), tmp_path / "shop.json"
    given.touch(mode=0o600)
    given.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    words = ["label", *ids, "--service", service.url, "--credentials", str(given)]
    words += ["--job", "told", "--template", "60x40", "--to", "tspl", "--out", str(tmp_path / "out.tspl")]
    assert main(words) == 1
    told = capsys.readouterr().err
    assert "note on label 1: remark: character-not-in-font" in told
    assert "label 3: recipient.address: does-not-fit (it fits on: --template " in told


def test_deployments_template_is_drawn_by_its_name(tmp_path: Path) -> None:
    make_deployment(tmp_path / "deployment", World())
    own = tmp_path / "deployment" / "templates"
    own.mkdir()
    (own / "shop.toml").write_text((FOLDER / "60x40.toml").read_text("utf-8"), "utf-8")
    with run_service(tmp_path / "deployment") as service:
        ids, _ = waybills(service, 1)
        assert printed(service, ids, template="shop") == printed(service, ids, template="60x40")
        answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "job-1", "template": "../shop"})
        assert answer.status_code == 422


@pytest.mark.parametrize(("name", "text"), [("60x40", "paper = [60, 40]"), ("own", "paper = [60, 40]")])
def test_faulty_template_of_the_deployment_stops_the_start(tmp_path: Path, name: str, text: str) -> None:
    from api.printing.own_templates import own_templates

    (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=name):
        own_templates(tmp_path)


def test_label_command_prints_a_services_labels_and_resumes(
    service: Service, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ids, numbers = waybills(service, 3)
    credentials = tmp_path / "shop.json"
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    words = ["label", "--service", service.url, "--credentials", str(credentials), "--job", "s1", "--template", "60x40"]
    with listening_printer() as (address, taken):
        assert main([*words, *ids, "wb1_" + "0" * 26, "--to", "tspl", "--printer", address, "--speed", "4"]) == 1
    said = capsys.readouterr()
    assert "label 4: unknown" in said.err
    assert "3 printed, 1 not printed" in said.out
    papers = printer_languages.tspl(bytes(taken), 8)
    for number, paper in zip(numbers, papers, strict=True):
        assert number in decode(Image.fromarray(~paper).convert("L"))
    with listening_printer() as (address, again):
        assert main([*words, "--to", "tspl", "--printer", address]) == 1, "what is printed is not printed again"
    assert not again
    out = tmp_path / "labels"
    assert main([*words, "--to", "tspl", "--speed", "4", "--out", str(out)]) == 1
    assert out.read_bytes() == bytes(taken)
    assert main([*words, "--to", "pdf", "--out", str(tmp_path / "labels.pdf")]) == 1
    assert len(read_pdf((tmp_path / "labels.pdf").read_bytes())) == 3
    for wrong in (
        ["--to", "png", "--out", "x"],
        ["--to", "pdf", "--printer", "cups:x"],
        ["--again", "1-2", "--out", "x"],
    ):
        assert main([*words, *wrong]) == 2


def test_label_command_keeps_key_and_jobs_in_the_state_folder(service: Service, tmp_path: Path) -> None:
    ids, _ = waybills(service, 1)
    credentials, state = tmp_path / "secrets" / "shop.json", tmp_path / "state"
    for folder in (credentials.parent, state):
        folder.mkdir()
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    words = ["label", "--service", service.url, "--credentials", str(credentials), "--state", str(state)]
    assert main([*words, "--job", "s2", *ids, "--to", "tspl", "--out", str(tmp_path / "labels")]) == 0
    assert list(credentials.parent.iterdir()) == [credentials]
    assert (state / "jobs").is_dir()
    assert (state / "shop.key").exists()
