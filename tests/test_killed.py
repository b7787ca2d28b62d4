"""A service that is killed without warning loses nothing that it acknowledged, and has revealed nothing unrecorded.

And two workers on one PostgreSQL act as one.
"""

from __future__ import annotations

import random
import signal
import threading
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest
import sqlalchemy as sa

from api.service.request_models import ORDER
from masking.access.people import Actor
from masking.database import schema
from masking.deployment import open_folder
from masking.journal import journal
from masking.runtime import World
from masking.steps.checkout import Checkout, checkout
from masking.steps.enrol import new_secret
from masking.store.store import Store
from masking.values.json import order_from_json
from tests.support.ledger import leaves_of
from tests.support.parcels import limit_remaining
from tests.support.people import COURIER, RECEIVER, SHOP
from tests.support.running_service import (
    load_parcels_on_van,
    make_deployment,
    run_service_process,
    sign_in,
    wait_until_ready,
)

SEED = 20261124
WORLD = World()


@pytest.fixture
def folder(tmp_path, urls):
    make_deployment(tmp_path / "d", WORLD, addresses=urls)
    return tmp_path / "d"


def token(store: Store, who: Actor) -> dict[str, str]:
    return {"Authorization": f"Bearer {sign_in(WORLD, store, who)}"}


def at_once(many: int, act: Callable[[int], None]) -> None:
    """Let several threads act, each until its connection breaks or it has done its share."""

    def run(n: int) -> None:
        try:
            act(n)
        except httpx.TransportError:
            return

    threads = [threading.Thread(target=run, args=(n,)) for n in range(many)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


@pytest.mark.parametrize("urls", ["file", "postgresql"], indirect=True)
@pytest.mark.parametrize("kill_after", [random.Random(SEED + n).randrange(5, 150) for n in range(2)])
def test_killed_service_has_lost_no_order_and_revealed_nothing_unrecorded(folder, kill_after):
    store = open_folder(folder, WORLD)
    codes = [each.code for each in load_parcels_on_van(WORLD, store, 5)]
    as_shop, as_courier = token(store, SHOP), token(store, COURIER)
    taken: dict[str, str] = {}
    granted: list[str] = []
    done = threading.Semaphore(0)
    with run_service_process("--folder", folder, "--bearer-roles", "merchant,outlet,courier") as (process, url):
        wait_until_ready(url)

        def act(n: int) -> None:
            with httpx.Client(base_url=url) as http:
                for turn in range(25):
                    if n % 2:
                        body: dict[str, Any] = {"orders": [ORDER | {"reference": f"K-{n}-{turn}"}]}
                        found = http.post("/v1/waybills", json=body, headers=as_shop).json()["outcomes"][0]
                        taken[f"K-{n}-{turn}"] = found["id"]
                    else:
                        body = {"items": [{"code": codes[turn % 5], "purpose": "deliver"}]}
                        found = http.post("/v1/resolve", json=body, headers=as_courier).json()["outcomes"][0]
                        granted.append(found["view_ref"])
                    done.release()

        def kill() -> None:
            for _ in range(kill_after):
                done.acquire()
            process.send_signal(signal.SIGKILL)

        killer = threading.Thread(target=kill)
        killer.start()
        at_once(8, act)
        killer.join()
        process.wait()
    assert kill_after <= len(taken) + len(granted) < 200
    orders = [order_from_json(ORDER | {"reference": reference}) for reference in taken]
    again = checkout(WORLD, store, [Checkout(merchant=SHOP, order=order) for order in orders])
    assert [(outcome.id, outcome.created) for outcome in again] == [(id_, False) for id_ in taken.values()]
    recorded = {leaf.id[-3:].hex().upper() for leaf in leaves_of(store, "grant")}
    assert set(granted) <= recorded
    journal.sequence(WORLD, store)
    assert journal.verify(store).fault is None
    store.close()


@pytest.mark.parametrize("urls", ["postgresql"], indirect=True)
def test_two_workers_share_budgets_events_and_revocations(folder):
    store = open_folder(folder, WORLD)
    labels = load_parcels_on_van(WORLD, store, 12)
    as_courier, as_outlet = token(store, COURIER), token(store, RECEIVER)
    limit_remaining(WORLD, store, 5)
    outcomes: list[str] = []
    scanned: list[dict[str, Any]] = []
    with run_service_process("--folder", folder, "--workers", "2", "--bearer-roles", "merchant,outlet,courier") as (
        process,
        url,
    ):
        wait_until_ready(url)

        def act(n: int) -> None:
            with httpx.Client(base_url=url, timeout=30) as http:
                body = {"items": [{"code": labels[n].code, "purpose": "deliver"}]}
                [found] = http.post("/v1/resolve", json=body, headers=as_courier).json()["outcomes"]
                outcomes.append(found["outcome"])
                body = {"items": [{"what": labels[0].waybill_number, "kind": "arrived"}]}
                key = {"Idempotency-Key": "gate-1/0001"}
                scanned.extend(http.post("/v1/scans", json=body, headers=as_outlet | key).json()["outcomes"])

        at_once(12, act)
        with store.transaction() as tx:
            new_secret(WORLD, tx, COURIER.id)
        refused = [httpx.get(f"{url}/v1/ledger/checkpoint", headers=as_courier).status_code for _ in range(6)]
        stopping = time.monotonic()
    assert (outcomes.count("granted"), outcomes.count("refused")) == (5, 7)
    assert len(leaves_of(store, "grant")) == 5
    recorded = [
        each for each in scanned if each != {"outcome": "refused", "reason": "being-recorded", "retry_after": 1}
    ]
    assert len({str(each) for each in recorded}) == 1
    with store.reading() as tx:
        [(count,)] = tx.execute(sa.select(sa.func.count()).where(schema.scan.c.event.is_not(None)))
    assert count == 1
    assert refused == [401] * 6
    assert process.returncode == 0
    assert time.monotonic() - stopping < 20
    store.close()
