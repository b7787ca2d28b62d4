"""Step 1, and what a merchant may still do after it."""

from __future__ import annotations

import pytest

import masking
from masking.access.people import Actor, Role
from masking.connection import Shop
from masking.crypto.index import record_of_waybill_id
from masking.errors import InputError, UnavailableError, UnknownWaybillError
from masking.journal import journal
from masking.steps.checkout import Checkout, checkout
from masking.store.rows import people
from masking.values.arguments import PAGE
from masking.values.plaintext import Party
from masking.values.printable import Labels, Refusal, Rejected, Waybill
from tests.support.commit_faults import fail_checkout
from tests.support.parcels import check_out, print_label, resolve_one, scan_arrival
from tests.support.people import COURIER, RIVAL, SHOP

ELSEWHERE = Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道101号3栋2单元501室")


@pytest.fixture
def shop(world, store):
    return Shop(world, store, SHOP)


@pytest.fixture
def rival(world, store):
    return Shop(world, store, RIVAL)


def test_connect_stays_a_function_after_its_module_is_imported():
    assert callable(masking.connect)


def test_same_reference_and_content_give_the_same_waybill(shop, order):
    [first] = shop.checkout([order()])
    [again] = shop.checkout([order()])
    assert (first.created, again.created) == (True, False)
    assert (first.id, first.number, first.masked) == (again.id, again.number, again.masked)


def test_same_reference_twice_in_one_batch_gives_one_waybill(shop, order):
    first, again = shop.checkout([order(), order()])
    assert first.id == again.id
    assert (first.created, again.created) == (True, False)


def test_changed_content_under_a_known_reference_is_rejected(shop, order):
    shop.checkout([order()])
    for changed in (order(recipient=ELSEWHERE), order(goods="药"), order(remark="轻放"), order(show_goods=True)):
        assert shop.checkout([changed]) == [
            Rejected(reference="A-1001", field="reference", rule="changed-after-checkout")
        ]


def test_broken_orders_are_named_by_field_and_rule_and_good_ones_accepted(shop, order):
    def party(**changes):
        return Party(**({"name": "张测试", "phone": "13800000001", "address": "某市某路1号"} | changes))

    broken = [
        (order("B-1", recipient=party(name="")), "recipient.name", "missing"),
        (order("B-2", recipient=party(phone="1.38E+10")), "recipient.phone", "spreadsheet-exponent"),
        (order("B-3", recipient=party(phone="138****0001")), "recipient.phone", "already-masked"),
        (order("B-4", sender=party(address="x" * 301)), "sender.address", "longer-than-300"),
        (order("B-5", sender=party(name="a\x00b")), "sender.name", "control-character"),
        (order(""), "reference", "missing"),
        (order("B-6", waybill_number="=1+1"), "waybill_number", "not-6-to-32-letters-digits-hyphens"),
    ]
    outcomes = shop.checkout([order("G-1"), *(each for each, _, _ in broken), order("G-2")])
    assert isinstance(outcomes[0], Waybill)
    assert isinstance(outcomes[-1], Waybill)
    assert [(each.field, each.rule) for each in outcomes[1:-1]] == [(field, rule) for _, field, rule in broken]


def test_no_rejection_holds_a_value(shop, order):
    canary = "金丝雀九八七六"
    outcomes = shop.checkout([order(recipient=Party(name=canary * 20, phone="13800000001", address="某路1号"))])
    assert isinstance(outcomes[0], Rejected)
    assert canary not in repr(outcomes)


def test_waybill_number_is_used_once(shop, order):
    shop.checkout([order("A-1", waybill_number="YT000000000001")])
    assert shop.checkout([order("A-2", waybill_number="YT000000000001")]) == [
        Rejected(reference="A-2", field="waybill_number", rule="already-used")
    ]


def test_empty_batch_gives_an_empty_answer(shop):
    assert shop.checkout([]) == []


def test_only_a_merchant_checks_out(world, store, order):
    assert checkout(world, store, [Checkout(merchant=COURIER, order=order())]) == [
        Rejected(reference="A-1001", field="merchant", rule="not-enrolled")
    ]


def test_exhausted_pool_still_masks(shop, order):
    orders = [order(f"A-{n}", waybill_number=None) for n in range(1001)]
    waybills = shop.checkout(orders)
    assert sum(each.number is None for each in waybills) == 1
    assert all(each.masked for each in waybills)


def test_orders_of_one_buyer_share_a_merge_reference_at_one_shop_only(shop, rival, order):
    one, two = shop.checkout([order("A-1"), order("A-2")])
    [moved] = shop.checkout([order("A-3", recipient=ELSEWHERE)])
    [elsewhere] = rival.checkout([order("A-1", waybill_number=None)])
    assert one.merge == two.merge
    assert len({one.merge, moved.merge, elsewhere.merge}) == 3


def test_find_takes_an_exact_phone_in_any_spelling_among_own_orders_only(shop, rival, order):
    [waybill] = shop.checkout([order()])
    assert [each.id for each in shop.find(phone="+86 138-0000-0001")] == [waybill.id]
    assert [each.id for each in shop.find(reference="A-1001")] == [waybill.id]
    assert shop.find(phone="13800000003") == []
    assert rival.find(phone="13800000001") == []
    with pytest.raises(InputError):
        shop.find()


