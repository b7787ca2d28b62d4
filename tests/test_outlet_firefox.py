"""The outlet's page in Firefox: what tests/test_outlet_page.py asks of it in Chromium, where keys and eyes are enough."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from pypdf import PdfReader

from tests.browser import PATIENCE
from tests.firefox import firefox
from tests.test_outlet_page import (
    entered,
    parcel,
    printed,
    said,
    test_a_batch_is_scanned_looked_at_and_printed_without_a_mouse,
    test_a_label_that_does_not_fit_the_paper_says_so_and_fits_a_larger_one,
    test_a_reprint_takes_a_reason_and_counts,
    test_desk_has_a_name_and_keeps_it_and_its_paper,
    test_locked_clerk_reads_until_when_and_who_helps,
    test_many_strangers_in_a_row_stop_the_page_before_they_lock_the_clerk,
    test_reload_after_print_loses_neither_the_batch_nor_what_waits,
    test_the_next_batch_waits_until_the_last_one_is_confirmed,
    test_the_scanned_label_is_what_the_preview_shows_and_others_can_be_looked_at,
)

__all__ = [
    "test_a_batch_is_scanned_looked_at_and_printed_without_a_mouse",
    "test_a_label_that_does_not_fit_the_paper_says_so_and_fits_a_larger_one",
    "test_a_reprint_takes_a_reason_and_counts",
    "test_desk_has_a_name_and_keeps_it_and_its_paper",
    "test_locked_clerk_reads_until_when_and_who_helps",
    "test_many_strangers_in_a_row_stop_the_page_before_they_lock_the_clerk",
    "test_reload_after_print_loses_neither_the_batch_nor_what_waits",
    "test_the_next_batch_waits_until_the_last_one_is_confirmed",
    "test_the_scanned_label_is_what_the_preview_shows_and_others_can_be_looked_at",
]
pytestmark = pytest.mark.system("firefox-esr")


@pytest.fixture(scope="module")
def window():
    with firefox() as page:
        yield page


@pytest.fixture
def page(service, window):
    """The page, signed in at, in English."""
    entered(window, service)
    return window


def test_firefox_prints_the_document_page_by_page(service, tmp_path):
    numbers = [parcel(service)[0] for _ in range(2)]
    paper = tmp_path / "printed.pdf"
    with firefox(prints_to=paper) as page:
        entered(page, service)
        for number in numbers:
            page.scan(number)
            assert said(page, number)[0] == "ready"
        printed(page)
        wait_for(lambda: paper.exists() and paper.read_bytes().rstrip().endswith(b"%%EOF"))
    assert len(PdfReader(paper).pages) == 2


def wait_for(is_true: Callable[[], bool]) -> None:
    """Wait for what another program does."""
    ends = time.monotonic() + PATIENCE
    while not is_true():
        assert time.monotonic() < ends
        time.sleep(0.05)
