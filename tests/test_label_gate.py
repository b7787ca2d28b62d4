"""The release gate: one text, one code or one character more than allowed, and nothing is released."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.errors import RefusedError
from masking.values.printable import LabelData
from print_templates import code128, qr
from print_templates.drawing import Drawing, Piece, Run
from print_templates.gate import release_checked
from print_templates.layout import lay_out
from print_templates.template import template
from tests.support.sample_labels import patient, sample_label, sample_view

FORM = template("100x180")


def drawn(data: LabelData) -> Drawing:
    return lay_out(data, FORM, qr.symbols([data.code])[0]).drawing


def test_label_as_laid_out_is_released() -> None:
    assert release_checked(drawn(sample_label()), sample_label(), FORM) == drawn(sample_label())


@patient
@given(st.text(min_size=1, max_size=12))
def test_extra_text_is_refused(text: str) -> None:
    drawing = drawn(sample_label())
    allowed = {run.text for run in drawing.runs} | FORM.constants
    more = Run((Piece(20, 20, 20, "text", text, 20),))
    if text in allowed:
        return
    with pytest.raises(RefusedError, match="text-not-on-the-list"):
        release_checked(replace(drawing, runs=(*drawing.runs, more)), sample_label(), FORM)


@patient
@given(st.data())
def test_altered_character_is_refused(data: st.DataObject) -> None:
    drawing = drawn(sample_label())
    n = data.draw(st.integers(0, len(drawing.runs) - 1))
    run = drawing.runs[n]
    k = data.draw(st.integers(0, len(run.pieces) - 1))
    piece = run.pieces[k]
    at = data.draw(st.integers(0, len(piece.chars) - 1))
    other = piece._replace(chars=piece.chars[:at] + "密" + piece.chars[at + 1 :])
    altered = run._replace(pieces=(*run.pieces[:k], other, *run.pieces[k + 1 :]))
    with pytest.raises(RefusedError, match="text-not-on-the-list"):
        release_checked(
            replace(drawing, runs=(*drawing.runs[:n], altered, *drawing.runs[n + 1 :])), sample_label(), FORM
        )


def test_text_of_another_label_is_refused() -> None:
    other = sample_label(view=sample_view(recipient_name="另一人"))
    with pytest.raises(RefusedError, match="text-not-on-the-list"):
        release_checked(drawn(other), sample_label(), FORM)


def test_code_with_other_content_is_refused() -> None:
    drawing = drawn(sample_label())
    for kind, modules in (("qr", qr.symbols(["HTTPS://EXAMPLE.COM"])[0]), ("code128", _bars("13800000001"))):
        codes = tuple(c._replace(modules=modules) if c.kind == kind else c for c in drawing.codes)
        with pytest.raises(RefusedError, match="code-not-on-the-list"):
            release_checked(replace(drawing, codes=codes), sample_label(), FORM)


def test_unreadable_code_is_refused() -> None:
    drawing = drawn(sample_label())
    for n, code in enumerate(drawing.codes):
        row = len(code.modules) // code.rows
        half = (
            bytes(row * (code.rows // 2)) + code.modules[row * (code.rows // 2) :] if code.rows > 1 else b"\xff" * row
        )
        damaged = code._replace(modules=half)
        with pytest.raises(RefusedError, match="code-not-on-the-list"):
            release_checked(
                replace(drawing, codes=(*drawing.codes[:n], damaged, *drawing.codes[n + 1 :])), sample_label(), FORM
            )


def test_qr_module_that_error_correction_would_repair_is_refused() -> None:
    drawing = drawn(sample_label())
    [at] = [n for n, code in enumerate(drawing.codes) if code.kind == "qr"]
    code = drawing.codes[at]
    for place, bit in ((82, 0x80), (42, 0x10), (100, 0x01)):
        flipped = bytearray(code.modules)
        flipped[place] ^= bit
        damaged = code._replace(modules=bytes(flipped))
        with pytest.raises(RefusedError, match="code-not-on-the-list"):
            release_checked(
                replace(drawing, codes=(*drawing.codes[:at], damaged, *drawing.codes[at + 1 :])), sample_label(), FORM
            )


def test_code_of_an_unknown_kind_is_refused() -> None:
    drawing = drawn(sample_label())
    codes = (drawing.codes[0]._replace(kind="logo"), *drawing.codes[1:])
    with pytest.raises(RefusedError, match="code-not-on-the-list"):
        release_checked(replace(drawing, codes=codes), sample_label(), FORM)


@patient
@given(
    st.text(qr.ALPHABET, min_size=1, max_size=qr.CAPACITY),
    st.from_regex(r"\A[A-Za-z0-9-]{6,12}\Z") | st.from_regex(r"\A[A-Z]{2}[0-9]{10,13}\Z"),
)
def test_gate_reads_every_code_as_drawn(code: str, number: str) -> None:
    data = sample_label(code=code, waybill_number=number)
    assert release_checked(drawn(data), data, FORM) == drawn(data)


@patient
@given(st.text(qr.ALPHABET, min_size=1, max_size=qr.CAPACITY))
def test_code_of_another_label_is_refused(code: str) -> None:
    drawing = drawn(sample_label())
    modules = qr.symbols([code])[0]
    codes = tuple(each._replace(modules=modules) if each.kind == "qr" else each for each in drawing.codes)
    if code == sample_label().code:
        return
    with pytest.raises(RefusedError, match="code-not-on-the-list"):
        release_checked(replace(drawing, codes=codes), sample_label(), FORM)


def test_background_with_text_is_refused() -> None:
    drawing = drawn(sample_label())
    ground = replace(FORM.background, runs=(Run((Piece(20, 20, 20, "text", "电话", 40),)),))
    with pytest.raises(RefusedError, match="background"):
        release_checked(replace(drawing, background=ground), sample_label(), FORM)


@pytest.mark.parametrize("stamp", ["", "label-0 GB/T 41833-2022", "checked"])
def test_view_without_the_masking_rules_stamp_is_refused(stamp: str) -> None:
    bare = sample_label(view=replace(sample_view(), stamp=stamp))
    with pytest.raises(RefusedError, match="view-not-stamped"):
        release_checked(drawn(bare), bare, FORM)


def _bars(text: str) -> bytes:
    bits = code128.bars(text)
    return int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