def test_status_of_a_foreign_waybill_is_unknown(shop, rival, order):
    [waybill] = shop.checkout([order()])
    assert shop.status(waybill.id).reference == "A-1001"
    for token in (waybill.id, "wb_nonsense", ""):
        with pytest.raises(UnknownWaybillError):
            rival.status(token)


def test_ship_sets_carrier_numbers_until_a_label_is_printed(world, store, shop, order):
    [waybill] = shop.checkout([order(waybill_number=None, routing_code=None)])
    assert shop.labels([waybill.id], job="j") == Labels(pdf=b"", outcomes=[Refusal(reason="not-shipped")])
    [shipped] = shop.ship([(waybill.id, "YT000000000009", "301-007-00 013")])
    assert (shipped.waybill_number, shipped.routing_code) == ("YT000000000009", "301-007-00 013")
    print_label(world, store, shipped)
    assert shop.ship([(waybill.id, "YT000000000010", "301-007-00 013")]) == [Refusal(reason="already-printed")]
    assert isinstance(shop.ship([(waybill.id, "YT000000000009", "301-007-00 013")])[0], Waybill)


def test_amended_order_gets_a_new_key_and_the_old_content_is_gone(store, shop, order):
    [waybill] = shop.checkout([order()])
    [amended] = shop.amend([(waybill.id, order(recipient=ELSEWHERE))])
    assert amended.id == waybill.id
    assert amended.merge != waybill.merge
    with store.keys.engine.connect() as connection:
        assert connection.exec_driver_sql("SELECT generation FROM wrap").scalars().all() == [2]
    assert shop.checkout([order(recipient=ELSEWHERE)])[0].id == waybill.id
    assert isinstance(shop.checkout([order()])[0], Rejected)


def test_cancelled_order_is_destroyed_and_its_number_freed_at_once(world, store, shop, order):
    [waybill] = shop.checkout([order()])
    [cancelled] = shop.cancel([waybill.id])
    assert (cancelled.state, cancelled.reference, cancelled.masked) == ("destroyed", None, None)
    assert shop.find(phone="13800000001") == []
    assert shop.cancel([waybill.id]) == [cancelled]  # asked again, nothing is done again


def test_parcel_in_transit_cannot_be_cancelled(world, store, shop, order):
    waybill = check_out(world, store, order())
    data = print_label(world, store, waybill)
    assert shop.cancel([waybill.id]) == [Refusal(reason="already-printed")]
    scan_arrival(world, store, data)
    assert shop.amend([(waybill.id, order(recipient=ELSEWHERE))]) == [Refusal(reason="already-printed")]


def test_foreign_waybill_cannot_be_changed(shop, rival, order):
    [waybill] = shop.checkout([order()])
    assert rival.cancel([waybill.id]) == [Refusal(reason="unknown")]
    assert rival.amend([(waybill.id, order())]) == [Refusal(reason="unknown")]
    assert rival.ship([(waybill.id, "YT000000000009", "301-007-00 013")]) == [Refusal(reason="unknown")]


def test_failed_commit_reveals_nothing_and_the_order_can_be_repeated(world, store, shop, order):
    with pytest.raises(UnavailableError) as caught:
        fail_checkout(world, store, order())
    assert "13800000001" not in repr(caught.value) + repr(caught.value.__cause__)
    assert shop.find(phone="13800000001") == []
    assert isinstance(shop.checkout([order()])[0], Waybill)


def test_number_found_by_reference_opens_nothing_for_its_courier(world, store, order):
    waybill = check_out(world, store, order())
    assert resolve_one(world, store, waybill.id).reason == "unknown"


def test_ledger_names_the_shop_login_that_checked_an_order_out(world, store, order):
    clerk = Actor(id="shop-clerk-2", tenant=SHOP.tenant, role=Role.MERCHANT, unit=SHOP.unit)
    with store.transaction() as tx:
        people.enrol(world, store.keys, tx, clerk, world.now())
    asked = [Checkout(merchant=SHOP, order=order("A-1")), Checkout(merchant=clerk, order=order("A-2"))]
    made = checkout(world, store, asked)
    seen = [journal.who_saw(world, store, record_of_waybill_id(waybill.id)) for waybill in made]
    assert [[leaf.actor for leaf in leaves] for leaves in seen] == [[SHOP.id], [clerk.id]]


def test_find_pages_through_every_waybill_of_a_phone(shop, rival, order):
    made = shop.checkout([order(f"A-{n}", waybill_number=None) for n in range(PAGE + 20)])
    rival.checkout([order("A-1", waybill_number=None)])
    sender = order().sender.phone.reveal()
    first = shop.find(phone=sender)
    rest = shop.find(phone=sender, after=first[-1].id)
    assert [each.id for each in first + rest] == sorted(each.id for each in made)
    assert (len(first), len(rest)) == (PAGE, 20)
    assert shop.find(phone=sender, after=rest[-1].id) == []
    assert [each.id for each in shop.find(phone=sender, limit=7)] == [each.id for each in first[:7]]


@pytest.mark.parametrize("bounds", [{"limit": 0}, {"limit": PAGE + 1}, {"after": "not a token"}])
def test_find_refuses_a_page_size_out_of_bounds(shop, bounds):
    with pytest.raises(InputError):
        shop.find(phone="13800000001", **bounds)
