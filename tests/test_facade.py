"""One facade: a folder and a service take the same calls, give the same types, and are closed alike."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from datetime import timedelta
from itertools import count

import pytest

import masking
from masking import ClosedError, Order, Party, SettingsError
from masking.client import RemoteShop
from masking.client.link import Link
from masking.connection import Shop
from masking.runtime import World
from masking.values.printable import PrintedPage, Refusal, WaybillId
from print_templates.read import read_pdf
from tests.support.people import SHOP

numbers = count(50_000)


@pytest.fixture(params=["folder", "service"])
def shop(request, tmp_path) -> Iterator[Shop | RemoteShop]:
    if request.param == "folder":
        where, credentials = tmp_path / "folder", None
    else:
        service = request.getfixturevalue("service")
        where, credentials = service.url, tmp_path / "shop.json"
        credentials.touch(mode=0o600)
        credentials.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    with masking.connect(str(where), credentials=credentials) as connected:
        yield connected


def made(number: int) -> Order:
    return Order(
        reference=f"F-{number}",
        recipient=Party(name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"),
        sender=Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室"),
        waybill_number=f"YT0000000{number}",
        routing_code="342-081-00 052",
    )


def checked_out(shop: Shop | RemoteShop, many: int) -> list[WaybillId]:
    return [each.id for each in shop.checkout(made(next(numbers)) for _ in range(many))]


def test_folder_and_service_have_the_same_methods():
    only_a_folders = {"label_data"}  # label codes as data, which no service gives

    def methods(of: type) -> dict[str, inspect.Signature]:
        found = inspect.getmembers(of, inspect.isfunction)
        return {name: inspect.signature(each, eval_str=True) for name, each in found if not name.startswith("_")}

    embedded = methods(Shop)
    assert {name: each for name, each in embedded.items() if name not in only_a_folders} == methods(RemoteShop)


def pages_of(labels):
    """The page of each printed label, with or without notes; the folder has no virtual numbers."""
    return [each.page if isinstance(each, PrintedPage) else each for each in labels.outcomes]


def test_labels_are_one_pdf_with_an_outcome_for_each(shop):
    first, second = checked_out(shop, 2)
    labels = shop.labels([first, WaybillId("wb1_x"), second], job="facade-1")
    assert pages_of(labels) == [1, Refusal(reason="unknown"), 2]
    assert len(read_pdf(labels.pdf)) == 2
    assert shop.labels([first, WaybillId("wb1_x"), second], job="facade-1") == labels


def test_labels_beyond_one_request_are_one_pdf(shop):
    ids = [*checked_out(shop, 100), WaybillId("wb1_x"), *checked_out(shop, 4)]
    labels = shop.labels(ids, job="facade-2", template="60x40")
    assert pages_of(labels) == [*range(1, 101), Refusal(reason="unknown"), *range(101, 105)]
    pages = read_pdf(labels.pdf)
    codes = [code for page in pages for code in set(page.codes) if code.startswith("WB1")]
    assert (len(pages), len(set(codes))) == (104, 104)
    assert shop.labels(ids, job="facade-2", template="60x40").pdf == labels.pdf


def test_nothing_waits_when_all_was_answered(shop):
    checked_out(shop, 1)
    assert shop.flush() == {}
    assert (shop.pending().count, shop.pending().first_expires) == (0, None)


@pytest.mark.parametrize(
    "use",
    [
        lambda shop: shop.checkout([]),
        lambda shop: shop.checkout([made(1)]),
        lambda shop: shop.ship([(WaybillId("wb1_x"), "YT1", "1-2-3")]),
        lambda shop: shop.amend([(WaybillId("wb1_x"), made(1))]),
        lambda shop: shop.cancel([]),
        lambda shop: shop.find(reference="F-1"),
        lambda shop: shop.find(),
        lambda shop: shop.status(WaybillId("wb1_034agrwbr02t2h0pb9k5ndwr4m")),
        lambda shop: shop.status(WaybillId("")),
        lambda shop: shop.labels([], job="facade-3"),
        lambda shop: shop.flush(),
        lambda shop: shop.pending(),
    ],
)
def test_closed_shop_is_reported_as_closed(shop, use):
    shop.close()
    shop.close()
    with pytest.raises(ClosedError, match=r"call connect\(\)"):
        use(shop)


@pytest.mark.parametrize(
    ("use", "expected"),
    [
        (lambda shop: shop.checkout(["x"]), r"item 1 is of type str; give masking\.Order objects"),
        (lambda shop: shop.checkout([made(1), {}]), r"item 2 is of type dict; give masking\.Order objects"),
        (lambda shop: shop.checkout(made(1)), "orders is of type Order; give a list"),
        (lambda shop: shop.checkout({"reference": "F-1"}), "orders is of type dict; give a list"),
        (lambda shop: shop.ship([("wb1_x", "YT1")]), r"item 1 is not \(id, waybill number, routing code\)"),
        (lambda shop: shop.amend([made(1)]), r"item 1 is not \(id, masking\.Order\)"),
        (lambda shop: shop.cancel("wb1_x"), "ids is of type str; give a list"),
        (lambda shop: shop.labels([7], job="facade-4"), "item 1 is of type int; give the id of a waybill"),
    ],
)
def test_wrong_argument_error_names_what_is_expected(shop, use, expected):
    with pytest.raises(TypeError, match=expected):
        use(shop)


@pytest.mark.parametrize(("days", "advice"), [(30, "by this machine's clock"), (-5, "clock is days behind")])
def test_clock_wrong_by_days_is_named(service, tmp_path, days, advice):
    credentials = tmp_path / "shop.json"
    credentials.touch(mode=0o600)
    credentials.write_text(json.dumps({"code": service.code(SHOP)}), "utf-8")
    off = World(now=lambda: service.clock.world.now() + timedelta(days=days))
    with RemoteShop(Link.open(service.url, credentials), world=off) as shop:
        with pytest.raises(SettingsError, match=advice):
            shop.checkout([made(1)])
        assert shop.pending().count == 0
