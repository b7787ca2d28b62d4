"""The laws of the formats, on values that hypothesis thinks of."""

from __future__ import annotations

import os

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from masking.crypto import archive, index, labelcode
from masking.crypto.encoding import base32, base32_bytes, framed
from masking.crypto.keys import DayWrapper, FileKeySource
from masking.crypto.seal import open_fields, seal_fields
from masking.errors import IntegrityError
from masking.values.plaintext import FIELDS, Plain

ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
keys = st.binary(min_size=32, max_size=32)
records = st.binary(min_size=16, max_size=16)
tenants = st.from_regex(r"[a-z0-9-]{1,40}", fullmatch=True)
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=300).filter(lambda text: not text.endswith("\0"))
orders = st.dictionaries(st.sampled_from(FIELDS), texts.map(Plain), min_size=1)


@given(st.lists(st.binary(max_size=8), max_size=5), st.lists(st.binary(max_size=8), max_size=5))
@example([b"a", b""], [b"", b"a"])
@example([b"", b""], [b""])
def test_two_lists_of_parts_never_share_an_encoding(one, other):
    assert (framed(*one) == framed(*other)) == (one == other)


@given(st.binary(min_size=1, max_size=40))
def test_base32_round_trips(data):
    assert base32_bytes(base32(data), len(data)) == data


@given(st.text(ALPHABET + "ILOUabz_+- \n\u0660", min_size=26, max_size=26))
def test_base32_accepts_one_spelling_only(text):
    data = base32_bytes(text, 16)
    assert data is None or base32(data) == text


@given(keys, tenants, records, orders)
def test_sealed_fields_open_in_their_own_place(key, tenant, record, fields):
    assert open_fields(key, tenant, record, seal_fields(key, tenant, record, fields, os.urandom)) == fields


@given(keys, tenants, records, texts, st.data())
def test_ciphertext_opens_only_in_its_own_row_field_and_tenant(key, tenant, record, text, data):
    mine = (key, tenant, record, "goods")
    place = (
        data.draw(st.just(key) | keys),
        data.draw(st.just(tenant) | tenants),
        data.draw(st.just(record) | records),
        data.draw(st.sampled_from(FIELDS)),
    )
    assume(place != mine)
    [blob] = seal_fields(key, tenant, record, {"goods": Plain(text)}, os.urandom).values()
    with pytest.raises(IntegrityError):
        open_fields(place[0], place[1], place[2], {place[3]: blob})


@given(texts, st.data())
def test_any_flipped_bit_of_a_sealed_field_is_refused(text, data):
    key, record = bytes(32), bytes(16)
    [blob] = seal_fields(key, "t", record, {"goods": Plain(text)}, os.urandom).values()
    bit = data.draw(st.integers(0, 8 * len(blob) - 1))
    changed = (int.from_bytes(blob, "big") ^ 1 << bit).to_bytes(len(blob), "big")
    with pytest.raises(IntegrityError):
        open_fields(key, "t", record, {"goods": changed})


@given(st.binary(max_size=200))
def test_random_bytes_do_not_open(blob):
    for read in (
        lambda: open_fields(bytes(32), "t", bytes(16), {"goods": blob}),
        lambda: FileKeySource(bytes(32)).unwrap("online/2026-11-24", blob),
        lambda: DayWrapper("online", "2026-11-24", bytes(32)).unwrap("t", bytes(16), 1, blob),
        lambda: archive.open_day_key(b"\1" * 32, "2026-11-24", blob),
    ):
        with pytest.raises(IntegrityError) as refused:
            read()
        assert refused.value.__cause__ is refused.value.__context__ is None  # nothing says which check it was


@given(st.text("欧阳三a1", max_size=10), st.text("张三a", max_size=10))
def test_strings_of_up_to_ten_characters_are_sealed_to_one_size(one, other):
    sealed = seal_fields(bytes(32), "t", bytes(16), {"goods": Plain(one), "remark": Plain(other)}, os.urandom)
    assert len(sealed["goods"]) == len(sealed["remark"]) == 61


def test_string_that_would_not_round_trip_is_not_sealed():
    with pytest.raises(ValueError, match="U\\+0000"):
        seal_fields(bytes(32), "t", bytes(16), {"goods": Plain("x\0")}, os.urandom)


def test_all_nonces_of_an_order_differ():
    blobs = seal_fields(bytes(32), "t", bytes(16), dict.fromkeys(FIELDS, Plain("x")), os.urandom).values()
    assert len({blob[1:13] for blob in blobs}) == len(FIELDS)


