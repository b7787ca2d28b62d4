"""The switch's question over HTTP, authenticated and with a durable ledger, against a FastAPI hello-world in the same run.

Hello, the service and hello again take turns (`benchmarks.load`). Every counted answer is a connection that used up its own
intent, checked, and the ledger must hold a leaf for each, or the bench fails. SQLite, `synchronous=FULL`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path

import sqlalchemy as sa

from benchmarks.load import CONNECTIONS, Ask, hello, share, wrk
from masking.database import schema
from masking.deployment import open_folder
from masking.journal import journal
from masking.ledger.log import decode
from masking.numbers.pool import DEMO
from masking.runtime import World, milliseconds
from masking.store.rows import calls, people, slots
from masking.store.rows.calls import Intent
from masking.store.store import Store
from masking.values.plaintext import Plain
from masking.values.printable import VirtualNumber
from tests.support.people import COURIER, PHONES, SWITCH
from tests.support.running_service import (
    load_parcels_on_van,
    make_deployment,
    run_service_process,
    sign_in,
    van_phone,
    wait_until_ready,
)

WORLD = World()
CONNECTED = '"outcome":"connect","to":"([^"]+)","shown":"([^"]+)"'
"""What an answer has to tell: the right phone, shown as the number that was dialled."""
ROUNDS = int(os.environ.get("ROUNDS", "4"))
EACH = 8000
"""Numbers that can be asked about in one slice."""

Parcel = tuple[bytes, VirtualNumber, str]


def parcels(store: Store, many: int) -> list[Parcel]:
    """Parcels on couriers' vans: waybill, number, and the recipient's phone as the switch gets it."""
    with store.transaction() as tx:
        slots.add(tx, DEMO, DEMO.slots(2000, 9999), WORLD)
        for n in range(1, 8):  # a merchant may hold half of all numbers
            line = DEMO._replace(main=f"1700000000{n}")
            slots.add(tx, line, line.slots(0, 9999), WORLD)
    made: list[Parcel] = []
    for first in range(0, many, 100):
        labels = load_parcels_on_van(WORLD, store, 100, first=first)
        ids = [code[0] for code in store.read_codes([each.code for each in labels], WORLD, WORLD.now()) if code]
        made += [
            (id_, each.number, f"+86{van_phone(first + n)}")
            for n, (id_, each) in enumerate(zip(ids, labels, strict=True))
            if each.number
        ]
    assert len(made) == many
    return made


def announced(store: Store, some: list[Parcel]) -> None:
    """An open intent for each of these parcels."""
    now = WORLD.now()
    with store.transaction() as tx:
        caller = people.caller_index(WORLD, store.keys, Plain(PHONES[COURIER.id]), now)
        until = milliseconds(now) + 100_000
        calls.add(tx, [Intent(WORLD.record_id(now), each, COURIER.id, caller or b"", until) for each, _, _ in some])


def _ask(token: str, number: VirtualNumber, to: str) -> Ask:
    item = {"caller": PHONES[COURIER.id], "main": number.main, "extension": number.extension}
    body = json.dumps({"items": [item]}, separators=(",", ":"))
    return Ask("/v1/calls/route", f"Bearer {token}", "-", body, f"{to} {number.main},{number.extension}")


def main() -> int:
    """Print the figures; 1 if an answer was wrong."""
    with tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR")) as place, hello() as plain:
        folder = Path(place) / "d"
        make_deployment(folder, WORLD)
        store = open_folder(folder, WORLD)
        made = parcels(store, ROUNDS * EACH)
        journal.sequence(WORLD, store)
        token = sign_in(WORLD, store, SWITCH)
        rounds = []
        with run_service_process("--folder", folder) as (_, url):
            wait_until_ready(url)
            for turn in range(ROUNDS):
                some = made[turn * EACH : (turn + 1) * EACH]
                announced(store, some)
                asks = [_ask(token, number, to) for _, number, to in some]
                rounds.append((wrk(plain), wrk(url, asks, CONNECTED), wrk(plain)))
        with store.reading() as tx:
            bodies = tx.execute(sa.select(schema.leaf.c.body)).scalars()
            leaves = sum(decode(body).kind == "connect" for body in bodies)
        store.close()
    share(rounds, "route_share_of_hello")
    good, bad = (sum(int(asked[each]) for _, asked, _ in rounds) for each in ("good", "bad"))
    if bad or not good <= leaves <= good + 2 * ROUNDS * CONNECTIONS:
        print(f"WRONG: {bad} bad answers; {good} connections heard, {leaves} on the ledger", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
