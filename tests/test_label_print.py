"""Whole labels: what is on the page, read back by other people's code from the page as a printer draws it."""

from __future__ import annotations

import os
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from masking.errors import InputError
from print_templates.preview import BAND, picture
from print_templates.raster import dots
from print_templates.read import DPI, decode, rasterise, read_pdf
from print_templates.render import NotPrinted, Printed, draw, render
from print_templates.template import RESOLUTIONS
from print_templates.typeface import GETA
from tests.support.sample_labels import sample_label, sample_view


def test_both_codes_are_read_from_the_page_at_printer_resolution() -> None:
    labels = [sample_label(n) for n in range(1, 6)]
    document = render(labels).data
    for number, data in enumerate(labels):
        read = decode(rasterise(document, number, DPI))
        assert sorted(read) == sorted([data.waybill_number] * 3 + [data.code])


def test_page_is_a_whole_number_of_dots() -> None:
    assert rasterise(render([sample_label()]).data, 0, DPI).size == (800, 1440)


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize("size", ["100x180", "76x130", "60x40"])
def test_pdf_codes_and_rules_fall_on_the_same_dots_as_the_picture(size: str, dpi: int) -> None:
    [(drawing, _)] = draw([sample_label()], template=size, dpi=dpi)
    assert drawing is not None
    page = np.asarray(rasterise(render([sample_label()], template=size, dpi=dpi).data, 0, RESOLUTIONS[dpi])) < 128
    ours = dots(drawing)
    assert page.shape == ours.shape
    lines = (
        [rect for rect in drawing.background.rects if min(rect.width, rect.height) < 8] if drawing.background else []
    )
    for mark in (*drawing.codes, *lines):
        place = np.s_[mark.y : mark.y + mark.height, mark.x : mark.x + mark.width]
        assert (page[place] == ours[place]).all()


def test_every_field_can_be_read_on_the_page() -> None:
    data = sample_label()
    [page] = read_pdf(render([data]).data)
    read = "".join(page.texts).replace(" ", "")
    for value in data.view.fields().values():
        assert read.count(value.text) == 2  # both parts of the label, equally masked
    for text in ("17000000000转4821", "12-0112:00前有效", "隐私面单", "第1次打印", "SH-01-3", "2026-11-2408:30"):
        assert text in read


def test_label_without_a_number_points_to_the_app() -> None:
    [page] = read_pdf(render([sample_label(number=None)]).data)
    assert "请用 App 联系收件人" in page.texts
    assert not any("转" in text for text in page.texts)


def test_bad_label_is_named_and_the_rest_prints() -> None:
    labels = [
        sample_label(1),
        sample_label(2, view=sample_view(recipient_address="长" * 300)),
        sample_label(3, code="not a code"),
        sample_label(4, waybill_number="X" * 32),
        sample_label(5, view=replace(sample_view(), stamp="")),
        sample_label(6),
    ]
    rendered = render(labels)
    assert rendered.outcomes == [
        Printed(page=1),
        NotPrinted(field="recipient.address", rule="does-not-fit"),
        NotPrinted(field="code", rule="not-a-label-code"),
        NotPrinted(field="waybill_number", rule="too-long-for-its-bars"),
        NotPrinted(field="label", rule="view-not-stamped"),
        Printed(page=2),
    ]
    assert [page.codes[0] for page in read_pdf(rendered.data)] == ["YT000000000001", "YT000000000006"]


def test_three_bad_labels_of_ten_thousand_are_named_and_the_rest_prints() -> None:
    count = 10_000 if os.environ.get("LONG") else 600
    bad = {
        17: {"waybill_number": "X" * 32},
        count // 2: {"code": "x"},
        count - 2: {"view": replace(sample_view(), stamp="")},
    }
    rendered = render([sample_label(n, **bad.get(n, {})) for n in range(count)], template="60x40")
    assert [n for n, outcome in enumerate(rendered.outcomes) if isinstance(outcome, NotPrinted)] == sorted(bad)
    pages = [outcome.page for outcome in rendered.outcomes if isinstance(outcome, Printed)]
    assert pages == list(range(1, count - 2))
    assert rasterise(rendered.data, count - 4, DPI).size == (480, 320)


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize(
    ("size", "bars"), [("100x180", 3), ("100x150", 3), ("100x100", 2), ("76x130", 2), ("60x40", 1)]
)
def test_carriers_usual_numbers_are_read_from_bar_codes_of_every_size(size: str, bars: int, dpi: int) -> None:
    numbers = ["YT0000000000001", "SF0000000000099", "JD0000000000001", "000000000000001", "YT000000000001"]
    numbers += ["JDVA00000000001", "EA000000001CN"]
    found = list(draw([sample_label(waybill_number=number) for number in numbers], template=size, dpi=dpi))
    for number, (drawing, outcome) in zip(numbers, found, strict=True):
        assert isinstance(outcome, Printed)
        assert not outcome.notes
        assert drawing is not None
        assert decode(Image.fromarray(~dots(drawing)).convert("L")).count(number) == bars


