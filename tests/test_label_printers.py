"""Printer languages: what a printer draws from our bytes is the gated drawing, dot for dot, and its codes read."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from PIL import Image

from masking.errors import InputError
from masking.values.printable import LabelData
from print_templates import printers
from print_templates.gate import Released
from print_templates.printers import LANGUAGES, Setup, write
from print_templates.raster import LARGEST, dots
from print_templates.read import decode
from print_templates.render import draw, render
from print_templates.template import RESOLUTIONS
from tests.support import printer_languages
from tests.support.sample_labels import sample_label, sample_view

INTERPRETERS: dict[str, Callable[[bytes, float], list[np.ndarray]]] = {
    "tspl": printer_languages.tspl,
    "cpcl": lambda data, _: printer_languages.cpcl(data),
    "zpl": lambda data, _: printer_languages.zpl(data),
}
SECRETS = ("欧阳", "上海", "138", "4821", "图书")


def released(labels: list[LabelData], **how: Any) -> list[Released]:
    return [drawing for drawing, _ in draw(labels, **how) if drawing is not None]


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize("size", ["100x180", "60x40"])
@pytest.mark.parametrize("language", LANGUAGES)
def test_printer_draws_the_released_drawing_dot_for_dot(language: str, size: str, dpi: int) -> None:
    labels = [sample_label(1), sample_label(2, view=sample_view(remark=""))]
    drawings = released(labels, template=size, dpi=dpi)
    data = render(labels, template=size, to=language, dpi=dpi).data
    printed = INTERPRETERS[language](data, RESOLUTIONS[dpi] / 25.4)
    assert len(printed) == len(labels)
    for paper, drawing, each in zip(printed, drawings, labels, strict=True):
        assert np.array_equal(paper, dots(drawing))
        assert set(decode(Image.fromarray(~paper).convert("L"))) == {each.waybill_number, each.code}


@pytest.mark.parametrize("language", LANGUAGES)
def test_printer_gets_no_text_of_a_label(language: str) -> None:
    data = render([sample_label()], to=language).data
    for secret in SECRETS:
        for encoding in ("utf-8", "gb18030", "utf-16-le"):
            form = secret.encode(encoding)
            assert len(form) < 5 or form not in data


@pytest.mark.parametrize("language", LANGUAGES)
def test_job_may_be_cut_between_any_two_labels(language: str) -> None:
    drawings = released([sample_label(1), sample_label(2), sample_label(3)], template="60x40")
    parts = [write(drawing, language) for drawing in drawings]
    assert (
        b"".join(parts)
        == render([sample_label(1), sample_label(2), sample_label(3)], template="60x40", to=language).data
    )
    for part, drawing in zip(parts, drawings, strict=True):
        [paper] = INTERPRETERS[language](part, 8)
        assert np.array_equal(paper, dots(drawing))


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(("right", "down"), [(5, 0), (-7, 3), (0, -5), (8, 8)])
def test_offset_moves_the_picture_by_whole_dots_and_cuts_frames(language: str, right: int, down: int) -> None:
    drawings = released([sample_label()], template="76x130")
    moved = write(drawings[0], language, Setup(right=right, down=down, darkness=8))
    [paper] = INTERPRETERS[language](moved, 8)
    still = np.pad(dots(drawings[0]), 400)
    wanted = still[400 - down : 400 - down + 1040, 400 - right : 400 - right + 608]
    assert np.array_equal(paper, wanted)


@pytest.mark.parametrize("offset", [{"right": 60}, {"right": -40}, {"down": 30}, {"down": -20}])
def test_offset_that_cuts_off_a_code_or_a_text_is_refused(offset: dict[str, int]) -> None:
    drawings = released([sample_label()], template="60x40")
    with pytest.raises(InputError, match="offset: off-the-paper: The offset moves a code or text"):
        write(drawings[0], "tspl", Setup(**offset))


@pytest.mark.parametrize(
    ("media", "said"),
    [
        ("keep", {"tspl": [], "zpl": [], "cpcl": [b"FORM"]}),
        ("gap", {"tspl": [b"GAP 3.0 mm,0 mm"], "zpl": [b"^MNY"], "cpcl": [b"GAP-SENSE", b"FORM"]}),
        ("mark", {"tspl": [b"BLINE 3.0 mm,0 mm"], "zpl": [b"^MNM"], "cpcl": [b"BAR-SENSE", b"FORM"]}),
        ("continuous", {"tspl": [b"GAP 0.0 mm,0 mm"], "zpl": [b"^MNN"], "cpcl": []}),
    ],
)
def test_media_are_set_as_asked_and_otherwise_kept(media: str, said: dict[str, list[bytes]]) -> None:
    drawings = released([sample_label()], template="60x40")
    for language, words in said.items():
        sent = write(drawings[0], language, Setup(media=media, gap=3, speed=4))
        found = re.findall(rb"(?:GAP|BLINE) [ -~]*|\^MN.|(?:GAP|BAR)-SENSE|FORM", sent)
        assert found == words
        assert re.search(rb"SPEED 4\r\n|\^PR4\^", sent)


@pytest.mark.parametrize("language", LANGUAGES)
def test_test_page_marks_the_papers_edges_and_single_dots(language: str) -> None:
    [paper] = INTERPRETERS[language](printers.setup_page(100, 100, 203.2, language), 8)
    assert paper.shape == (800, 800)
    assert paper[0].all()
    assert paper[-1].all()
    assert paper[:, 0].all()
    assert paper[:, -1].all()
    assert np.array_equal(paper[40, 32:52], [True, False] * 10)


def test_invalid_printer_settings_are_refused() -> None:
    for wrong in ({"right": 401}, {"down": -401}, {"darkness": 16}, {"gap": 0}, {"speed": 15}, {"media": "x"}):
        with pytest.raises(InputError):
            Setup(**wrong)
    with pytest.raises(InputError, match="tspl, zpl, cpcl"):
        write(released([sample_label()])[0], "epl")


def test_printed_bytes_are_fewer_than_the_labels_dots() -> None:
    raw = 800 * 1440 // 8
    sizes = {language: len(render([sample_label()], to=language).data) for language in LANGUAGES}
    assert sizes["tspl"] < raw
    assert sizes["cpcl"] < raw
    assert sizes["zpl"] < raw / 2


@pytest.mark.parametrize("dpi", RESOLUTIONS)
def test_no_picture_is_larger_than_cheap_printers_take(dpi: int) -> None:
    data = render([sample_label(view=sample_view(remark="放门口，" * 40))], to="tspl", template="100x180", dpi=dpi).data
    pictures = [int(width) * int(height) for width, height in re.findall(rb"BITMAP \d+,\d+,(\d+),(\d+),", data)]
    assert len(pictures) > 1
    assert max(pictures) <= LARGEST
