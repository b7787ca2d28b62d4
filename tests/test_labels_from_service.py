"""Labels from a service in printers' languages, at 300 dpi, and in the deployment's own templates."""

from __future__ import annotations

import base64
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from api.documents import ORDER
from masking.errors import SettingsError
from masking.world import World
from print_templates.read import decode
from print_templates.template import FOLDER
from tests import printer_languages
from tests.cast import SHOP
from tests.serving import Service, serving, staffed

INTERPRETERS: dict[str, Callable[[bytes], list[np.ndarray]]] = {
    "tspl": lambda data: printer_languages.tspl(data, 300 / 25.4),
    "zpl": printer_languages.zpl,
    "cpcl": printer_languages.cpcl,
}


def waybills(service: Service, count: int) -> list[str]:
    orders = [
        ORDER | {"reference": f"L-{n}", "waybill_number": f"SF{n:013}", "routing_code": "342-081-00 052"}
        for n in range(1, count + 1)
    ]
    return [each["id"] for each in service.outcomes(SHOP, "/v1/waybills", {"orders": orders})]


def printed(service: Service, ids: list[str], **more: Any) -> dict[str, Any]:
    answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "job-1"} | more)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize("language", INTERPRETERS)
def test_each_label_comes_in_the_printers_language_at_300_dpi(service: Service, language: str) -> None:
    ids = waybills(service, 2)
    answer = printed(service, [ids[0], "wb1_x", ids[1]], to=language, dpi=300, template="60x40", printer={"speed": 4})
    assert [each["outcome"] for each in answer["outcomes"]] == ["printed", "refused", "printed"]
    assert answer["pdf"] is None
    assert len(answer["parts"]) == 2
    for number, part in enumerate(answer["parts"], 1):
        [paper] = INTERPRETERS[language](base64.b64decode(part))
        assert paper.shape == (472, 709)
        assert f"SF{number:013}" in decode(Image.fromarray(~paper).convert("L"))


def test_what_can_not_be_drawn_is_refused_before_a_print_is_counted(service: Service) -> None:
    ids = waybills(service, 1)
    for wrong, named in (
        ({"template": "1x1"}, "unknown; there are 100x100"),
        ({"dpi": 250}, "unknown; there are 203, 300"),
        ({"to": "tspl", "template": "60x40", "printer": {"right": 90}}, "off the paper"),
    ):
        answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "wrong"} | wrong)
        assert answer.status_code == 422
        assert named in answer.text
    assert printed(service, ids)["outcomes"] == [{"outcome": "printed", "page": 1}]


def test_a_template_of_the_deployment_is_drawn_by_its_name(tmp_path: Path) -> None:
    staffed(tmp_path / "deployment", World())
    own = tmp_path / "deployment" / "templates"
    own.mkdir()
    (own / "shop.toml").write_text((FOLDER / "60x40.toml").read_text("utf-8"), "utf-8")
    with serving(tmp_path / "deployment") as service:
        ids = waybills(service, 1)
        assert printed(service, ids, template="shop") == printed(service, ids, template="60x40")
        answer = service.ask(SHOP, "/v1/labels", {"ids": ids, "job": "job-1", "template": "../shop"})
        assert answer.status_code == 422


@pytest.mark.parametrize(("name", "text"), [("60x40", "paper = [60, 40]"), ("own", "paper = [60, 40]")])
def test_a_faulty_template_of_the_deployment_stops_the_start(tmp_path: Path, name: str, text: str) -> None:
    from api.own_templates import own_templates

    (tmp_path / f"{name}.toml").write_text(text, "utf-8")
    with pytest.raises(SettingsError, match=name):
        own_templates(tmp_path)
