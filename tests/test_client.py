"""The same facade over a connection: same outcomes; whom it connects to, and with which credentials."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

import masking
from masking import Party, Rejected, Waybill
from masking.client import Courier, Outlet
from masking.client.credentials import service_address
from masking.errors import (
    InputError,
    RefusedError,
    SettingsError,
    UnknownWaybillError,
)
from masking.values.outcomes import Delivered, Dial, Scanned
from masking.values.plaintext import Grant
from masking.values.printable import LabelData, PrintedPage, Refusal, WaybillId
from print_templates.read import read_pdf
from tests.support.people import COURIER, DISPATCHER, RECEIVER, SHOP
from tests.support.running_service import SUPERVISOR
from tests.support.service_parcels import made


def without_what_differs(outcome: Any) -> Any:
    if not isinstance(outcome, Waybill):
        return outcome
    return outcome.masked, outcome.reference, outcome.state, outcome.waybill_number, outcome.created


def test_service_and_folder_give_the_same_outcomes(shop, tmp_path):
    masked = Party(name="王**", phone="138****0001", address="某市")
    orders = [made(), made(recipient=masked), made(reference=""), made(goods="手机", remark="放门卫")]
    seen = []
    with masking.connect(tmp_path / "folder") as embedded:
        for each in (embedded, shop):
            first, *_, last = outcomes = each.checkout(orders)
            steps = [
                *outcomes,
                *each.checkout(orders[:1]),
                *each.ship([(first.id, "YT999999999999", "1-2-3"), (WaybillId("wb1_x"), "YT999999999998", "1-2-3")]),
                *each.amend([(last.id, made(reference=last.reference, goods="书"))]),
                *each.cancel([last.id, last.id]),
                *each.find(reference=first.reference),
                *each.find(phone=made().recipient.phone.reveal(), limit=1, after=first.id),
                each.status(first.id),
            ]
            seen.append([without_what_differs(step) for step in steps])
            for unknown in ("wb1_034agrwbr02t2h0pb9k5ndwr4m", "", "../ledger/checkpoint"):
                with pytest.raises(UnknownWaybillError):
                    each.status(WaybillId(unknown))
            with pytest.raises(InputError):
                each.find()
    assert seen[0] == seen[1]
    assert isinstance(seen[0][1], Rejected)


def test_orders_beyond_one_request_keep_their_order(shop):
    orders = [made() for _ in range(130)]
    outcomes = shop.checkout(iter(orders))
    assert [outcome.reference for outcome in outcomes] == [order.reference for order in orders]


def test_outlet_and_courier_take_a_parcel_to_its_door(service, shop, credentials):
    [waybill] = shop.checkout([made()])
    with (
        Outlet.connect(service.url, credentials=credentials(RECEIVER)) as receiver,
        Outlet.connect(service.url, credentials=credentials(DISPATCHER)) as dispatcher,
        Courier.connect(service.url, credentials=credentials(COURIER)) as courier,
    ):
        labels = shop.labels([waybill.id, WaybillId("wb1_x")], job="job-1")
        assert labels.outcomes == [PrintedPage(page=1), Refusal(reason="unknown")]
        [page] = read_pdf(labels.pdf)
        [code] = [each for each in set(page.codes) if each.startswith("WB1")]
        [scanned] = receiver.scan([waybill.waybill_number], "arrived")
        assert isinstance(scanned, Scanned)
        [assigned] = dispatcher.assign([waybill.waybill_number], COURIER.id)
        assert assigned.courier == COURIER.id
        [grant, unknown] = courier.resolve([code, "YT000000000000"], purpose="deliver")
        assert isinstance(grant, Grant)
        assert grant.fields["recipient.address"].reveal().endswith("501室")
        assert "501" not in repr(grant)
        assert unknown == Refusal(reason="unknown")
        assert isinstance(courier.call(code), Dial)
        [done] = courier.deliver([code])
        assert isinstance(done, Delivered)
        assert courier.deliver([code]) == [done]
        arrived = receiver.scan(["YT000000000000"], "arrived", event="gate-1/0001")
        assert arrived == [Refusal(reason="unknown")]


def test_outlet_gets_each_label_in_its_printers_language(service, shop, credentials):
    taken = shop.checkout([made() for _ in range(2)])
    with Outlet.connect(service.url, credentials=credentials(RECEIVER)) as outlet:
        outlet.scan([each.waybill_number for each in taken], "arrived")
        ids = [taken[0].id, WaybillId("wb1_x"), taken[1].id]
        labels = outlet.labels(ids, job="raw-1", station="SH-01-3", to="tspl", printer={"media": "mark"})
    assert labels.outcomes == [PrintedPage(page=1), Refusal(reason="unknown"), PrintedPage(page=2)]
    assert labels.pdf == b""
    assert [part.count(b"BLINE 2.0 mm,0 mm\r\n") for part in labels.parts] == [1, 1]


@pytest.mark.parametrize("event", ["gate-1/0002", "2", "一号门", "x" * 500])
def test_event_is_recorded_once_however_often_it_is_sent(service, shop, credentials, event):
    [waybill] = shop.checkout([made()])
    with Outlet.connect(service.url, credentials=credentials(RECEIVER)) as outlet:
        first = outlet.scan([waybill.waybill_number], "arrived", event=event)
        assert isinstance(first[0], Scanned)
        service.clock.ahead += timedelta(seconds=3)
        assert outlet.scan([waybill.waybill_number], "arrived", event=event) == first
        assert outlet.scan([waybill.waybill_number], "arrived") != first


def test_expired_token_is_replaced_without_the_caller(service, shop):
    shop.checkout([made()])
    service.clock.ahead += timedelta(minutes=61)
    [outcome] = shop.checkout([made()])
    assert isinstance(outcome, Waybill)


def test_revoked_enrolment_is_a_refusal_without_endless_retries(service, shop):
    shop.checkout([made()])
    service.outcomes(SUPERVISOR, "/v1/lost-devices", {"ids": [SHOP.id]})
    with pytest.raises(RefusedError, match="unauthenticated"):
        shop.checkout([made()])


@pytest.mark.parametrize(
    "where",
    [
        "http://mask.example",
        "http://127.0.0.1.example.com",
        "https://user:secret@mask.example",
        "https://mask.example/a//b",
        "https://mask.example?x=1",
        "https://mask.example#x",
        "http://0.0.0.0:80",
        "https://[bad",
    ],
)
def test_only_https_and_loopback_are_connected_to(where, tmp_path, service, credentials):
    with pytest.raises(SettingsError):
        masking.connect(where, credentials=credentials(SHOP))


def test_address_is_a_host_with_an_optional_port():
    for address in ("https://mask.example", "https://mask.example:8443", "http://127.0.0.1:8440", "http://localhost"):
        assert service_address(address) == service_address(f"{address}/") == address


def test_credentials_readable_by_others_are_refused(tmp_path):
    path = tmp_path / "shop.json"
    with pytest.raises(SettingsError, match="needs credentials"):
        masking.connect("https://mask.example")
    with pytest.raises(SettingsError, match="can't be read"):
        masking.connect("https://mask.example", credentials=path)
    path.write_text('{"secret": "wbs1_canary"}')
    path.chmod(0o640)
    with pytest.raises(SettingsError, match="open to others"):
        masking.connect("https://mask.example", credentials=path)
    path.chmod(0o600)
    for text in ("", "[]", "{}", '{"secret": 7}', "wbs1_canary"):
        path.write_text(text)
        with pytest.raises(SettingsError) as caught:
            masking.connect("https://mask.example", credentials=path)
        assert "canary" not in str(caught.value)


def test_label_code_never_arrives_as_data_over_a_connection(shop):
    [waybill] = shop.checkout([made()])
    assert not isinstance(shop.labels([waybill.id], job="job-9").outcomes[0], LabelData)
