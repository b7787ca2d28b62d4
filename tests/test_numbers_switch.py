"""Real calls through a real switch: only the right person's phone rings, and no message shows the other side."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
import sqlalchemy as sa

from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from tests.support.people import COURIER, PHONES, SWITCH
from tests.support.running_service import Service, run_service
from tests.support.service_parcels import on_the_van
from tests.support.sip_scenarios import (
    ANSWERS,
    ANSWERS_AND_HANGS_UP,
    CALLS,
    CALLS_AND_IS_HUNG_UP_ON,
    CALLS_BEING_FORWARDED,
    CALLS_FOR_A_WHILE,
    CALLS_SOMEONE_WHO_FORWARDS,
    GIVES_UP,
    LETS_IT_RING,
    TAKES_A_FORWARDED_CALL,
    declines,
    is_refused,
)
from tests.support.sip_switch import Phone, answers, kamailio, media_port, relay, sdes, shown, socket_at
from tests.support.waiting import wait_until

pytestmark = pytest.mark.system("kamailio", "rtpengine", "sipp")


class Exchange(NamedTuple):
    """A service, its switch's settings, a switch in each direction, and the phones of courier, recipient and a stranger."""

    service: Service
    settings: dict[str, str]
    to_recipient: int
    to_courier: int
    courier: Phone
    recipient: Phone
    stranger: Phone


@pytest.fixture(scope="module")
def exchange(tmp_path_factory) -> Iterator[Exchange]:
    folder: Path = tmp_path_factory.mktemp("switch")
    courier, recipient = Phone(folder, PHONES[COURIER.id], "127.0.1.1"), Phone(folder, "13800000001", "127.0.2.1")
    stranger = Phone(folder, "13900009999", "127.0.3.1")
    with run_service(folder / "deployment") as service, relay(folder) as media:
        settings = {"SERVICE": service.url, "SECRET": service.secret(SWITCH), "RELAY": media}
        with (
            kamailio(folder / "one", settings, recipient) as first,
            kamailio(folder / "two", settings, courier) as second,
        ):
            yield Exchange(service, settings, first, second, courier, recipient, stranger)


@pytest.fixture(scope="module")
def van(exchange) -> tuple[tuple[str, str], str]:
    """A parcel on the van: its number, and its label code."""
    waybill, code = on_the_van(exchange.service)
    return (waybill["number"]["main"], waybill["number"]["extension"]), code


def announce(exchange: Exchange, code: str) -> None:
    [dial] = exchange.service.outcomes(COURIER, "/v1/calls", {"items": [{"code": code}]})
    assert dial["outcome"] == "dial"


def call(exchange: Exchange, van: tuple[tuple[str, str], str], picks_up: str = ANSWERS, dials: str = CALLS) -> None:
    """The courier announces the parcel and calls its number, the recipient's phone does its part, and both are done."""
    number, code = van
    announce(exchange, code)
    with (
        exchange.recipient.doing(picks_up, exchange.to_recipient),
        exchange.courier.doing(dials, exchange.to_recipient, number),
    ):
        pass


def methods(phone: Phone) -> set[str]:
    lines = phone.messages.splitlines()
    return {line.split()[0] for line in lines if line.endswith("SIP/2.0")} | {
        line.split()[1] for line in lines if line.startswith("SIP/2.0 ")
    }


def test_courier_reaches_the_recipient_and_neither_sees_the_others_number(exchange, van):
    number, _ = van
    call(exchange, van)
    courier, recipient = exchange.courier, exchange.recipient
    for phone in (courier, recipient):
        assert methods(phone) >= {"INVITE", "ACK", "BYE", "180", "200"}
    assert shown(courier, recipient) == []
    assert shown(recipient, courier) == []
    assert f"<sip:{number[0]}@" in recipient.messages  # who calls: the virtual number
    assert f"INVITE sip:+86{recipient.me}@" in recipient.messages


def test_recipient_calls_back_and_the_courier_hangs_up(exchange, van):
    number, _ = van
    courier, recipient = exchange.courier, exchange.recipient
    with (
        courier.doing(ANSWERS_AND_HANGS_UP, exchange.to_courier),
        recipient.doing(CALLS_AND_IS_HUNG_UP_ON, exchange.to_courier, number),
    ):
        pass
    assert "BYE" in methods(recipient)
    assert shown(courier, recipient) == []
    assert shown(recipient, courier) == []


def test_cancelled_call_shows_no_number(exchange, van):
    call(exchange, van, LETS_IT_RING, GIVES_UP)
    courier, recipient = exchange.courier, exchange.recipient
    assert methods(recipient) >= {"CANCEL", "487"}
    assert shown(courier, recipient) == []
    assert shown(recipient, courier) == []


def test_recipient_who_forwards_shows_the_courier_no_number(exchange, van):
    call(exchange, van, TAKES_A_FORWARDED_CALL, CALLS_SOMEONE_WHO_FORWARDS)
    assert methods(exchange.courier) >= {"180", "200", "INVITE", "BYE"}
    assert shown(exchange.courier, exchange.recipient) == []
    assert shown(exchange.recipient, exchange.courier) == []


