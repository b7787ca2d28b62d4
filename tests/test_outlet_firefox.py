"""The outlet's page in Firefox: what tests/test_outlet_page.py asks of it in Chromium, where keys and eyes are enough."""

from __future__ import annotations

import pytest
from pypdf import PdfReader

from tests.support.browser import PATIENCE
from tests.support.firefox import firefox
from tests.support.outlet_page import parcel_at_outlet, print_ready, row_of, sign_in_at
from tests.support.waiting import wait_until
from tests.test_outlet_interrupted import (
    test_desk_keeps_its_name_and_paper,
    test_next_batch_waits_until_the_last_one_is_confirmed,
    test_reload_after_print_keeps_the_batch_and_the_waiting_scans,
)
from tests.test_outlet_page import (
    test_batch_is_scanned_viewed_and_printed_without_a_mouse,
    test_label_too_large_for_the_paper_says_so_and_fits_a_larger_one,
    test_locked_clerk_reads_until_when_and_who_helps,
    test_many_unknown_numbers_stop_the_page_before_the_clerk_is_locked,
    test_preview_shows_the_scanned_label_and_can_show_others,
    test_reprint_takes_a_reason_and_counts,
)

__all__ = [
    "test_batch_is_scanned_viewed_and_printed_without_a_mouse",
    "test_desk_keeps_its_name_and_paper",
    "test_label_too_large_for_the_paper_says_so_and_fits_a_larger_one",
    "test_locked_clerk_reads_until_when_and_who_helps",
    "test_many_unknown_numbers_stop_the_page_before_the_clerk_is_locked",
    "test_next_batch_waits_until_the_last_one_is_confirmed",
    "test_preview_shows_the_scanned_label_and_can_show_others",
    "test_reload_after_print_keeps_the_batch_and_the_waiting_scans",
    "test_reprint_takes_a_reason_and_counts",
]
pytestmark = pytest.mark.system("firefox-esr")


FIRST_PAPER = """(() => {
    const paper = document.querySelector("#paper");
    paper.value = "100x180";
    paper.dispatchEvent(new Event("change"));
    document.querySelector("#number").focus();
})()"""


@pytest.fixture(scope="module")
def window():
    with firefox() as page:
        yield page


@pytest.fixture
def page(service, window):
    """The page, signed in at, in English, with its first paper: the window keeps the one that an earlier test chose."""
    sign_in_at(window, service)
    window.see(FIRST_PAPER)
    return window


def test_firefox_prints_the_document_page_by_page(service, tmp_path):
    numbers = [parcel_at_outlet(service)[0] for _ in range(2)]
    paper = tmp_path / "printed.pdf"
    with firefox(prints_to=paper) as page:
        sign_in_at(page, service)
        for number in numbers:
            page.scan(number)
            assert row_of(page, number)[0] == "ready"
        print_ready(page)
        wait_until(lambda: paper.exists() and paper.read_bytes().rstrip().endswith(b"%%EOF"), PATIENCE)
    assert len(PdfReader(paper).pages) == 2
