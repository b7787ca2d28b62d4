"""What rows mean: orders that are not to be sent, rows that are no orders, phones and addresses that no courier could use."""

from __future__ import annotations

import pytest

from api.cli.main import main
from api.importing.deliverable import is_nowhere, is_uncallable
from api.importing.lines import OrderLine
from api.importing.merging import apart
from api.importing.statuses import STATES, reason_to_leave_out
from tests.support.order_files import FROM, laid_out, outcomes, row, text

HEAD = "订单号,订单状态,售后状态,收件人,收件电话,收件地址,商品名称,卖家备注"


def order(n: int, status: str = "待发货", after: str = "", **changes: str) -> str:
    cells = {
        "name": "张测试",
        "phone": f"1380000{n:04}",
        "address": f"上海市浦东新区世纪大道{n}号",
        "goods": "书",
        "memo": "难缠",
    }
    return ",".join([f"S-{n}", status, after, *(cells | changes).values()])


def file_of(tmp_path, *rows: str, head: str = HEAD):
    path = tmp_path / "orders.csv"
    path.write_text("\n".join([head, *rows]) + "\n", "utf-8")
    return path


def read(path):
    layout, found = laid_out(path)
    good, bad, orders = outcomes(layout, found)
    return found, [line.split("|")[1] for line in good], bad, orders


@pytest.mark.parametrize(
    ("status", "after", "reason"),
    [
        ("交易关闭", "", "closed"),
        ("已取消", "", "closed"),
        ("待发货", "退款成功", "refunded"),
        ("待发货", "退款中，待商家处理", "refunded"),
        ("待自提", "", "self-pick-up"),
        ("等待买家付款", "", "not-paid"),
        ("Cancelled", "", "closed"),
        ("refunded", "", "refunded"),
        ("Local pickup", "", "self-pick-up"),
    ],
)
def test_order_that_is_not_to_be_sent_is_left_out_and_named(status, after, reason, tmp_path):
    found, good, bad, _ = read(file_of(tmp_path, order(1), order(2, status, after), order(3)))
    assert (good, bad) == (["S-1", "S-3"], [])
    assert found.left_out == {reason: [3]}
    assert found.orders == 2


@pytest.mark.parametrize(
    "status",
    [
        *(
            "待发货",
            "买家已付款",
            "无售后或售后取消",
            "退款关闭",
            "未退款",
            "已发货",
            "processing",
            "驿站自提",
            "paid",
            "",
        ),
        *("部分退款", "未取消", "无需退货", "partially_refunded"),
    ],
)
def test_order_in_any_other_state_is_sent(status, tmp_path):
    found, good, _, _ = read(file_of(tmp_path, order(1, status), order(2, "待发货", status)))
    assert good == ["S-1", "S-2"]
    assert found.left_out == {}


@pytest.mark.parametrize("text", ["交易关闭（无退款）", "未退款，订单已取消", "驿站自提 已取消"])
def test_closed_order_is_left_out_though_its_state_says_more(text):
    assert reason_to_leave_out(text) == "closed"


def test_every_state_has_a_word_that_is_recognised():
    words = {"closed": "关闭", "refunded": "退款", "not-paid": "未付款", "self-pick-up": "自提"}
    assert {reason_to_leave_out(word) for word in words.values()} == {*STATES} == {*words}


def test_rows_left_out_are_counted_and_entered_on_request(tmp_path, capsys):
    path = file_of(tmp_path, order(1), order(2, "交易关闭"), order(3, "待自提"))
    options = ["--to", str(tmp_path / "d"), "--labels", "none", "--sender", FROM]
    assert main(["mask", str(path), *options]) == 0
    said = capsys.readouterr().out
    assert "1 rows left out: closed: 3" in said
    assert "1 rows left out: self-pick-up: 4" in said
    assert main(["mask", str(path), *options, "--every-status"]) == 0
    assert "3 orders: 3 masked" in capsys.readouterr().out


def test_later_rows_of_a_closed_order_are_left_out_with_it(tmp_path):
    head = "Name,Financial Status,Lineitem name,Shipping Name,Shipping Phone,Shipping Street,Shipping City"
    rows = [
        "#1,refunded,Tea,Anna,13800000001,1 Demo Road,Shanghai",
        "#1,,Cup,,,,",
        "#2,paid,Tea,Ben,13800000002,2 Demo Road,Shanghai",
    ]
    found, good, bad, _ = read(file_of(tmp_path, *rows, head=head))
    assert (good, bad, found.left_out) == (["#2"], [], {"refunded": [2, 3]})


def test_sellers_memo_is_never_part_of_the_remark(tmp_path):
    for memo in ("卖家备注", "商家备注", "客服备注", "商家留言", "Seller Note", "Private notes"):
        *_, orders = read(file_of(tmp_path, order(1), head=HEAD.replace("卖家备注", memo)))
        assert orders[0].remark.reveal() == ""


def test_order_note_next_to_the_buyers_message_is_the_sellers(tmp_path):
    path = file_of(tmp_path, order(1) + ",放门口", head=HEAD.replace("卖家备注", "订单备注") + ",买家留言")
    *_, orders = read(path)
    assert orders[0].remark.reveal() == "放门口"


