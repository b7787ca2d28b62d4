"""Firefox prints the outlet's labels; test_outlet_in_browsers.py has what it has in common with Chromium."""

from __future__ import annotations

import pytest
from pypdf import PdfReader

from tests.support.browser import PATIENCE
from tests.support.firefox import firefox
from tests.support.outlet_page import parcel_at_outlet, print_ready, row_of, sign_in_at
from tests.support.waiting import wait_until


@pytest.mark.system("firefox-esr")
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
