"""A clerk's honest day at the outlet's page: reloads, a jam, a restart, slips; each label is printed once, and no clerk is locked."""

from __future__ import annotations

import pytest

from api.service.request_models import ORDER
from masking.crypto.index import record_of_waybill_id
from masking.journal import journal
from masking.store.rows import budgets
from tests.support.chromium import chromium
from tests.support.outlet_page import (
    confirm_all_printed,
    print_ready,
    record_of,
    reload_and_sign_in,
    scan_again_if_cut,
    sign_in_at,
)
from tests.support.people import DISPATCHER, RECEIVER, SHOP
from tests.support.running_service import Service, carrier_numbers, run_service

pytestmark = pytest.mark.system("chromium", "bash")
A_BATCH = 100


def taken_in(service: Service, numbers: list[str]) -> None:
    """A colleague scans these as arrived."""
    service.outcomes(RECEIVER, "/v1/scans", {"items": [{"what": each, "kind": "arrived"} for each in numbers]})


def ordered(service: Service, first: int) -> dict[str, str]:
    """A batch of parcels on their way to the outlet: tokens by waybill number."""
    orders = [ORDER | carrier_numbers(n) | {"reference": f"day-{n}"} for n in range(first, first + A_BATCH)]
    made = service.outcomes(SHOP, "/v1/waybills", {"orders": orders})
    return {order["waybill_number"]: each["id"] for order, each in zip(orders, made, strict=True)}


def scanned(page, numbers: list[str], *, ready: int) -> None:
    """Scan all of these, and wait until so many can be printed."""
    scan_again_if_cut(page, numbers[0])  # which may come right after a print
    for number in numbers[1:]:
        page.scan(number)
    page.until(f"document.querySelectorAll('#list [data-state=ready]').length === {ready}")


def test_honest_day_prints_each_of_400_labels_once_and_locks_no_clerk(tmp_path):
    with chromium() as page:
        with run_service(tmp_path / "outlet") as service:
            batches = [ordered(service, n * A_BATCH) for n in range(4)]
            first, second, third, fourth = ([*batch] for batch in batches)
            for batch in (first, third, fourth):
                taken_in(service, batch)
            sign_in_at(page, service)

            scanned(page, first, ready=A_BATCH)
            print_ready(page)
            reload_and_sign_in(page, service)  # the first reload, with the batch in the printer
            confirm_all_printed(page)

            scanned(page, second, ready=0)  # the cage has not been scanned in
            page.until("document.querySelectorAll('#list [data-state=bad]').length === 100")
            taken_in(service, second)
            scanned(page, second, ready=A_BATCH)
            print_ready(page)
            for number in second[40:43]:  # a paper jam
                page.see(f"document.querySelector('#list [data-number=\"{number}\"] .more button').click()")
            page.tab_to("#well")
            page.press("Enter")
            assert page.text("#again") == "Print these 3 again"
            page.tab_to("#again")
            page.press("Enter")
            page.until("document.querySelectorAll('#list [data-state=made]').length === 3")
            confirm_all_printed(page)

            scanned(page, third, ready=A_BATCH)
            print_ready(page)
            port = int(service.url.rpartition(":")[2])
        with run_service(
            tmp_path / "outlet", port=port
        ) as service:  # restarted; the labels of the batch did not come out
            page.tab_to("#again")
            page.press("Enter")
            page.until("document.querySelectorAll('#list [data-state=made]').length === 100")
            confirm_all_printed(page)

            scanned(page, fourth[:60], ready=60)
            reload_and_sign_in(page, service)  # the second reload, with an unprinted list
            page.until("document.querySelectorAll('#list [data-state=ready]').length === 60")
            for wrong in range(12):  # a sack of another outlet
                page.scan(f"YT77000000{wrong:04}")
            page.until("document.querySelectorAll('#list [data-state=bad]').length === 5")
            page.tab_to("#retry")
            page.press("Enter")
            page.until("document.querySelectorAll('#list [data-state=bad]').length === 10")
            page.tab_to("#retry")
            page.press("Enter")
            page.until("document.querySelectorAll('#list [data-state=bad]').length === 12")
            scanned(page, fourth[60:], ready=A_BATCH)
            print_ready(page)
            confirm_all_printed(page)

            prints = [record_of(service, token).prints for batch in batches for token in batch.values()]
            assert prints == [1] * 400
            with service.store.reading() as tx:
                assert budgets.alarms(tx) == []
            with service.store.transaction() as tx:
                assert not budgets.is_locked(tx, DISPATCHER.id, service.clock.world.now())
            for token in [*batches[1].values()][40:43]:
                leaves = journal.who_saw(service.clock.world, service.store, record_of_waybill_id(token))
                assert [leaf.kind for leaf in leaves if "print" in leaf.kind] == ["print"]
