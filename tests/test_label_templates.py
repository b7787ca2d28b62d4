"""Templates: the built-in sizes look as they were approved, and a file that is wrong is told where and why."""

from __future__ import annotations

import io
import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from masking.errors import InputError
from print_templates import qr
from print_templates.content import NAMES, contents
from print_templates.layout import lay_out
from print_templates.read import decode
from print_templates.render import Printed, render
from print_templates.template import FOLDER, RESOLUTIONS, built_in, check, template
from tests.support.sample_labels import sample_label

ROOT = Path(__file__).parents[1]
GOLDEN = Path(__file__).parent / "golden"
SIZES = {"100x100", "100x150", "100x180", "60x40", "76x130"}
GOOD = (FOLDER / "100x100.toml").read_text("utf-8")


def png(size: str, dpi: int = 203) -> bytes:
    rendered = render([sample_label()], template=size, to="png", dpi=dpi)
    assert rendered.outcomes == [Printed(page=1)]
    return rendered.data


@pytest.mark.parametrize("size", sorted(SIZES))
def test_every_size_looks_as_approved(size: str) -> None:
    golden = GOLDEN / f"{size}.png"
    if os.environ.get("APPROVE"):  # after looking at it
        golden.write_bytes(png(size))
    assert png(size) == golden.read_bytes()


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize("size", sorted(SIZES))
def test_picture_is_black_and_white_on_whole_dots_and_its_codes_read(size: str, dpi: int) -> None:
    with Image.open(io.BytesIO(png(size, dpi))) as picture:
        width, height = (round(int(mm) * RESOLUTIONS[dpi] / 25.4) for mm in size.split("x"))
        assert (picture.mode, picture.size) == ("1", (width, height))
        assert picture.info["dpi"] == pytest.approx((RESOLUTIONS[dpi],) * 2, abs=0.02)
        codes = decode(picture.convert("L"))
    assert set(codes) == {sample_label().waybill_number, sample_label().code}


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize("size", sorted(SIZES))
def test_bars_have_three_dots_a_module_and_symbols_six(size: str, dpi: int) -> None:
    drawing = lay_out(sample_label(), template(size, dpi), qr.symbols([sample_label().code])[0]).drawing
    for code in drawing.codes:
        along = code.height if code.turned else code.width
        assert along % code.columns == 0
        assert along // code.columns >= {"code128": 3, "qr": 6}[code.kind]


@pytest.mark.parametrize("dpi", RESOLUTIONS)
def test_upper_bars_of_100x180_are_23_mm_high_as_decision_4_has_it(dpi: int) -> None:
    drawing = lay_out(sample_label(), template("100x180", dpi), qr.symbols([sample_label().code])[0]).drawing
    upper = min((code for code in drawing.codes if code.kind == "code128" and not code.turned), key=lambda code: code.y)
    assert upper.height >= 23 * RESOLUTIONS[dpi] / 25.4 - 1


@pytest.mark.parametrize("file", ["api/openapi.json", "api/service/outlet/page.html", "docs/labels.md"])
def test_every_size_is_offered(file: str) -> None:
    assert set(re.findall(r"\b\d+x\d+\b", (ROOT / file).read_text("utf-8"))) >= SIZES


