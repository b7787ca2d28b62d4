"""`waybill template`: from a copy of a built-in size to a checked template and its picture."""

from __future__ import annotations

from pathlib import Path

import pytest
import qrcode
from PIL import Image

from api.cli.main import main
from api.printing.own_templates import chosen
from masking.errors import InputError


def test_new_template_has_no_findings_and_can_be_drawn(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own, seen = tmp_path / "own.toml", tmp_path / "own.png"
    assert main(["template", "new", str(own), "--like", "76x130"]) == 0
    assert main(["template", "check", str(own)]) == 0
    assert main(["template", "preview", str(own), str(seen), "--dpi", "300"]) == 0
    assert "no faults" in capsys.readouterr().out
    with Image.open(seen) as picture:
        assert picture.width == round(76 * 300 / 25.4)
    assert chosen(str(own)) == own


def test_template_command_overwrites_nothing(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("mine", "utf-8")
    assert main(["template", "new", str(own)]) == 2
    assert own.read_text("utf-8") == "mine"


@pytest.mark.parametrize(
    "personal",
    [
        "咨询电话 13800000001",
        "联系人：张测试 13700000002",
        "退货到3栋2单元501室",
        "张测试",
        "3#2-501",
        "Room 501",
        '1380013", "8000',
    ],
)
def test_personal_text_in_the_merchants_own_area_is_found(
    personal: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    main(["template", "new", str(own), "--like", "100x100"])
    own.write_text(
        own.read_text("utf-8").replace('"签收"', f'"{personal}"').replace("82, 20, 4]", "82, 48, 8]"), "utf-8"
    )
    assert main(["template", "check", str(own)]) == 1
    said = capsys.readouterr().err
    assert "looks personal" in said
    assert personal not in said
    with pytest.raises(InputError, match="looks personal"):
        chosen(str(own))


@pytest.mark.parametrize("usual", ["客服400-820-8820", "800 820 8820", "投诉95311", "易碎品", "单号", "2026-11-24"])
def test_hotlines_and_usual_words_are_not_personal(usual: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    main(["template", "new", str(own), "--like", "100x100"])
    text = own.read_text("utf-8").replace('"签收"', f'"{usual}"').replace("82, 20, 4]", "82, 48, 8]")
    own.write_text(text, "utf-8")
    assert main(["template", "check", str(own)]) == 0


def test_digits_of_neighbouring_boxes_are_read_together(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    main(["template", "new", str(own), "--like", "100x100"])
    boxes = "".join(
        f'\n[[text]]\nbox = [{x}, 85, 12, 3]\nshow = ["{part}"]\nsize = [2.5]\n'
        for x, part in ((36, "1380"), (50, "0138000"))
    )
    own.write_text(own.read_text("utf-8") + boxes, "utf-8")
    assert main(["template", "check", str(own)]) == 1
    said = capsys.readouterr().err
    assert "looks personal" in said
    assert "(line 1" in said


def test_template_too_small_for_an_ordinary_address_is_reported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    own = tmp_path / "own.toml"
    main(["template", "new", str(own), "--like", "100x100"])
    narrow = own.read_text("utf-8").replace("[11.5, 41.5, 72, 10.5]", "[11.5, 41.5, 12, 10.5]")
    own.write_text(narrow, "utf-8")
    assert main(["template", "check", str(own)]) == 1
    assert "too little room: on an ordinary label, recipient.address does-not-fit" in capsys.readouterr().err


def test_logo_that_scanners_read_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "own.toml"
    main(["template", "new", str(own), "--like", "100x100"])
    own.write_text(own.read_text("utf-8") + '\n[[logo]]\nbox = [60, 82, 10, 10]\nfile = "logo.png"\n', "utf-8")
    qrcode.make("HTTPS://EXAMPLE.COM").get_image().save(tmp_path / "logo.png")
    assert main(["template", "check", str(own)]) == 1
    assert "logo 1 (line 156): holds a code" in capsys.readouterr().err


def test_unknown_size_and_missing_file_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["template", "preview", "1x1", str(tmp_path / "x.png")]) == 2
    assert main(["template", "check", str(tmp_path / "none.toml")]) == 2
    said = capsys.readouterr().err
    assert "100x180" in said
    assert "template: not-readable: none.toml" in said