@given(keys, tenants, records, st.integers(1, 2**31), keys, st.sampled_from(["online", "archive"]))
def test_wrapped_key_opens_only_for_its_purpose(day_key, tenant, record, generation, key, kind):
    wrapper = DayWrapper(kind, "2026-11-24", day_key)
    blob = wrapper.wrap(tenant, record, generation, key, os.urandom)
    assert wrapper.unwrap(tenant, record, generation, blob) == key
    for other in (
        (DayWrapper("archive" if kind == "online" else "online", "2026-11-24", day_key), tenant, record, generation),
        (DayWrapper(kind, "2026-11-25", day_key), tenant, record, generation),
        (wrapper, tenant + "x", record, generation),
        (wrapper, tenant, record[:-1] + bytes([record[-1] ^ 1]), generation),
        (wrapper, tenant, record, generation + 1),
    ):
        with pytest.raises(IntegrityError):
            other[0].unwrap(*other[1:], blob)


@given(keys, st.text(max_size=20), st.text(max_size=20), keys)
@example(bytes(32), "online/2026-11-24", "archive/2026-11-24", bytes(32))
def test_root_opens_a_key_only_under_its_name(root, name, other, key):
    source = FileKeySource(root)
    blob = source.wrap(name, key, os.urandom)
    assert source.unwrap(name, blob) == key
    if other != name:
        with pytest.raises(IntegrityError):
            source.unwrap(other, blob)


@given(keys, st.dates().map(str), st.dates().map(str))
def test_archived_day_key_opens_with_its_offline_key_for_its_day(key, day, other):
    private, public = archive.generate()
    blob = archive.seal_day_key(public, day, key)
    assert archive.open_day_key(private, day, blob) == key
    stranger, _ = archive.generate()
    for wrong_private, wrong_day in ((stranger, day), *([(private, other)] if other != day else [])):
        with pytest.raises(IntegrityError):
            archive.open_day_key(wrong_private, wrong_day, blob)


@given(st.binary(min_size=64, max_size=64), st.integers(1, 255), tenants, records, st.integers(0, 65535))
def test_label_code_round_trips_and_fits_a_version_4_symbol(key, key_id, tenant, record, number):
    code = labelcode.encode(key_id, key, tenant, record, number)
    assert labelcode.decode({key_id: key}, tenant, code) == (record, number)
    assert len(code) == labelcode.LENGTH <= 67
    assert set(code) <= set(ALPHABET)


LABEL_KEY = bytes(range(64))
CODE = labelcode.encode(1, LABEL_KEY, "carrier", bytes(16), 1)


@given(st.integers(0, len(CODE) - 1), st.characters())
@example(3, "O")
@example(58, "\n")
def test_label_code_with_a_changed_character_is_refused(place, character):
    assume(character != CODE[place])
    changed = CODE[:place] + character + CODE[place + 1 :]
    assert labelcode.decode({1: LABEL_KEY}, "carrier", changed) is None


@given(st.text() | st.text(ALPHABET, min_size=56, max_size=56).map("WB1".__add__))
@example("WB1" + "0" * 10**6)
def test_hostile_string_is_neither_label_code_nor_waybill_id(text):
    assert labelcode.decode({1: LABEL_KEY}, "carrier", text) is None
    record = index.record_of_waybill_id(text)
    assert record is None or index.waybill_id_of(record) == text


@given(records)
def test_waybill_id_round_trips_and_is_safe_in_a_url(record):
    token = index.waybill_id_of(record)
    assert index.record_of_waybill_id(token) == record
    assert token.removeprefix("wb1_").isalnum()
    assert token.isascii()


@given(records, st.integers(0, 29), st.characters())
def test_changed_waybill_id_names_another_waybill_or_none(record, place, character):
    token = index.waybill_id_of(record)
    assume(character != token[place])
    assert index.record_of_waybill_id(token[:place] + character + token[place + 1 :]) != record


@given(keys, keys, st.text(max_size=20), st.text(max_size=20))
def test_person_index_separates_phones_and_days(key, other_key, phone, other_phone):
    same = index.person_index(key, phone) == index.person_index(other_key, other_phone)
    assert same == ((key, phone) == (other_key, other_phone))


def test_merge_reference_depends_on_name_phone_and_address_together():
    buyer = ("欧阳测试", "13800000001", "世纪大道100号3栋501室")
    reference = index.merge_reference(bytes(32), *buyer)
    for other in (("欧阳", *buyer[1:]), (buyer[0], "13800000002", buyer[2]), (*buyer[:2], "世纪大道100号3栋502室")):
        assert index.merge_reference(bytes(32), *other) != reference
    assert index.merge_reference(b"\1" * 32, *buyer) != reference
    assert index.merge_reference(bytes(32), " 欧阳测试", buyer[1], "世纪大道１００号3栋 501室") == reference


@given(orders, orders, st.lists(st.sampled_from(["", "show-goods"]), max_size=2))
def test_content_mac_is_equal_for_equal_content_only(one, other, extra):
    mac = index.content_mac(bytes(32), one, extra)
    assert (mac == index.content_mac(bytes(32), other, extra)) == (one == other)
    assert mac != index.content_mac(bytes(32), one, [*extra, "x"])
    assert mac == index.content_mac(bytes(32), dict(reversed(one.items())), extra)
