"""Addresses cut into their parts."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from masking.redact.addresses import mask_address
from masking.redact.segments import Kind, segments
from tests.support.redaction_cases import read_cases

HIDDEN = {Kind.BUILDING, Kind.UNIT, Kind.FLOOR, Kind.ROOM, Kind.PERSON, Kind.PHONE}
LINES = [
    line
    for line in (Path(__file__).parent / "redact_cases" / "segments.txt").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
]


def parted(line: str) -> tuple[str, list[tuple[str, str]]]:
    pieces = [tuple(piece.rsplit("/", 1)) for piece in line.split(" ")]
    return "".join(text for text, _ in pieces), [(text, kind) for text, kind in pieces if kind != "-"]


@pytest.mark.parametrize("line", LINES)
def test_address_is_split_into_its_parts(line):
    text, wanted = parted(line)
    assert [(text[start:end], str(kind)) for start, end, kind in segments(text)] == wanted


@example("文（附近")
@given(st.text("浙江省杭州市西湖区文三路90号村组栋室3-2 （）附近张*A1390000000２号弄请放门卫", max_size=40))
def test_parts_are_in_order_without_overlap(text):
    found = segments(text)
    edges = [edge for start, end, _ in found for edge in (start, end)]
    assert edges == sorted(edges)
    assert all(0 <= start < end <= len(text) for start, end, _ in found)


@pytest.mark.parametrize("text", [case.text for case in read_cases("addresses")] + [parted(line)[0] for line in LINES])
def test_parts_hidden_on_a_label_are_door_person_or_phone(text):
    told = {n for start, end, kind in segments(text) if kind in HIDDEN for n in range(start, end)}
    hidden = {n for start, end in mask_address(text).hidden for n in range(start, end)}
    assert not [text[n] for n in hidden - told if text[n].isalnum() and text[n] not in "一〇○零"]
