"""Leaf bytes: one spelling each, and no room for personal data (FORMAT.md section 8)."""

from __future__ import annotations

import contextlib
import hmac
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from masking.errors import InputError, IntegrityError, MaskingError
from masking.ledger.log import Leaf, decode, encode, names, subject
from masking.runtime import moment

WORD = st.from_regex(r"[a-z][a-z-]{0,31}", fullmatch=True)
NAME = st.from_regex(r"[A-Za-z]([A-Za-z._-][0-9]?){0,20}", fullmatch=True)
LEAVES = st.builds(
    Leaf,
    id=st.binary(min_size=16, max_size=16),
    at=st.integers(0, 2**47).map(moment),
    kind=WORD,
    actor=NAME,
    subject=st.none() | st.binary(min_size=16, max_size=16),
    detail=st.dictionaries(WORD, NAME, max_size=4),
)


def leaf(**changes: object) -> Leaf:
    values = {
        "id": bytes(range(16)),
        "at": datetime(2026, 11, 24, 0, 30, 0, 123456, UTC),
        "kind": "grant",
        "actor": "courier-7",
        "subject": b"s" * 16,
        "detail": {"purpose": "deliver"},
    }
    return Leaf(**(values | changes))  # type: ignore[arg-type]


@given(LEAVES)
def test_leaf_round_trips(written):
    body = encode(written)
    assert decode(body) == written
    assert names(body) == (written.id, written.subject)


@given(LEAVES, st.data())
def test_changed_byte_gives_another_leaf_or_an_error(written, data):
    body = bytearray(encode(written))
    body[data.draw(st.integers(0, len(body) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        other = decode(bytes(body))
    except IntegrityError:
        return
    assert other != written
    assert encode(other) == body


@given(LEAVES, st.data())
def test_truncated_or_extended_leaf_is_refused(written, data):
    body = encode(written)
    for other in (body[: data.draw(st.integers(0, len(body) - 1))], body + data.draw(st.binary(min_size=1))):
        with pytest.raises(IntegrityError):
            decode(other)


@given(st.binary(max_size=80))
def test_any_bytes_give_a_leaf_or_an_integrity_error(body):
    with contextlib.suppress(IntegrityError):
        assert encode(decode(b"\x01" + body)) == b"\x01" + body


def test_leaf_bytes_match_the_specification():
    assert encode(leaf(detail={"b": "x", "a": "y"})).hex(" ") == (
        "01 00 01 02 03 04 05 06 07 08 09 0a 0b 0c 0d 0e 0f 00 00 01 a2 0a f5 a3 bb 01 "
        + "73 " * 16
        + "02 05 67 72 61 6e 74 09 63 6f 75 72 69 65 72 2d 37 01 61 01 79 01 62 01 78"
    )


def test_reordered_details_are_another_leaf():
    body = encode(leaf(detail={"a": "y", "b": "x"}))
    swapped = body[:-8] + body[-4:] + body[-8:-4]
    assert sorted(swapped) == sorted(body)
    with pytest.raises(IntegrityError, match="canonical form"):
        decode(swapped)


def test_leaf_time_has_whole_milliseconds():
    assert leaf().at == datetime(2026, 11, 24, 0, 30, 0, 123000, UTC)


@pytest.mark.parametrize(
    "changes",
    [
        {"actor": "张三"},
        {"actor": "13800000001"},
        {"actor": ""},
        {"detail": {"reason": "上海市"}},
        {"detail": {"number": "YT0001234567890"}},
        {"detail": {"number": "x-138000000-01"}},
        {"detail": {"reason": "two words"}},
        {"detail": {"Reason": "test"}},
        {"detail": {"reason": "x" * 65}},
        {"kind": "Grant"},
        {"kind": "grant\n"},
        {"id": b"short"},
        {"subject": b"short"},
        {"at": datetime(1969, 12, 31, tzinfo=UTC)},
    ],
)
def test_leaf_accepts_nothing_that_could_be_personal(changes):
    with pytest.raises(InputError) as caught:
        leaf(**changes)
    assert isinstance(caught.value, MaskingError)
    assert not any(str(value) in str(caught.value) for value in changes.values() if value)


def test_leaf_cannot_be_changed_once_made():
    with pytest.raises(TypeError):
        leaf().detail["purpose"] = "call"  # type: ignore[index]


def test_subject_reveals_nothing_without_its_salt():
    frame = len(b"waybill-masking/subject/1").to_bytes(4, "big") + b"waybill-masking/subject/1"
    record = bytes(range(16))
    expected = hmac.digest(b"k" * 32, frame + (16).to_bytes(4, "big") + record, "sha256")[:16]
    assert subject(b"k" * 32, record) == expected
    assert len({subject(salt, each) for salt in (b"k" * 32, b"l" * 32) for each in (record, record[::-1])}) == 4