@pytest.mark.parametrize(
    ("code", "answer"), [("301", "480"), ("302", "480"), ("380", "480"), ("407", "480"), ("486", "486"), ("603", "603")]
)
def test_declined_call_shows_neither_target_nor_reason_phrase(exchange, van, code, answer):
    call(exchange, van, declines(code), is_refused(answer))
    assert shown(exchange.courier, exchange.recipient) == []


def test_forwarded_caller_shows_the_recipient_no_number(exchange, van):
    call(exchange, van, ANSWERS, CALLS_BEING_FORWARDED)
    assert shown(exchange.recipient, exchange.courier) == []


@pytest.mark.parametrize(("without", "shows"), [("", False), ("generate-RTCP", True)])
def test_rtcp_passes_between_the_sides_only_through_a_weaker_switch(exchange, van, tmp_path, without, shows):
    number, code = van
    announce(exchange, code)
    courier, recipient = exchange.courier, exchange.recipient
    with (
        kamailio(tmp_path, exchange.settings, recipient, without_word=without) as switch,
        recipient.doing(ANSWERS, switch),
        courier.doing(CALLS_FOR_A_WHILE, switch, number),
    ):
        sent, offered = (media_port(phone, "sent") for phone in (courier, recipient))
        answered = media_port(courier, "received")
        with socket_at(courier.address, sent + 1) as ours, socket_at(recipient.address, offered + 1) as theirs:
            ours.sendto(sdes(f"{courier.me}@{courier.address}"), ("127.0.0.1", answered + 1))
            theirs.settimeout(1)
            try:
                got = theirs.recv(2000)
            except TimeoutError:
                got = b""
    assert (courier.me.encode() in got) is shows


def test_unknown_caller_is_not_connected(exchange, van):
    number, _ = van
    with exchange.stranger.doing(is_refused("403"), exchange.to_recipient, number):
        pass
    assert "<sip:not-connected@" in exchange.stranger.messages
    assert shown(exchange.stranger, exchange.recipient) == []


def test_courier_is_connected_once_for_each_announcement(exchange, van):
    number, _ = van
    call(exchange, van)
    courier, recipient = exchange.courier, exchange.recipient
    with courier.doing(is_refused("403"), exchange.to_recipient, number):
        pass
    assert "<sip:intent-used@" in courier.messages
    assert shown(courier, recipient) == []


def test_caller_without_asserted_identity_is_not_taken_for_an_earlier_one(exchange, van):
    number, _ = van
    call(exchange, van)
    anonymous = is_refused("403").replace("P-Asserted-Identity: <sip:[me]@[local_ip]>\n", "")
    for _ in range(5):  # variables belong to one of the switch's four processes
        with exchange.stranger.doing(anonymous, exchange.to_recipient, number):
            pass
        assert "P-Asserted-Identity" not in exchange.stranger.messages
        assert "<sip:not-connected@" in exchange.stranger.messages


def test_main_number_without_an_extension_asks_for_one(exchange, van):
    (main, _), _ = van
    with exchange.stranger.doing(is_refused("484"), exchange.to_recipient, (main, "")):
        pass


def test_only_the_trunk_is_answered(exchange):
    assert answers(exchange.to_recipient, "127.0.1.1")
    assert not answers(exchange.to_recipient, "127.0.9.1")


def test_switch_reports_the_result_of_each_call(exchange):
    waybill, code = on_the_van(exchange.service)
    number = (waybill["number"]["main"], waybill["number"]["extension"])
    for picks_up, dials in ((ANSWERS, CALLS), (LETS_IT_RING, GIVES_UP)):
        call(exchange, (number, code), picks_up, dials)
    reported = schema.call_report.c.waybill == record_of_waybill_id(waybill["id"])

    def events() -> list[str]:
        with exchange.service.store.reading() as tx:
            return sorted(tx.execute(sa.select(schema.call_report.c.event).where(reported)).scalars())

    wait_until(lambda: len(events()) >= 3, 15)
    assert events() == ["answered", "ended", "missed"]


@pytest.mark.parametrize(
    ("line", "picks_up", "dials"),
    [
        ("topoh", ANSWERS, CALLS),
        ("route.PARTIES", ANSWERS, CALLS),
        ("route.BARE", ANSWERS, CALLS),
        ("keep_hf", ANSWERS, CALLS),
        ("rtpengine_offer", ANSWERS, CALLS),
        ("re.subst,/.o=", ANSWERS, CALLS),
        ("re.subst,/.a=", ANSWERS, CALLS_BEING_FORWARDED),
        ("remove_body", declines("486"), is_refused("486")),
        ("remove_hf..Contact", declines("486"), is_refused("486")),
        ("change_reply_status.480", declines("404"), is_refused("404")),
    ],
)
def test_leak_search_finds_what_a_weaker_switch_would_show(exchange, van, line, picks_up, dials, tmp_path):
    number, code = van
    announce(exchange, code)
    courier, recipient = exchange.courier, exchange.recipient
    with (
        kamailio(tmp_path, exchange.settings, recipient, without=line) as switch,
        recipient.doing(picks_up, switch),
        courier.doing(dials, switch, number),
    ):
        pass
    assert shown(recipient, courier) or shown(courier, recipient)
