"""The outlet's page in a browser: what a clerk does there, and what the page then says."""

from __future__ import annotations

import re
from itertools import count

from api.service.request_models import ORDER
from masking.crypto.index import record_of_waybill_id
from masking.store.rows import waybills
from tests.support.browser import BrowserPage
from tests.support.people import DISPATCHER, RECEIVER, SHOP
from tests.support.running_service import Service, carrier_numbers

SETTLED = "!document.querySelector('#list [data-state=checking], #list [data-state=printing]')"
KEPT = """new Promise((done) => { const o = indexedDB.open('waybill-device'); o.onsuccess = () => {
  const all = o.result.transaction('desk').objectStore('desk').getAll();
  all.onsuccess = () => (o.result.close(), done(JSON.stringify(all.result))); }; })"""
"""What the page keeps in IndexedDB, as JSON."""
_counter = count(1)


def open_sign_in(page: BrowserPage, service: Service, *, language: str = "en-US", width: int = 1280) -> None:
    """Open the page, in English by default, up to its sign-in."""
    page.open(f"{service.url}/outlet", language=language, width=width)
    page.until("document.activeElement.id === 'secret'")


def sign_in_at(page: BrowserPage, service: Service, *, language: str = "en-US", width: int = 1280) -> None:
    """Open the page and sign in as the dispatcher, with a new code."""
    open_sign_in(page, service, language=language, width=width)
    page.scan(service.code(DISPATCHER))
    page.until("!document.querySelector('#desk').hidden")


def reload_and_sign_in(page: BrowserPage, service: Service) -> None:
    """Leave the page as it is, come back, and sign in by this computer's key."""
    open_sign_in(page, service)
    page.until("document.querySelector('#secret-hint').innerText.includes('is enrolled')")
    page.press("Enter")
    page.until("!document.querySelector('#desk').hidden")


def parcel_at_outlet(service: Service, *, here: bool = True, **changes: str) -> tuple[str, str]:
    """A parcel's waybill number and waybill id. It is at the outlet, or on its way there. `changes` are to its order."""
    n = next(_counter)
    made_of = ORDER | carrier_numbers(n) | {"reference": f"page-{n}"} | changes
    [made] = service.outcomes(SHOP, "/v1/waybills", {"orders": [made_of]})
    number = carrier_numbers(n)["waybill_number"]
    if here:
        service.outcomes(RECEIVER, "/v1/scans", {"items": [{"what": number, "kind": "arrived"}]})
    return number, made["id"]


def record_of(service: Service, id_: str) -> waybills.Record:
    """The stored record of a waybill id."""
    record = record_of_waybill_id(id_)
    assert record
    with service.store.reading() as tx:
        [found] = waybills.by_id(tx, [record]).values()
    return found


def row_of(page: BrowserPage, number: str) -> tuple[str, str]:
    """State and text of a number's row on the page."""
    page.until(SETTLED)
    line = f"#list [data-number='{number}']"
    assert page.see(f'document.querySelector("{line}") !== null'), page.text("body")
    return page.see(f'document.querySelector("{line}").dataset.state'), page.text(f"{line} .outcome")


def print_ready(page: BrowserPage) -> None:
    """Print what is ready, and wait until the document is there."""
    page.tab_to("#print")
    page.press("Enter")
    page.until("!document.querySelector('#confirm').hidden")


def scan_again_if_cut(page: BrowserPage, number: str) -> None:
    """Scan, and once more if the page says that a print window may have taken the beginning."""
    page.scan(number)
    if page.text("#last").endswith("The beginning may be missing. Scan it again"):
        page.scan(number)


def confirm_all_printed(page: BrowserPage) -> None:
    """Confirm that all labels were printed."""
    page.tab_to("#well")
    page.press("Enter")
    page.until("document.querySelector('#confirm').hidden")


def kept_numbers(page: BrowserPage) -> list[str]:
    """The waybill numbers in IndexedDB."""
    return sorted(set(re.findall(r"YT\d{12}", str(page.see(KEPT)))))
