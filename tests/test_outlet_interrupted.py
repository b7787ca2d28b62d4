"""The outlet page loses no work: outages, lost answers, reloads and crashes."""

from __future__ import annotations

import pytest

from tests.support.browser import BrowserPage
from tests.support.outlet_page import (
    confirm_all_printed,
    open_sign_in,
    parcel_at_outlet,
    print_ready,
    record_of,
    reload_and_sign_in,
    row_of,
)
from tests.support.people import DISPATCHER

pytestmark = pytest.mark.system("chromium", "bash")


def print_without_answer(page: BrowserPage) -> None:
    """Press Print and lose the answer of the service, which has recorded the prints."""
    page.lose_answers(lose=True)
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    page.lose_answers(lose=False)


def test_service_outage_loses_nothing_on_the_page(service, page):
    number, token = parcel_at_outlet(service)
    other, _ = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    page.offline(off=True)
    page.scan(other)
    assert row_of(page, other) == ("unanswered", "No answer. Press “Check again”")
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    assert row_of(page, number)[0] == "made"
    assert "nothing is counted twice" in page.text("#last")
    assert page.see("document.querySelector('#well').hidden")  # no document came that could have come out
    page.offline(off=False)
    page.tab_to("#retry")
    page.press("Enter")
    assert row_of(page, other)[0] == "ready"
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    confirm_all_printed(page)
    print_ready(page)
    confirm_all_printed(page)
    assert row_of(page, number)[0] == row_of(page, other)[0] == "printed"
    assert record_of(service, token).prints == 1


def test_lost_answer_is_requested_again_and_counted_once(service, page):
    number, token = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    print_without_answer(page)
    assert record_of(service, token).prints == 1  # it had been done
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    confirm_all_printed(page)
    assert row_of(page, number)[0] == "printed"
    assert record_of(service, token).prints == 1


def test_batch_with_a_lost_answer_is_there_after_a_crash(service, page):
    number, token = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    print_without_answer(page)
    reload_and_sign_in(page, service)
    assert page.see("document.querySelector('#well').hidden")
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    confirm_all_printed(page)
    assert record_of(service, token).prints == 1


def test_silent_service_is_waited_for_once_and_not_for_each_scan(service, page):
    numbers = [parcel_at_outlet(service)[0] for _ in range(5)]
    page.see("{ const real = AbortSignal.timeout; AbortSignal.timeout = () => real.call(AbortSignal, 2000); }")
    before = page.asked().count(f"{service.url}/v1/labels")
    page.hang(hangs=True)
    for number in numbers:
        page.scan(number)
    assert {row_of(page, number)[0] for number in numbers} == {"unanswered"}
    assert page.asked().count(f"{service.url}/v1/labels") == before + 1
    page.hang(hangs=False)
    page.tab_to("#retry")
    page.press("Enter")
    assert {row_of(page, number)[0] for number in numbers} == {"ready"}


def test_second_window_warns_that_the_page_is_open(service, page):
    second = page.another()
    open_sign_in(second, service)
    second.scan(service.code(DISPATCHER))
    second.until("document.querySelector('#refused').textContent.includes('open in another window')")
    second.close()
