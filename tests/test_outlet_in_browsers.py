"""The outlet's page in Chromium and in Firefox, worked with keyboard and hand scanner alone."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa

from masking.crypto.index import record_of_waybill_id
from masking.database.schema import label_print
from masking.journal import journal
from masking.store.rows import budgets
from tests.support.chromium import chromium
from tests.support.firefox import firefox
from tests.support.outlet_page import (
    KEPT,
    SETTLED,
    confirm_all_printed,
    parcel_at_outlet,
    print_ready,
    record_of,
    reload_and_sign_in,
    row_of,
    scan_again_if_cut,
    sign_in_at,
)
from tests.support.people import DISPATCHER
from tests.support.running_service import run_service

FIRST_PAPER = """(() => {
    const paper = document.querySelector("#paper");
    paper.value = "100x180";
    paper.dispatchEvent(new Event("change"));
    document.querySelector("#number").focus();
})()"""


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(chromium, id="chromium", marks=pytest.mark.system("chromium", "bash")),
        pytest.param(firefox, id="firefox", marks=pytest.mark.system("firefox-esr")),
    ],
)
def window(request):
    """A window of each browser."""
    with request.param() as page:
        yield page


@pytest.fixture(scope="module")
def service(window, tmp_path_factory):
    """A service for each browser: what one clerk does there is counted."""
    with run_service(tmp_path_factory.mktemp("service") / "deployment") as running:
        yield running


@pytest.fixture
def page(service, window):
    """The page, signed in at, in English, with its first paper: the window keeps the one that an earlier test chose."""
    sign_in_at(window, service)
    window.see(FIRST_PAPER)
    return window


def test_batch_is_scanned_viewed_and_printed_without_a_mouse(service, page):
    parcels = [parcel_at_outlet(service) for _ in range(3)]
    away, _ = parcel_at_outlet(service, here=False)
    for number, _ in (parcels[0], parcels[1]):
        page.scan(number)
    page.scan(away)
    page.scan(parcels[2][0].lower())
    words = "For this outlet, but not scanned in. Scan it as arrived, then scan it here again"
    assert row_of(page, away) == ("bad", words)
    assert {row_of(page, number) for number, _ in parcels} == {("ready", "Ready to print")}
    assert page.text("#counts") == "3 ready, 0 printed, 1 not"
    page.tab_to("#print")
    page.press("Enter")
    made = [("made", f"Made, page {n}; not confirmed") for n in (1, 2, 3)]
    assert [row_of(page, number) for number, _ in parcels] == made
    assert page.see("document.activeElement.id") == "number"
    assert [record_of(service, token).prints for _, token in parcels] == [1, 1, 1]
    assert page.see("document.querySelector('#download').download") == "labels.pdf"
    assert page.see("document.querySelector('#document').src === document.querySelector('#download').href")
    confirm_all_printed(page)
    assert {row_of(page, number) for number, _ in parcels} == {("printed", "Printed")}
    assert page.text("#counts") == "0 ready, 3 printed, 1 not"


def test_preview_shows_the_scanned_label_and_can_show_others(service, page):
    one, two = parcel_at_outlet(service)[0], parcel_at_outlet(service)[0]
    page.scan(one)
    page.scan(two)
    row_of(page, two)
    assert page.see("document.querySelector('#picture').alt") == f"Preview of {two}"
    page.until("document.querySelector('#picture').naturalWidth === 800")
    page.tab_to(f"#list [data-number='{one}'] .number")
    page.press("Enter")
    assert page.see("document.querySelector('#picture').alt") == f"Preview of {one}"
    page.tab_to(f"#list [data-number='{one}'] .outcome + button")
    page.press("Enter")
    assert page.see("document.querySelectorAll('#list li').length") == 1
    assert page.see("document.activeElement.id") == "number"


def test_reprint_takes_a_reason_and_counts(service, page):
    number, token = parcel_at_outlet(service)
    other, first = parcel_at_outlet(service)
    page.scan(number)
    row_of(page, number)
    print_ready(page)
    confirm_all_printed(page)
    scan_again_if_cut(page, number)
    assert row_of(page, number) == ("bad", "Printed before. For a reprint choose a reason")
    page.tab_to(f"#list [data-number='{number}'] [data-reason='printer-jam']")
    page.press("Enter")
    assert row_of(page, number) == ("ready", "Ready to print")
    page.scan(other)
    row_of(page, other)
    print_ready(page)
    confirm_all_printed(page)
    assert record_of(service, token).prints == 2
    assert record_of(service, first).prints == 1
    assert [reasons(service, each)[-1] for each in (token, first)] == ["printer-jam", None]
    scan_again_if_cut(page, number)  # the reason was for that one print
    assert row_of(page, number)[0] == "bad"


def reasons(service, token: str) -> list[str | None]:
    leaves = journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))
    return [leaf.detail.get("reason") for leaf in leaves if leaf.kind in {"print", "reprint"}]


def test_label_too_large_for_the_paper_says_so_and_fits_a_larger_one(service, page):
    number, _ = parcel_at_outlet(service)
    page.scan(number)
    page.tab_to("#paper")
    for _ in range(4):
        page.press("ArrowDown")
    assert page.see("document.querySelector('#paper').value") == "60x40"
    page.until(f"{SETTLED} && document.querySelector('#picture').naturalWidth === 480")
    page.type("YT")  # a scanner that goes off while the clerk chooses
    assert page.see("document.activeElement.id") == "number"
    assert page.see("document.querySelector('#number').value") == "YT"


def test_many_unknown_numbers_stop_the_page_before_the_clerk_is_locked(service, page):
    wrong = [f"YT88000000{n:04}" for n in range(30)]
    for number in wrong:
        page.scan(number)
    row_of(page, wrong[-1])
    assert "Is it the wrong sack?" in page.text("#last")
    states = [row_of(page, number)[0] for number in wrong]
    assert states == ["bad"] * 5 + ["unanswered"] * 25
    good, _ = parcel_at_outlet(service)
    page.tab_to("#clear")
    page.press("Enter")
    page.scan(good)
    assert row_of(page, good)[0] == "unanswered"
    page.tab_to("#retry")
    page.press("Enter")
    assert row_of(page, good)[0] == "ready"


def test_locked_clerk_reads_until_when_and_who_helps(service, page):
    number, _ = parcel_at_outlet(service)
    with service.store.transaction() as tx:
        now = service.clock.world.now()
        tallies = budgets.open_tallies(tx, [DISPATCHER.id], now)
        for _ in range(20):
            tallies[DISPATCHER.id].record_refusal()
        budgets.save_tallies(tx, tallies, now, service.clock.world)
    page.scan(number)
    state, words = row_of(page, number)
    assert state == "unanswered"
    assert re.fullmatch(
        r"Locked after too many refusals. A supervisor can unlock you at once. Try again after \d\d:\d\d", words
    )
    with service.store.transaction() as tx:
        budgets.unlock(tx, DISPATCHER.id)
    page.tab_to("#retry")
    page.press("Enter")
    assert row_of(page, number)[0] == "ready"


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
