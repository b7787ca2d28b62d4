"""One shop, or one credentials file, in several threads, forked children and web workers: nothing lost, mixed up or raw."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

import masking
from masking.client import Courier
from masking.errors import ClosedError, IntegrityError, SettingsError
from masking.values.printable import Refusal
from tests.support.people import COURIER, SHOP
from tests.support.running_service import ROOT
from tests.support.shop_programs import order_of


@pytest.mark.parametrize(
    ("program", "said"),
    [
        ("asks_after_a_fork", {"right": 240}),
        ("closes_after_a_fork", {"active": 4}),
        ("starts_at_once", {"active": 8}),
        ("checks_out_in_threads", {"active": 96}),
        ("checks_out_in_processes_and_threads", {"active": 48}),
        ("works_on_a_queue", {"active": 40}),
    ],
)
def test_shop_and_credentials_can_be_shared_by_processes(service, credentials, program, said):
    command = [sys.executable, "-m", "tests.support.shop_programs", program, service.url, str(credentials(SHOP))]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == said


def test_courier_can_be_shared_by_threads(service, credentials):
    with Courier.connect(service.url, credentials=credentials(COURIER)) as courier, ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: courier.look(["YT000000000000"]), range(8)))
    assert found == [[Refusal(reason="unknown")]] * 8


def test_state_files_are_written_only_when_their_content_changes(service, credentials):
    path = credentials(SHOP)

    def state_files():
        return {
            each.name.removeprefix(path.stem): (each.stat().st_ino, each.read_bytes())
            for each in path.parent.glob(f"{path.stem}.*")
            if each != path
        }

    with masking.connect(service.url, credentials=path) as shop:
        shop.checkout([order_of("state-1")])
    before = state_files()
    with masking.connect(service.url, credentials=path) as shop:
        shop.checkout([order_of("state-1")])
    after = state_files()
    assert set(before) == set(after) == {".key", ".enrolled", ".ledger.json", ".sources.json", ".lock"}
    replaced = {name for name in before if before[name][0] != after[name][0]}
    assert replaced <= {".ledger.json"}  # the service may have signed a newer checkpoint in between
    assert all(before[name][1] != after[name][1] for name in replaced)


def test_unwritable_state_folder_is_named_and_another_one_used(service, credentials, tmp_path):
    path = credentials(SHOP)
    with pytest.raises(SettingsError, match=r"the folder proc can't be written .* state=FOLDER"):
        masking.connect(service.url, credentials=path, state="/proc")
    other = tmp_path / "state"
    other.mkdir()
    before = sorted(tmp_path.glob("*.*"))
    with masking.connect(service.url, credentials=path, state=other) as shop:
        shop.checkout([order_of("state-2")])
    assert sorted(tmp_path.glob("*.*")) == before
    assert (other / path.name).with_suffix(".key").exists()


def test_answer_to_another_request_is_not_accepted(service, credentials):
    given = httpx.get(f"{service.url}/healthz", headers={"request-id": "0123456a89abcdef"})
    assert given.headers["request-id"] == "0123456a89abcdef"
    for unfit in ("0123456789ABCDEF", "x" * 16, "", "a13812349876bcde"):
        assert httpx.get(f"{service.url}/healthz", headers={"request-id": unfit}).headers["request-id"] != unfit
    with masking.connect(service.url, credentials=credentials(SHOP)) as shop:
        http = shop.link._session.get()._http
        http.event_hooks["response"].append(lambda answer: answer.headers.update({"request-id": "0" * 16}))
        with pytest.raises(IntegrityError, match="another request"):
            shop.find(phone="13800000001")


def test_closed_shop_raises_an_error_that_says_so(service, credentials):
    with masking.connect(service.url, credentials=credentials(SHOP)) as shop:
        shop.checkout([order_of("closed")])
    for use in (lambda: shop.find(reference="closed"), shop.flush, shop.pending, lambda: shop.checkout([])):
        with pytest.raises(ClosedError):
            use()


def test_closing_waits_for_the_answers_of_other_threads(service, credentials):
    shop = masking.connect(service.url, credentials=credentials(SHOP))
    shop.checkout([order_of("closing")])
    begun, said = threading.Semaphore(0), []

    def work(thread: int) -> None:
        try:
            for n in range(1000):
                shop.checkout([order_of(f"closing-{thread}-{n}")])
                begun.release()
        except Exception as error:
            said.append(type(error))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(4)]
    for each in threads:
        each.start()
    for _ in range(8):
        begun.acquire(timeout=30)
    shop.close()
    for each in threads:
        each.join()
    assert set(said) == {ClosedError}
