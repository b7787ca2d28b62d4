"""The outlet page loses no work: outages, lost answers, reloads and crashes."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from masking.crypto.index import record_of_waybill_id
from masking.database.schema import label_print
from tests.support.outlet_page import (
    KEPT,
    confirm_all_printed,
    open_sign_in,
    parcel_at_outlet,
    print_ready,
    record_of,
    reload_and_sign_in,
    row_of,
    scan_again_if_cut,
)
from tests.support.people import DISPATCHER

pytestmark = pytest.mark.system("chromium", "bash")


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
    page.lose_answers(lose=True)
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    page.lose_answers(lose=False)
    assert record_of(service, token).prints == 1  # it had been done
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    confirm_all_printed(page)
    assert row_of(page, number)[0] == "printed"
    assert record_of(service, token).prints == 1


def test_reload_after_print_keeps_the_batch_and_the_waiting_scans(service, page):
    (one, first), (two, second), (waiting, _) = (
        parcel_at_outlet(service),
        parcel_at_outlet(service),
        parcel_at_outlet(service),
    )
    for number in (one, two):
        page.scan(number)
        row_of(page, number)
    print_ready(page)
    scan_again_if_cut(page, waiting)
    assert row_of(page, waiting)[0] == "ready"
    reload_and_sign_in(page, service)
    assert row_of(page, one) == row_of(page, two) == ("made", "Not confirmed")
    assert row_of(page, waiting)[0] == "ready"
    assert page.text("#question").startswith("Did all 2 labels come out well?")
    page.tab_to(f"#list [data-number='{two}'] .more button")
    page.press("Enter")
    assert row_of(page, two)[0] == "doubt"
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden && !document.querySelector('#download').hidden")
    assert row_of(page, two) == ("made", "Made, page 1; not confirmed")
    confirm_all_printed(page)
    assert [record_of(service, token).prints for token in (first, second)] == [1, 1]
    reload_and_sign_in(page, service)
    assert page.see("document.querySelectorAll('#list li').length") == 1
    assert row_of(page, waiting)[0] == "ready"


def test_batch_with_a_lost_answer_is_there_after_a_crash(service, page):
    number, token = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    page.lose_answers(lose=True)
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")
    page.lose_answers(lose=False)
    reload_and_sign_in(page, service)
    assert page.see("document.querySelector('#well').hidden")
    page.tab_to("#again")
    page.press("Enter")
    page.until("!document.querySelector('#well').hidden")
    confirm_all_printed(page)
    assert record_of(service, token).prints == 1


def test_next_batch_waits_until_the_last_one_is_confirmed(service, page):
    one, two = parcel_at_outlet(service)[0], parcel_at_outlet(service)[0]
    page.scan(one)
    row_of(page, one)
    print_ready(page)
    scan_again_if_cut(page, two)
    row_of(page, two)
    assert page.see("document.querySelector('#print').disabled")
    confirm_all_printed(page)
    assert not page.see("document.querySelector('#print').disabled")


def test_desk_keeps_its_name_and_paper(service, page):
    number, token = parcel_at_outlet(service)
    page.tab_to("#station")
    page.see("document.querySelector('#station').select()")
    page.type("door-3")
    page.press("Enter")
    page.tab_to("#paper")
    for _ in range(4):
        page.press("ArrowUp")
    page.until(f"({KEPT}).then((kept) => kept.includes('door-3') && kept.includes('100x180'))")
    page.press("ArrowDown")
    page.until(f"({KEPT}).then((kept) => kept.includes('100x150'))")
    reload_and_sign_in(page, service)
    assert page.see("document.querySelector('#station').value") == "door-3"
    assert page.see("document.querySelector('#paper').value") == "100x150"
    page.scan(number)
    row_of(page, number)
    print_ready(page)
    confirm_all_printed(page)
    with service.store.reading() as tx:
        query = sa.select(label_print.c.station).where(label_print.c.waybill == record_of_waybill_id(token))
        assert tx.execute(query).scalars().all() == ["door-3"]
    page.tab_to("#paper")
    page.press("ArrowUp")


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
