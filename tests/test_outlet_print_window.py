"""The browser's own print window takes the scanner's keys: the outlet's page says so, and a parcel that was missed shows."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.support.chromium import chromium
from tests.support.firefox import firefox
from tests.support.outlet_page import confirm_all_printed, open_sign_in, parcel_at_outlet, row_of, scan_again_if_cut
from tests.support.people import DISPATCHER
from tests.support.screen import PROGRAMS, Screen, screen

BROWSERS = [
    pytest.param(chromium, id="chromium", marks=pytest.mark.system("chromium", "bash", *PROGRAMS)),
    pytest.param(firefox, id="firefox", marks=pytest.mark.system("firefox-esr", *PROGRAMS)),
]


@pytest.fixture(params=BROWSERS)
def desk(request, service) -> Iterator[tuple[object, Screen]]:
    """The page, signed in at on a screen, and what a person and a scanner do there."""
    with ExitStack() as stack:
        shown = stack.enter_context(screen())
        page = stack.enter_context(request.param(display=shown.display))
        open_sign_in(page, service)
        page.to_front()
        shown.click(640, 850)
        page.until("document.hasFocus()")
        page.see("document.querySelector('#secret').focus()")
        shown.type(service.code(DISPATCHER))
        shown.press("Return")
        page.until("!document.querySelector('#desk').hidden")
        yield page, shown


def printing(page, shown: Screen) -> None:
    """Print what is ready, and wait until the print window has taken the keys."""
    page.see("document.querySelector('#print').focus()")
    shown.press("Return")
    page.until("!document.querySelector('#deaf').hidden")


def back(page, shown: Screen) -> None:
    """Close the print window. While it is still being drawn, it does not hear that it should."""
    turns = (
        "for (let n = 0; n < 30; n++) { if (document.hasFocus() && document.querySelector('#deaf').hidden) return true;"
    )
    for _ in range(20):
        shown.press("Escape")
        if page.see(f"(async () => {{ {turns} await new Promise((go) => setTimeout(go, 50)); }} return false; }})()"):
            return
    raise AssertionError("the print window stays")


def test_parcel_scanned_into_the_print_window_is_asked_for_and_missed_at_the_end(service, desk):
    page, shown = desk
    first, lost, later = (parcel_at_outlet(service)[0] for _ in range(3))
    page.see("document.querySelector('#expected').focus()")
    shown.type("3")
    shown.press("Return")
    shown.type(first)
    shown.press("Return")
    assert row_of(page, first)[0] == "ready"

    printing(page, shown)
    shown.type(lost)
    page.see(f"document.querySelector('#number').value = '{later[:6]}'")  # the window cut a number in two
    back(page, shown)
    assert page.see("document.querySelector('#number').value") == ""
    words = page.text("#missed-words")
    assert re.match(r"The scanner was not heard for \d+ s between \d\d:\d\d:\d\d and \d\d:\d\d:\d\d\.", words)
    assert page.see("document.querySelector('#last').dataset.state") == "bad"
    assert page.see("document.activeElement.id") == "number"

    scan_again_if_cut(page, later)
    assert row_of(page, later)[0] == "ready"
    assert page.text("#tally") == "1 of 3 parcels not scanned yet"
    confirm_all_printed(page)
    assert page.text("#last") == "1 label confirmed, but one parcel has not been scanned"

    page.scan(first)  # the whole pile once more: what is known is good
    assert page.see("document.querySelector('#last').dataset.state") == "ready"
    assert row_of(page, first)[0] == "printed"
    page.scan(lost)
    assert row_of(page, lost)[0] == "ready"
    assert page.text("#tally") == "All 3 parcels scanned"
    page.tab_to("#rescanned")
    page.press("Enter")
    assert page.see("document.querySelector('#missed').hidden")
