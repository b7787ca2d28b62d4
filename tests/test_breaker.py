"""A service that does not answer is asked by one call after each pause, and by none in between."""

from __future__ import annotations

from http.server import BaseHTTPRequestHandler

import pytest

from masking.client import RemoteShop
from masking.client.breaker import FAILURES, FIRST_PAUSE, LONGEST_PAUSE, Breaker
from masking.client.credentials import Credentials
from masking.client.link import Link
from masking.errors import UnavailableError
from tests.support.local_servers import answering
from tests.support.people import SHOP
from tests.support.shop_programs import order_of


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.time = 0.0

    def __call__(self) -> float:
        return self.time


@pytest.fixture
def hand():
    return Hand()


@pytest.fixture
def breaker(hand):
    return Breaker(hand)


def fail(breaker, times, *, probe=False):
    for _ in range(times):
        breaker.failed(probe=probe)


def test_breaker_opens_after_four_failures_in_a_row(breaker):
    fail(breaker, FAILURES - 1)
    assert breaker.tries(4) == 4
    breaker.succeeded()
    fail(breaker, FAILURES - 1)
    assert not breaker.is_open
    fail(breaker, 1)
    assert breaker.is_open
    assert breaker.tries(4) == 0
    assert breaker.seconds_left() == FIRST_PAUSE


def test_breaker_allows_one_call_after_each_doubled_pause(breaker, hand):
    fail(breaker, FAILURES)
    pauses = []
    for _ in range(5):
        pauses.append(breaker.seconds_left())
        hand.time += breaker.seconds_left()
        assert [breaker.tries(4) for _ in range(3)] == [1, 0, 0]
        fail(breaker, 1, probe=True)
    assert pauses == [5, 10, 20, LONGEST_PAUSE, LONGEST_PAUSE]


def test_late_failures_do_not_lengthen_the_pause(breaker):
    fail(breaker, FAILURES + 20)
    assert breaker.seconds_left() == FIRST_PAUSE


def test_answer_closes_the_breaker(breaker, hand):
    fail(breaker, FAILURES)
    hand.time += FIRST_PAUSE
    assert breaker.tries(4) == 1
    breaker.succeeded()
    assert (breaker.tries(4), breaker.seconds_left()) == (4, 0)


@pytest.fixture
def silent():
    """The address of a server that answers nothing, and the requests that it has got."""
    asked: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def handle(self) -> None:
            self.raw_requestline = self.rfile.readline(65537)
            asked.append(self.raw_requestline.decode())

    with answering(Handler) as url:
        yield url, asked


def test_call_during_an_outage_fails_at_once_without_a_request(service, credentials, silent, hand):
    path = credentials(SHOP, plain=True)
    with RemoteShop(Link(service.url, Credentials.read(path))) as shop:
        shop.checkout([order_of("breaker-1")])
    slept: list[float] = []
    url, asked = silent
    link = Link(url, Credentials.read(path), sleep=slept.append, now=hand)
    with RemoteShop(link) as shop:
        assert [each.state for each in shop.checkout([order_of("breaker-2")])] == ["pending"]
        assert (len(asked), len(slept)) == (4, 3)
        assert [each.state for each in shop.checkout([order_of("breaker-3")])] == ["pending"]
        with pytest.raises(UnavailableError):
            shop.find(reference="breaker-1")
        assert (len(asked), len(slept)) == (4, 3)
        hand.time += FIRST_PAUSE
        assert [each.state for each in shop.checkout([order_of("breaker-4")])] == ["pending"]
        assert (len(asked), len(slept)) == (5, 3)
        with pytest.raises(UnavailableError):
            shop.flush()  # which a caller asked for, so it is tried
        assert len(asked) == 6


def test_token_that_expired_in_an_outage_is_replaced_by_the_probing_call(service, credentials, hand):
    path = credentials(SHOP, plain=True)
    with RemoteShop(Link(service.url, Credentials.read(path), now=hand)) as shop:
        shop.checkout([order_of("breaker-5")])
        fail(shop.link.breaker, FAILURES)
        hand.time += FIRST_PAUSE
        shop.link._session.get()._token = "ended"
        assert [each.state for each in shop.checkout([order_of("breaker-6")])] == ["active"]