def test_built_in_sizes_have_no_findings() -> None:
    assert set(built_in()) == SIZES
    for size in SIZES:
        assert check((FOLDER / f"{size}.toml").read_text("utf-8"), FOLDER) == []


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (("paper = [100, 100]", "paper = [90, 100]"), "is outside the paper"),
        (("paper = [100, 100]", "paper = [100, 100"), "is not TOML"),
        (("paper = [100, 100]", "paper = " + "[" * 5000 + "]" * 5000), "is nested too deeply"),
        (("paper = [100, 100]", "paper = [100]"), "paper: needs at least 2 items"),
        (("paper = [100, 100]", "papper = [100, 100]"), "does not know papper"),
        (("[4, 2.5, 60, 6]", "[4, 2.5, 71, 6]"), "text 1 (line 7): overlaps text 2"),
        (("[2.375, 66.875, 30.75, 30.75]", "[2.375, 66.5, 30.75, 30.75]"), "qr 1 (line 120): overlaps rule"),
        (
            ("[2.375, 66.875, 30.75, 30.75]", "[2.375, 66.875, 25, 25]"),
            "qr 1 (line 120): is too dense: needs 25.625 mm",
        ),
        (("[2.5, 22.25, 81, 10]", "[2.5, 22.25, 61, 10]"), "code128 2 (line 41): is too dense: needs 61.875 mm"),
        (("[2.5, 22.25, 81, 10]", "[2.5, 22.25, 81, 4]"), "code128 2 (line 41): is lower than 5 mm"),
        (("size = [12, 6]", "size = [12, 2]"), "size 2 (line 24): must be at least 2.25"),
        (("size = [12, 6]", "size = [6, 12]"), "the least is above the wanted one"),
        (("[3, 9, 94, 12.25]", "[3, 9, 94, 5]"), "is higher than its box"),
        (('"{routing_code}"', '"{recipient.door}"'), "there is no {recipient.door}"),
        (('"{routing_code}"', '"示例"'), "template: must show {routing_code}"),
        (('align = "center"', 'align = "centre"'), "must be one of left, center, right"),
        (
            ('show = ["签收"]', 'show = ["签收{remark}"]'),
            "has a brace inside other text; give a name an item of its own",
        ),
        (('otherwise = "物品', 'otherwise = "{goods}物品'), "has a brace; it can only hold your own text"),
        (('show = ["签收"]', 'show = ["签收签收签收签收"]'), "does not fit its box"),
    ],
)
def test_wrong_template_error_says_where_and_why(change: tuple[str, str], told: str, tmp_path: Path) -> None:
    assert change[0] in GOOD
    wrong = GOOD.replace(*change, 1)
    assert told in "\n".join(f"{fault.where}: {fault.rule}" for fault in check(wrong, tmp_path))
    (tmp_path / "wrong.toml").write_text(wrong, "utf-8")
    with pytest.raises(InputError):
        template(tmp_path / "wrong.toml")


def test_constant_is_dropped_only_if_it_does_not_fit(tmp_path: Path) -> None:
    for said, shown in (("谢谢惠顾", "谢谢惠顾"), ("谢谢惠顾" * 9, "放不下")):
        own = GOOD.replace('show = ["签收"]', f'show = ["{said}"]\notherwise = "放不下"')
        (tmp_path / "own.toml").write_text(own, "utf-8")
        runs = template(tmp_path / "own.toml").background.runs
        assert [run.text for run in runs if run.text not in {"收", "寄"}] == [shown]


def test_documented_template_names_all_exist_and_can_be_drawn() -> None:
    text = (Path(__file__).parents[1] / "docs" / "labels.md").read_text("utf-8")
    assert set(re.findall(r"`\{([a-z_.]+)\}`", text)) == NAMES == set(contents(sample_label()))


def test_template_string_is_never_taken_for_a_path(tmp_path: Path) -> None:
    (tmp_path / "good.toml").write_text(GOOD, "utf-8")
    assert template(tmp_path / "good.toml").texts == template("100x100").texts
    for name in (str(tmp_path / "good.toml"), "../templates/100x100", "100x100.toml"):
        with pytest.raises(InputError, match="not-listed: give one of 100x100"):
            template(name)


def test_merchants_own_logo_is_printed_and_a_grey_one_refused(tmp_path: Path) -> None:
    own = GOOD + '\n[[logo]]\nbox = [60, 82, 10, 5]\nfile = "logo.png"\n'
    (tmp_path / "own.toml").write_text(own, "utf-8")
    assert "not a readable picture" in check(own, tmp_path)[0].rule
    Image.new("L", (40, 20), 0).save(tmp_path / "logo.png")
    rendered = render([sample_label()], template=tmp_path / "own.toml", to="png")
    with Image.open(io.BytesIO(rendered.data)) as picture:
        assert not np.asarray(picture)[656:696, 480:560].any()
    Image.new("L", (40, 20), 128).save(tmp_path / "logo.png")
    assert "has greys" in check(own.replace("60, 82", "60.5, 82"), tmp_path)[0].rule


def test_masked_characters_are_solid_blocks_where_a_template_asks(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('hidden = "blocks"\n' + GOOD, "utf-8")
    blocks = render([sample_label()], template=tmp_path / "own.toml", to="pdf").data
    assert b"%PDF" in blocks
    assert "*" not in "".join(_texts(blocks))
    assert "*" in "".join(_texts(render([sample_label()], template="100x100").data))


def _texts(data: bytes) -> list[str]:
    from print_templates.read import read_pdf

    return [text for page in read_pdf(data) for text in page.texts]