@pytest.mark.parametrize("angle", [-3, 3, 90])
@pytest.mark.parametrize("number", ["JDVA00000000001", "EA000000001CN"])
def test_four_letters_on_60x40_are_read_askew_and_keep_their_quiet_zones(number: str, angle: float) -> None:
    [(drawing, _)] = draw([sample_label(waybill_number=number)], template="60x40")
    assert drawing is not None
    [bars] = [code for code in drawing.codes if code.kind == "code128"]
    module = bars.width // bars.columns
    assert module == 2  # three dots, 468 of the paper's 480, leave no quiet zone
    assert min(bars.x, drawing.width - bars.x - bars.width) >= 10 * module
    shown = Image.fromarray(~dots(drawing)).convert("L")
    turned = shown.rotate(angle, Image.Resampling.BICUBIC, expand=True, fillcolor=255)
    assert sorted(decode(turned)) == sorted([number, sample_label().code])


def test_bars_with_narrow_quiet_zones_are_read_on_a_dark_parcel() -> None:
    [(drawing, _)] = draw([sample_label(waybill_number="SF0000000000099")], template="60x40")
    assert drawing is not None
    on_a_dark_parcel = np.pad(np.where(dots(drawing), 0, 255).astype(np.uint8), 40, constant_values=40)
    assert "SF0000000000099" in decode(Image.fromarray(on_a_dark_parcel))


@pytest.mark.parametrize("dpi", RESOLUTIONS)
@pytest.mark.parametrize("size", ["100x180", "100x150", "100x100", "76x130"])
def test_address_of_120_characters_is_printed(size: str, dpi: int) -> None:
    long = sample_label(view=sample_view(recipient_address="长" * 117 + "***"))
    assert render([long], template=size, dpi=dpi).outcomes == [Printed(page=1)]


def test_too_long_text_is_refused_and_larger_sizes_are_named() -> None:
    address = sample_label(1, view=sample_view(recipient_address="长" * 140 + "***"))
    number = sample_label(2, waybill_number="JD0000000000001-1-10-")
    assert render([address, number], template="60x40").outcomes == [
        NotPrinted(field="recipient.address", rule="does-not-fit", sizes=("100x180",)),
        NotPrinted(field="waybill_number", rule="too-long-for-its-bars", sizes=("100x180",)),
    ]


def test_no_printable_label_gives_no_document() -> None:
    assert render([sample_label(code="x")]).data == render([]).data == b""


def test_equal_labels_give_equal_bytes() -> None:
    assert render([sample_label(1), sample_label(2)]).data == render([sample_label(1), sample_label(2)]).data


def test_single_label_is_a_small_document() -> None:
    """Its outlines are 14 kB of it; what else it says is packed."""
    assert len(render([sample_label()]).data) < 17_500
    assert len(render([sample_label(n) for n in range(100)]).data) < 17_500 + 99 * 1_250


def test_unsupported_character_becomes_a_visible_sign() -> None:
    [page] = read_pdf(
        render([sample_label(view=sample_view(recipient_name="㛃*", remark="谢谢\U0001f600\n请轻放"))]).data
    )
    read = "".join(page.texts).replace(" ", "")
    assert "㛃*" in read
    assert f"谢谢{GETA}请轻放" in read


def test_unknown_size_or_format_is_refused_at_once() -> None:
    with pytest.raises(InputError, match="100x180"):
        render([sample_label()], template="1x1")
    with pytest.raises(InputError, match="pdf"):
        render([sample_label()], to="docx")


def test_unreleased_picture_says_so_and_has_no_privacy_mark() -> None:
    banded = picture(sample_label(view=replace(sample_view(), stamp="")))
    band = banded.crop((0, 0, banded.width, BAND))
    assert banded.size == (800, 1440 + BAND)
    assert 0.5 < band.histogram()[0] / (BAND * banded.width) < 0.99
    assert sorted(set(decode(banded))) == sorted({sample_label().waybill_number, sample_label().code})
