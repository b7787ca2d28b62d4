"""A courier's look over HTTP, with bound token, fresh proof, duty, budget and durable ledger, against a FastAPI hello-world.

Hello, the service, the service without grouping, and hello again take turns (`benchmarks.load`). Every counted answer is a
200 grant of a distinct label, its door checked, and the ledger must hold a leaf for each, or the bench fails. `LONG=1` adds
the memory figure.
"""

from __future__ import annotations

import itertools
import json
import os
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from api.cli.commands.doctor import RAM_DISK, flushes
from benchmarks.load import CONNECTIONS, Ask, Rates, hello, processor, ratio, share, value, wrk
from masking.access.people import Actor, Role
from masking.client.device import Device
from masking.database import schema
from masking.deployment import open_folder
from masking.ledger.log import decode
from masking.runtime import World
from masking.store.rows import people
from masking.store.store import Store
from tests.support import postgresql
from tests.support.people import SWITCH, TENANT
from tests.support.running_service import (
    load_parcels_on_van,
    make_deployment,
    run_service_process,
    sign_in,
    wait_until_ready,
)

WORLD = World()
GRANTED = '"outcome":"granted".*号(%d+)栋'
"""What an answer has to tell: the door of one of the parcels that were asked for."""
ROUNDS = int(os.environ.get("ROUNDS", "4"))
EACH = {"service": 6000, "single": 3000}
"""Labels made for one slice of a side: more than the fastest machine asks for."""
A_DAY = 12
"""Labels of one courier: below the places that one with a key in software may take."""

Codes = list[tuple[Device, str, str, str]]
"""(device, token, label code, door)."""


def main() -> int:
    """Run on both stores and print the figures; 1 if an answer was wrong."""
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR"))))
        rate = flushes(place)
        value("flushes_a_second", round(rate), "1/s")
        if rate > RAM_DISK:
            print(f"{place} is no disk; set BENCH_DIR", file=sys.stderr)
            return 1
        plain = stack.enter_context(hello())
        socket = stack.enter_context(postgresql.server(durable=True))
        servers = {
            side: (postgresql.create(socket, f"{side}_d"), postgresql.create(socket, f"{side}_k")) for side in EACH
        }
        return max(_store("sqlite", place, {}, plain), _store("postgresql", place, servers, plain))


def _store(name: str, place: Path, addresses: Mapping[str, tuple[str, str]], plain: str) -> int:
    """The figures of one kind of store; the service without grouping has one of its own, or it would sequence for the other."""
    folders = {side: place / f"{name}-{side}" for side in EACH}
    stores, codes = {}, {}
    for side, folder in folders.items():
        make_deployment(folder, WORLD, addresses=addresses.get(side))
        stores[side] = open_folder(folder, WORLD)
        codes[side] = iter(_codes(stores[side], couriers=ROUNDS * EACH[side] // A_DAY + 1))
        _count(stores[side])
    alone = {"WAYBILL_MAX_BATCH_ITEMS": "1"}
    rounds: list[dict[str, Rates]] = []
    with (
        run_service_process("--folder", folders["service"]) as (process, url),
        run_service_process("--folder", folders["single"], **alone) as (_, single),
    ):
        wait_until_ready(url)
        wait_until_ready(single)
        sides = {"hello": plain, "service": url, "single": single, "again": plain}
        spent = 0.0
        for turn in range(ROUNDS):
            found = {}
            for side in list(sides)[turn % 4 :] + list(sides)[: turn % 4]:
                before = processor(process.pid)
                some = itertools.islice(codes[side], EACH[side]) if side in EACH else ()
                found[side] = wrk(sides[side], [_request(sides[side], *each) for each in some], GRANTED)
                if side == "service":
                    spent += (processor(process.pid) - before) / max(found[side]["good"], 1)
            rounds.append(found)
        if os.environ.get("LONG"):
            _memory(name, url, process.pid, sign_in(WORLD, stores["service"], SWITCH))
    good = sum(found[side]["good"] for found in rounds for side in ("service", "single"))
    bad = sum(found[side]["bad"] for found in rounds for side in sides)
    leaves = 0
    for store in stores.values():
        with store.reading() as tx:
            leaves += sum(decode(body).kind == "grant" for body in tx.execute(sa.select(schema.leaf.c.body)).scalars())
        store.close()
    share([(each["hello"], each["service"], each["again"]) for each in rounds], f"resolve_share_of_hello_{name}")
    value(f"resolve_cpu_{name}", round(spent / ROUNDS * 1e6), "us")
    rates = [{side: each[side]["good"] / each[side]["seconds"] for side in EACH} for each in rounds]
    ratio(f"group_commit_gain_{name}", [each["service"] / each["single"] for each in rates])
    ratio(f"p99_over_p50_{name}", [each["service"]["p99"] / each["service"]["p50"] for each in rounds])
    if bad or not good <= leaves <= good + 2 * ROUNDS * CONNECTIONS:
        print(f"WRONG: {bad} bad answers; {good} grants heard, {leaves} on the ledger", file=sys.stderr)
        return 1
    return 0


def _codes(store: Store, couriers: int) -> Codes:
    """Parcels on couriers' vans, couriers taking turns."""
    vans = []
    for n in range(couriers):
        courier = Actor(id=f"bench-{n}", tenant=TENANT, role=Role.COURIER, unit="sh-01")
        with store.transaction() as tx:
            people.enrol(WORLD, store.keys, tx, courier, WORLD.now())
        device, first = Device.of_key(generate_private_key(SECP256R1())), n * A_DAY
        token = sign_in(WORLD, store, courier, device)
        labels = load_parcels_on_van(WORLD, store, A_DAY, courier, first=first)
        vans.append([(device, token, each.code, str(first + m)) for m, each in enumerate(labels)])
    return [each for turn in zip(*vans, strict=True) for each in turn]


def _count(store: Store) -> None:
    """What a server does of itself within a minute (autovacuum): see how much its tables hold, which its plans follow from."""
    for engine in (store.data, store.keys.engine):
        if engine.dialect.name == "postgresql":
            with engine.begin() as tx:
                tx.execute(sa.text("ANALYZE"))


def _memory(name: str, url: str, pid: int, token: str) -> None:
    """Resident memory after 200,000 requests over that after 20,000: what leaks with each request shows."""
    asked, sizes = 0.0, []
    for many in (20_000, 200_000):
        while asked < many:
            asked += wrk(f"{url}/v1/ledger/checkpoint", (), "", "-H", f"Authorization: Bearer {token}")["good"]
        sizes.append(int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1]))
    value(f"memory_ratio_{name}", round(sizes[1] / sizes[0], 3), "ratio")


def _request(url: str, device: Device, token: str, code: str, door: str) -> Ask:
    """One request and its door; its proof is a minute's."""
    body = json.dumps({"items": [{"code": code, "purpose": "deliver"}]}, separators=(",", ":"))
    proof = device.proof("POST", f"{url}/v1/resolve", at=time.time(), body=body.encode(), token=token)
    return Ask("/v1/resolve", f"DPoP {token}", proof, body, door)


if __name__ == "__main__":
    sys.exit(main())
