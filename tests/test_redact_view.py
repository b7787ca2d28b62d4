"""The masked view of an order, and its comparison with the order."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from masking.redact.compliance import Leak, find_leaks
from masking.redact.goods import NEUTRAL
from masking.redact.view import mask_order, mask_orders
from masking.values.plaintext import FIELDS, Order, Party
from masking.values.printable import STAMP, Masked, MaskedParty, MaskedView

SENDER = Party(name="示例书店", phone="0571-80000002", address="浙江省杭州市西湖区文三路90号东部软件园5号楼301室")
RECIPIENT = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室")
ORDER = Order(reference="A-1", recipient=RECIPIENT, sender=SENDER, goods="书", remark="放门卫")

FAMILIES = ["张", "李", "欧阳", "慕容", "买买提·", "赵", "钱", "诸葛"]
GIVEN = ["测试", "样例", "虚构", "某某", "示范", "试用"]
WAYS = [
    ("浙江省杭州市西湖区文三路90号东部软件园", "{b}号楼{u}单元{r}室"),
    ("上海市徐汇区漕溪北路200弄", "{b}号{r}室"),
    ("河北省保定市高碑店市方官镇李家庄村二组", "{r}号"),
    ("广东省深圳市南山区科苑路8号讯美科技广场", "{b}栋{r}"),
    ("湖北省武汉市洪山区珞喻路37号喻园小区", "{b}-{u}-{r}"),
    ("黑龙江省哈尔滨市南岗区西大直街９２号", "{b}栋{u}单元{r}"),
    ("北京市朝阳区望京SOHO", "T{b}座{r}"),
    ("香港特別行政區九龍彌敦道70號", "{b}座{u}樓{r}室"),
]


def words(party: Party) -> tuple[str, ...]:
    return party.name.reveal(), party.phone.reveal(), party.address.reveal()


def party(rng: random.Random, number: int) -> tuple[Party, list[str]]:
    """An invented person, and the texts that may stand in no printed field."""
    name = rng.choice(FAMILIES) + rng.choice(GIVEN) + rng.choice(["", "甲", "丙"])
    digits = f"1380{number:07}"
    phone = rng.choice([digits, f"{digits[:3]} {digits[3:7]} {digits[7:]}", f"+86-{digits}", f"{digits}转4821"])
    room = str(2000 + number)
    way, door = rng.choice(WAYS)
    address = way + door.format(b=rng.randint(11, 39), u=rng.randint(4, 9), r=room)
    address += rng.choice(["", "", f" {name}", f"(收货人{name}{digits})", f" 电话{digits}", "送货前打电话"])
    return Party(name=name, phone=phone, address=address), [name, digits, digits[3:], digits[-4:], room]


def orders(count: int) -> list[tuple[Order, list[str]]]:
    rng = random.Random(41833)
    out = []
    for n in range(count):
        (recipient, one), (sender, other) = party(rng, 5000 + n), party(rng, 8000 + n)
        name, digits, *_, room = one
        remark = rng.choice(
            [
                "",
                f"联系{digits}",
                f"转交{name}",
                f"送到{room}室",
                f"收货人：{name} {digits}",
                f"发件人{other[0]}",
                "请放门卫",
            ]
        )
        goods = rng.choice(["书", f"给{name}的书", f"茶叶，电话{digits}", "药品", "衣服"])
        order = Order(
            reference=f"A-{n}", recipient=recipient, sender=sender, goods=goods, remark=remark, show_goods=n % 2 == 0
        )
        out.append((order, one + other))
    return out


def test_no_personal_token_of_either_party_is_in_a_printed_field():
    generated = orders(500)
    views = mask_orders([order for order, _ in generated])
    for (order, tokens), view in zip(generated, views, strict=True):
        for field, masked in view.fields().items():
            shown = "".join(ch for ch in masked.text if ch not in " -")
            assert not [token for token in tokens if token in shown], (field, masked.text)
        assert find_leaks(view, order) == []


def test_view_keeps_what_routes_the_parcel():
    view = mask_order(ORDER)
    assert {name: masked.text for name, masked in view.fields().items()} == {
        "recipient.name": "欧阳**",
        "recipient.phone": "138********",
        "recipient.address": "上海市浦东新区世纪大道100号*********",
        "sender.name": "示**店",
        "sender.phone": "057*-********",
        "sender.address": "浙江省杭州市西湖区文三路90号东部软件园*******",
        "goods": "图书",
        "remark": "放门卫",
    }
    assert view.stamp == STAMP


def test_orders_in_a_batch_are_masked_as_alone():
    batch = [order for order, _ in orders(20)]
    assert mask_orders(batch) == [mask_order(order) for order in batch]


def test_sender_of_many_is_judged_with_each_recipient_as_with_one():
    tricky = Party(name="样例", phone="13700000001", address="上海市浦东新区样\u200b例大道100号3栋501室")
    named = Party(name="示例", phone="13800000001", address="上海市徐汇区漕溪北路200弄3号501室")
    shop = Party(
        name="某某店", phone="13900000001", address="浙江省杭州市西湖区文三路90号示例大厦3栋501室，13900000001"
    )
    batch = [
        Order(reference=f"A-{n}", recipient=recipient, sender=sender, remark=remark)
        for n, (sender, recipient, remark) in enumerate(
            [
                (tricky, named, ""),
                (tricky, RECIPIENT, "放门卫"),
                (shop, RECIPIENT, ""),
                (shop, named, ""),
                (shop, RECIPIENT, "501"),
            ]
        )
    ]
    views = mask_orders(batch)
    assert views == [mask_order(order) for order in batch]
    assert [find_leaks(view, order) for view, order in zip(views, batch, strict=True)] == [[]] * len(batch)
    assert "示例" not in views[3].sender.address.text


def test_unmasked_order_fails_the_compliance_check():
    plain = {name: Masked(value.reveal()) for name, value in ORDER.fields().items()}
    one, other = (
        MaskedParty(name=plain[f"{who}.name"], phone=plain[f"{who}.phone"], address=plain[f"{who}.address"])
        for who in ("recipient", "sender")
    )
    bare = MaskedView(recipient=one, sender=other, goods=plain["goods"], remark=plain["remark"], stamp="")
    found = find_leaks(bare, ORDER)
    assert {leak.field for leak in found} >= {"stamp", *FIELDS} - {"remark"}
    assert {leak.rule for leak in found} >= {
        "missing", "name-whole", "phone-six-digits", "phone-last-four", "address-building", "address-unit",
        "address-room", "address-door", "goods-no-category-word",
    }  # fmt: skip
    assert not [leak for leak in found if any(word in str(leak) for word in words(RECIPIENT) + words(SENDER))]


@pytest.mark.parametrize(
    ("field", "text", "rule"),
    [
        ("recipient.phone", "138****0001", "phone-six-digits"),
        ("recipient.phone", "*******0001", "phone-last-four"),
        ("recipient.name", "欧阳测试", "name-whole"),
        ("recipient.address", "上海市浦东新区世纪大道100号3栋******", "address-building"),
        ("recipient.address", "上海市浦东新区世纪大道100号**2单元****", "address-unit"),
        ("recipient.address", "上海市浦东新区世纪大道100号*****501室", "address-room"),
        ("recipient.address", "上海市 浦东新区 世纪大道100号 501", "address-room"),
        ("sender.address", "欧阳测试收", "name-of-the-recipient"),
        ("remark", "打13800000001", "phone-of-the-recipient"),
        ("remark", "打13900000009", "personal-text"),
        ("goods", "药品", "goods-no-category-word"),
    ],
)
def test_each_leak_is_named_by_field_and_rule(field, text, rule):
    view = mask_order(ORDER)
    who, _, part = field.rpartition(".")
    change = {part: Masked(text)}
    view = replace(view, **({who: replace(getattr(view, who), **change)} if who else change))
    assert Leak(field, rule) in find_leaks(view, ORDER)


def test_finished_label_may_break_lines_anywhere():
    view = mask_order(ORDER)
    text = view.recipient.address.text.replace("世纪", "世 纪")
    broken = replace(view, recipient=replace(view.recipient, address=Masked(text)))
    assert find_leaks(broken, ORDER) == []


def test_remark_does_not_reveal_the_room():
    order = Order(reference="A-5", recipient=RECIPIENT, sender=SENDER, remark="我住501，5012件")
    assert mask_order(order).remark.text == "我住***，5012件"


def test_sensitive_goods_are_never_shown():
    order = Order(reference="A-2", recipient=RECIPIENT, sender=SENDER, goods="血糖试纸", show_goods=True)
    assert mask_order(order).goods.text == NEUTRAL


def test_field_that_cannot_be_shown_safely_keeps_only_the_region():
    tricky = Party(name="样例", phone="13800000001", address="上海市浦东新区样\u200b例大道100号")
    order = Order(reference="A-3", recipient=tricky, sender=SENDER)
    view = mask_order(order)
    assert find_leaks(view, order) == []
    assert view.recipient.address.text.startswith("上海市浦东新区")
    assert "样" not in view.recipient.address.text


WORDS = st.lists(
    st.sampled_from(
        [
            "北京市",
            "朝阳区",
            "中山路",
            "号",
            "弄",
            "村",
            "花园",
            "栋",
            "单元",
            "室",
            "楼",
            "#",
            "-",
            "/",
            "、",
            "【",
            "】",
            "(",
            ")",
            "附近",
            "一",
            "三",
            "十",
            "1",
            "12",
            "101",
            "2305",
            "A",
            "SOHO",
            "东",
            "甲",
            "附",
            "第",
            "大厦",
            "公司",
            "张三",
            "期",
            "13800000001",
            "🌸",
            "é",
            "⑩",
            "㊙",
            "\u200b",
            "歐陽",
            "Anna",
            "Room",
            ".",
            ":",
            "@",
            "wx_demo",
            "微信",
            "李",
            "书",
            "0571-80000002",
            "转",
            "4821",
            "图书",
            "物品",
        ]
    ),
    min_size=1,
    max_size=10,
).map("".join)


@given(WORDS, WORDS, WORDS, WORDS, st.booleans())
def test_every_accepted_order_has_a_view_without_leaks(name, address, goods, remark, shown):
    someone = Party(name=name[:20], phone="13800000001", address=address)
    order = Order(reference="A", recipient=someone, sender=SENDER, goods=goods, remark=remark, show_goods=shown)
    assume(not order.problems())
    assert find_leaks(mask_order(order), order) == []


def test_person_named_like_goods_does_not_fail_the_batch():
    named = Party(name=NEUTRAL, phone="13800000001", address="上海市浦东新区世纪大道100号")
    order = Order(reference="A-6", recipient=named, sender=SENDER, goods="药品")
    assert mask_order(order).goods.text == NEUTRAL


def test_shop_named_like_its_city_does_not_lose_the_city():
    shop = Party(name="杭州 示例书店", phone="13700000001", address="浙江省杭州市西湖区文三路90号")
    view = mask_order(Order(reference="A-4", recipient=RECIPIENT, sender=shop))
    assert view.sender.address.text == "浙江省杭州市西湖区文三路90号"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("前三位138后面00004271", "前三位*************"),
        ("取件时报４２７１", "取件时报****"),
        ("手机1380000开头", "手机*******开头"),
        ("00004271-2", "********-2"),
        ("订单号94271", "订单号94271"),
        ("大号1380双", "大号1380双"),
    ],
)
def test_end_of_a_partys_phone_is_hidden_in_goods_and_remark(said: str, shown: str) -> None:
    called = replace(RECIPIENT, phone="13800004271")
    for order in (
        replace(ORDER, recipient=called, remark=said, goods=said, show_goods=True),
        replace(ORDER, sender=called, remark=said, goods=said, show_goods=True),
    ):
        view = mask_order(order)
        assert (view.remark.text, view.goods.text) == (shown, shown)
        assert not find_leaks(view, order)
        told = replace(view, remark=Masked(said))
        assert (Leak("remark", "personal-text") in find_leaks(told, order)) == (said != shown)


@pytest.mark.parametrize(
    ("name", "said", "shown"),
    [
        ("张三丰", "三丰哥的书", "**哥的书"),
        ("张三丰", "给三丰", "给**"),
        ("张三丰先生", "三丰收", "**收"),
        ("欧阳试用", "试用请放门卫", "**请放门卫"),
        ("张三", "三哥的书", "*哥的书"),
        ("张三", "阿三收", "**收"),
        ("张三", "给三哥", "给**"),
        ("张三", "三本书，三点后送", "三本书，三点后送"),
        ("示例书店", "书店的书", "书店的书"),
        ("王海", "上海的书", "上海的书"),
        ("张三丰", "sanfeng的书", "*******的书"),
        ("张三丰", "San Feng 的书", "******** 的书"),
        ("张三丰", "给zhang sanfeng", "给*************"),
        ("张三丰", "ZhangSanfeng，轻放", "************，轻放"),
        ("张三丰", "for Sanfeng Zhang", "for *************"),
        ("张三丰", "Sān-fēng收", "********收"),
        ("张三丰", "sanfengsi, zhang", "sanfengsi, zhang"),
        ("欧阳乐旅", "yuelv, le lü", "*****, *****"),
        ("吴伟", "wei的书，wu的书", "wei的书，wu的书"),
        ("吴伟", "Wu Wei, weiwu", "******, *****"),
        ("盘兰", "pan land", "pan land"),
    ],
)
def test_given_name_of_a_party_is_hidden_in_goods_and_remark(name: str, said: str, shown: str) -> None:
    named = replace(RECIPIENT, name=name)
    for order in (
        replace(ORDER, recipient=named, remark=said, goods=said, show_goods=True),
        replace(ORDER, sender=named, remark=said, goods=said, show_goods=True),
    ):
        view = mask_order(order)
        assert (view.remark.text, view.goods.text) == (shown, shown)
        assert not find_leaks(view, order)
        told = replace(view, remark=Masked(said))
        assert (Leak("remark", "personal-text") in find_leaks(told, order)) == (said != shown)