@pytest.mark.parametrize(
    "note",
    [
        HEAD,
        "说明：本表含个人信息，请勿外传,,,,,,,",
        "导出时间：2026-12-01,,,,,,,",
        ",,,,,制表人：李样例,,".replace("制表人：李样例", ""),
        "合计,,,,,,,",
        "注：以上 3 单,,,,,,,",
        ",备注：请核对,,,,,,",
    ],
)
def test_note_total_or_repeated_header_is_not_an_order(note, tmp_path):
    found, good, bad, _ = read(file_of(tmp_path, order(1), note, order(2)))
    assert (good, bad) == (["S-1", "S-2"], [])
    assert found.left_out == ({"not-an-order": [3]} if note.strip(",") else {})


def test_order_without_its_recipient_is_rejected_and_not_left_out(tmp_path):
    _, good, bad, _ = read(file_of(tmp_path, order(1), "S-2,待发货,,,,,,"))
    assert (good, bad) == (["S-1"], ["3|recipient.name|missing"])


@pytest.mark.parametrize("other", ["+86 138-0000-0001", "138 0000 0001", "8613800000001", "13800000001 "])
def test_one_phone_in_two_spellings_is_one(other, tmp_path):
    _, good, bad, _ = read(file_of(tmp_path, order(1), order(1, phone=other, goods="笔")))
    assert (good, bad) == (["S-1"], [])


def test_two_phones_of_one_order_are_still_rejected(tmp_path):
    _, _, bad, _ = read(file_of(tmp_path, order(1), order(1, phone="13800000002")))
    assert bad == ["2,3|recipient.phone|lines-of-one-order-differ"]


@pytest.mark.parametrize(
    "phone",
    [
        "1380000000",
        "138000000001",
        "12800000001",
        "138000000",
        "+86 1380000000",
        "１３８０００００００",
        "1380000000-12",
    ],
)
def test_phone_with_wrong_number_of_digits_is_rejected(phone, tmp_path):
    _, _, bad, _ = read(file_of(tmp_path, order(1, phone=phone)))
    assert bad == ["2|recipient.phone|not-a-whole-phone"]


@pytest.mark.parametrize(
    "phone",
    [
        *(
            "13800000001",
            "+86 138 0000 0001",
            "13800000001-1234",
            "13800000001转5074",
            "170000000011234",
            "0571-88000000",
        ),
        *("010-80000002", "88000000", "4008000000", "+852 5000 0000", "0912000000", "13800000001,13900000055", "95000"),
        *("13800000001-12", "13800000001 13900000055", "8613800000001-123456"),
    ],
)
def test_phone_that_can_be_called_is_accepted(phone):
    assert not is_uncallable(phone, "上海市浦东新区世纪大道1号")


def test_phone_abroad_is_not_judged():
    assert not is_uncallable("1234567890", "1 Fiction Street, San Francisco")


@pytest.mark.parametrize(
    "address", ["3栋2单元501", "上海", "上海市浦东新区", "浙江省杭州市西湖区 3栋501室", "B座1203", "1"]
)
def test_address_without_road_or_place_is_rejected(address, tmp_path):
    _, _, bad, _ = read(file_of(tmp_path, order(1, address=address)))
    assert bad == ["2|recipient.address|without-a-road-or-place"]


@pytest.mark.parametrize(
    "address",
    [
        *(
            "上海市浦东新区世纪大道1号",
            "厦门市思明区望海 10号",
            "江西省彭泽县龙城镇茅店村三组",
            "西湖区西溪里3-501",
            "香港弥敦道1号",
        ),
        *("1 Fiction Street, San Francisco", "北京市海淀区中关村", "广东省东莞市厚街镇万达A栋1208"),
    ],
)
def test_address_with_a_place_is_accepted(address):
    assert not is_nowhere(address)


def test_parcels_of_an_order_have_numbers_of_their_own(tmp_path):
    head = HEAD + ",包裹序号"
    later = "S-1,,,,,,笔,,2/2"  # as merged cells leave it: the recipient stands in the first row only
    path = file_of(tmp_path, order(1) + ",1/2", later, order(2) + ",", head=head)
    _, good, bad, _ = read(path)
    assert (good, bad) == (["S-1 1/2", "S-1 2/2", "S-2"], [])
    options = ["--to", str(tmp_path / "d"), "--labels", "none", "--sender", FROM]
    assert [main(["mask", str(path), *options]) for _ in range(2)] == [0, 0]


def test_first_file_and_its_repetition_are_unchanged(tmp_path):
    path = tmp_path / "orders.csv"
    path.write_text(text(row(1), row(2)), "utf-8")
    _, good, bad, _ = read(path)
    assert (good, bad) == (["F-1", "F-2"], [])


def test_parcels_of_an_order_have_different_numbers_however_they_are_named():
    texts = ("张测试", "13800000001", "上海市浦东新区世纪大道1号")
    lines = [
        OrderLine(n, "S-1", texts, texts, "书", "1", "", number, "", parcel, None)
        for n, (parcel, number) in enumerate([("2/2", ""), ("", "YT000000000001")], 2)
    ]
    assert [line.reference for parcel in apart(lines) for line in parcel] == ["S-1 1/2", "S-1 2/2"]
