"""Setting text: nothing lost, nothing split that belongs together, nothing outside its box, no character unseen."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from masking.values.printable import Masked
from print_templates.breaking import Style, broken, fit
from print_templates.content import in_groups_of_four
from print_templates.drawing import BLOCK
from print_templates.raster import _mark
from print_templates.render import NotPrinted, Printed, render
from print_templates.typeface import EM, GETA, advances, face, glyph, printable
from tests.support.sample_labels import masked_text, patient, sample_label, sample_view

CLOSING, OPENING = "，。、）：；！？】》”’", "（【《“‘"
TEXTS = st.lists(
    st.sampled_from(
        ["上海市", "示例路", "（ ", "138******01", "3-2-501", "***", "（二期）", "，", "。", "：", "A座", " ", "G2国道"]
    ),
    min_size=1,
    max_size=14,
).map("".join)
STYLE = Style((30, 28, 26, 24, 22, 20, 18), "text", "left", top=True, white=False, blocks=False)


@patient
@given(TEXTS, st.integers(6000, 30000))
def test_lines_keep_every_character_in_order_within_the_limit(text: str, limit: int) -> None:
    lines = broken([Masked(text)], "text", limit)
    assume(lines)
    assert "".join(fragment.chars for line in lines for fragment in line) == text
    for line in lines:
        chars = line[-1].chars.rstrip()
        assert line[-1].x + sum(advances("text")[char] for char in chars) <= limit


@patient
@given(TEXTS, st.integers(6000, 30000))
def test_no_line_starts_with_closing_or_ends_with_opening_punctuation(text: str, limit: int) -> None:
    lines = ["".join(fragment.chars for fragment in line).strip() for line in broken([Masked(text)], "text", limit)]
    assert not any(line[0] in CLOSING for line in lines[1:] if line)
    assert not any(line[-1] in OPENING for line in lines[:-1] if line)


@patient
@given(TEXTS, st.integers(6000, 30000))
def test_numbers_and_masked_runs_are_never_split(text: str, limit: int) -> None:
    lines = ["".join(fragment.chars for fragment in line) for line in broken([Masked(text)], "text", limit)]
    for before, after in pairwise(lines):
        assert not (re.search(r"[\d*A-Za-z-]$", before) and re.search(r"^[\d*A-Za-z-]", after))


@patient
@given(TEXTS, st.integers(120, 700), st.integers(18, 200))
def test_text_stays_in_its_box_at_the_largest_size_that_fits(text: str, width: int, height: int) -> None:
    runs = fit((printable(Masked(text)),), (50, 70, width, height), STYLE)
    assume(runs)
    for piece in (piece for run in runs for piece in run.pieces):
        wide = sum(advances("text")[char] for char in piece.chars.rstrip()) * piece.size // EM
        assert 50 <= piece.x <= piece.x + wide <= 50 + width + 1
        assert piece.baseline - piece.size * 0.88 + 1 >= 70
        assert piece.baseline + piece.size * 0.12 - 1 <= 70 + height
    size = runs[0].pieces[0].size
    larger = tuple(each for each in STYLE.sizes if each > size)
    assert not larger or fit((printable(Masked(text)),), (50, 70, width, height), STYLE._replace(sizes=larger)) is None


@patient
@given(TEXTS)
def test_blocks_cover_the_masked_characters_only(text: str) -> None:
    runs = fit((masked_text(text),), (0, 0, 780, 400), STYLE._replace(blocks=True))
    assume(runs)
    covered = "".join(p.chars for run in runs for p in run.pieces if p.weight == BLOCK)
    shown = "".join(p.chars for run in runs for p in run.pieces if p.weight != BLOCK)
    assert set(covered) <= {"*"}
    assert "*" not in shown


def test_every_gb_2312_character_has_a_glyph_with_ink_in_both_weights() -> None:
    pairs = (bytes([row, cell]).decode("gb2312", "ignore") for row in range(0xA1, 0xF8) for cell in range(0xA1, 0xFF))
    chars = [char for char in pairs if char and not char.isspace()]
    assert len(chars) == 7444
    assert printable(Masked("".join(chars))).text == "".join(chars)
    for weight in ("text", "bold"):
        ids = [face(glyph(char, weight).weight).glyphs[ord(char)] for char in chars]
        assert all(ids), "glyph 0 is the missing glyph"
    for char in chars[::500]:
        assert _mark(char, "text", 24)[0].any()


def test_bold_falls_back_to_regular_for_a_missing_character() -> None:
    assert glyph("㛃", "bold").weight == "bold"  # of the 8,105
    assert glyph("㐂", "bold").weight == "text"


@patient
@given(st.text(max_size=40))
def test_printable_text_has_only_characters_of_the_fonts(text: str) -> None:
    shown = printable(Masked(text)).text
    assert len(shown) <= len(text)
    assert printable(Masked(shown)).text == shown
    assert all(glyph(char, "bold") for char in shown)
    kept = iter(text)
    assert all(char in {GETA, " "} or char in kept for char in shown), "what is shown of the text is in its order"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("谢谢\U0001f64f", f"谢谢{GETA}"),
        ("\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466到", f"{GETA}到"),
        ("\U0001f44d\U0001f3fd\U0001f44d", GETA * 2),
        ("\u2764\ufe0f\u200d\U0001f525", GETA),
        ("\U0001f1e8\U0001f1f3", GETA),
        ("3\ufe0f\u20e3号门", "3号门"),
        ("\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", GETA),
        ("放\u200b门\u2060卫\ufeff\u202e处\ufe0f", "放门卫处"),
        ("葛\U000e0100城", "葛城"),
    ],
)
def test_emoji_sequence_prints_one_sign_and_an_invisible_character_none(text: str, shown: str) -> None:
    assert printable(Masked(text)).text == shown


def test_masked_characters_stay_marked_behind_an_emoji_sequence() -> None:
    text = "\U0001f468\u200d\U0001f469找***谢谢"
    assert printable(masked_text(text)) == masked_text(f"{GETA}找***谢谢")


@patient
@given(st.text(max_size=500), st.text(max_size=300), st.text(max_size=64))
def test_label_with_any_field_content_is_printed_or_named(remark: str, address: str, name: str) -> None:
    odd = sample_label(view=sample_view(remark=remark, recipient_address=address, recipient_name=name, goods=""))
    [outcome] = render([odd]).outcomes
    match outcome:
        case NotPrinted(field=field, rule="does-not-fit"):
            assert field in {"recipient.address", "recipient.name"}
        case Printed(notes=notes):
            missing = {field for field, rule in notes if rule == "character-not-in-font"}
            assert ("remark" in missing) == (GETA in printable(Masked(remark)).text)
        case _:
            pytest.fail(f"neither printed nor named: {outcome}")


def test_remark_that_does_not_fit_becomes_a_hint_and_is_noted() -> None:
    rendered = render([sample_label(view=sample_view(remark="很长" * 250))])
    assert [outcome.notes for outcome in rendered.outcomes] == [(("remark", "did-not-fit"),)]


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("YT000000000001", "YT 0000 0000 0001"),
        ("YT0000000000001", "YT0 0000 0000 0001"),
        ("773000000000001", "773 0000 0000 0001"),
        ("SF-1", "SF-1"),
        ("ABCDEF", "ABCDEF"),
    ],
)
def test_waybill_numbers_are_shown_in_groups_of_four(number: str, shown: str) -> None:
    assert in_groups_of_four(number).replace(" ", "") == number
    assert in_groups_of_four(number) == shown


def test_longest_of_the_texts_that_share_a_box_is_named() -> None:
    [outcome] = render([sample_label(view=sample_view(recipient_name="很长的名字" * 20))]).outcomes
    assert outcome == NotPrinted(field="recipient.name", rule="does-not-fit")


def test_label_of_empty_fields_is_printed() -> None:
    empty = sample_view(**dict.fromkeys(("goods", "remark", "sender_name", "sender_phone", "sender_address"), ""))
    assert render([sample_label(view=empty, carrier="", station="")]).outcomes == [Printed(page=1)]


def test_equal_texts_are_drawn_as_equal_dots() -> None:
    one, two = (render([replace(sample_label(), job=job)], to="png").data for job in ("a", "b"))
    assert one == two
    assert np.frombuffer(one, np.uint8).size < 20_000
