"""What is read from a finished label, against its order."""

from __future__ import annotations

import pytest

from masking.redact.compliance import Leak
from masking.redact.printed import printed_leaks
from masking.redact.view import mask_order
from masking.values.plaintext import Order, Party
from masking.values.printable import Masked

SENDER = Party(name="示例书店", phone="0571-80000002", address="浙江省杭州市西湖区文三路90号东部软件园5号楼301室")
RECIPIENT = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室")
ORDER = Order(
    reference="A-1",
    recipient=RECIPIENT,
    sender=SENDER,
    goods="血糖试纸",
    remark="打13900000009",
    waybill_number="YT000000000001",
)


def good_lines() -> list[str]:
    return [masked.text for masked in mask_order(ORDER).fields().values()]


def test_good_label_shows_nothing():
    assert printed_leaks([*good_lines(), "301-007-00 013", "第1次打印", "2026-11-24 08:30"], ORDER) == []


def test_leak_is_found_across_any_line_break():
    for size in (3, 5, 9):
        text = "".join(good_lines())
        assert printed_leaks([text[n : n + size] for n in range(0, len(text), size)], ORDER) == []


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        ("收件人：欧阳测试", "recipient.name", "name-on-the-label"),
        ("138 0000 0001", "recipient.phone", "phone-on-the-label"),
        ("138****0001", "recipient.phone", "phone-six-digits"),
        ("*******0001", "recipient.phone", "phone-last-four"),
        ("上海市浦东新区世纪大道100号3栋******", "recipient.address", "address-building"),
        ("上海市浦东新区世纪大道100号*****501室", "recipient.address", "address-room"),
        ("送3栋2单元501室", "recipient.address", "address-door"),
        ("浙江省杭州市西湖区文三路90号东部软件园***301室", "sender.address", "address-room"),
        ("物品：血糖试纸", "goods", "goods-on-the-label"),
        ("打13900000009", "remark", "personal-text"),
    ],
)
def test_each_leak_on_paper_is_named(line, field, rule):
    found = printed_leaks([*good_lines(), line], ORDER)
    assert Leak(field, rule) in found
    assert not [leak for leak in found if leak.field != field]


def blocked(masked: Masked) -> str:
    """What can be read where masked characters are solid blocks."""
    hidden = {n for start, end in masked.hidden for n in range(start, end)}
    return "".join(char for n, char in enumerate(masked.text) if n not in hidden)


def test_good_label_with_solid_blocks_shows_nothing():
    shown = [blocked(masked) for masked in mask_order(ORDER).fields().values()]
    assert printed_leaks([*shown, "17000000000 转 4821", "12-01 12:00 前有效", "第1次打印"], ORDER) == []


@pytest.mark.parametrize(
    ("line", "field", "rule"),
    [
        ("1380001", "recipient.phone", "phone-six-digits"),
        ("138 00001", "recipient.phone", "phone-six-digits"),
        ("上海市浦东新区世纪大道100号3栋", "recipient.address", "address-building"),
        ("上海市浦东新区世纪大道100号栋单元501室", "recipient.address", "address-room"),
        ("上海市浦东新区世纪大道100号2单元", "recipient.address", "address-unit"),
        ("浙江省杭州市西湖区文三路90号东部软件园301室", "sender.address", "address-room"),
    ],
)
def test_each_leak_next_to_a_solid_block_is_named(line, field, rule):
    shown = [blocked(masked) for masked in mask_order(ORDER).fields().values()]
    assert printed_leaks([*shown, line], ORDER) == [Leak(field, rule)]
