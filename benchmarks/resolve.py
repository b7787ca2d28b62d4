"""A courier's look over HTTP, with bound token, fresh proof, duty, budget and durable ledger, against a FastAPI hello-world.

`wrk` (Debian) asks; a Python client would be the bottleneck. Hello, the service, the service without grouping, and hello
again take turns, two seconds each. Every counted answer is a 200 grant of a distinct label, its door checked, and the
ledger must hold a leaf for each, or the bench fails. Not resolved: hello below 1,500 a second, or against itself outside
0.85 to 1.15. `LONG=1` adds the memory figure.
"""

from __future__ import annotations

import itertools
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import sqlalchemy as sa
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from api.commands.doctor import RAM_DISK, flushes
from masking.access.people import Actor, Role
from masking.client.device import Device
from masking.connection import open_folder
from masking.ledger.log import decode
from masking.vault import people, schema
from masking.vault.store import Store
from masking.world import World
from tests import postgresql
from tests.cast import SWITCH, TENANT
from tests.serving import on_the_van, ready, served, signed_in, staffed

WORLD = World()
SECONDS, CONNECTIONS, THREADS = 2, 32, 2
ROUNDS = int(os.environ.get("ROUNDS", "4"))
EACH = {"service": 1800, "single": 900}
"""Labels made for one slice of a side."""
A_DAY = 12
"""Labels of one courier: below the places that one with a key in software may take."""

HELLO = """
import socket, sys
import uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/")
async def hello():
    return {"hello": "world"}
from api.serving import configured, listening
made = listening("127.0.0.1", 0)
print("http://127.0.0.1:%d" % made.getsockname()[1], flush=True)
uvicorn.Server(configured(app)).run(sockets=[made])
"""

Codes = list[tuple[Device, str, str, str]]
"""(device, token, label code, door)."""


def main() -> int:
    """Run on both stores and print the figures; 1 if an answer was wrong."""
    if shutil.which("wrk") is None:
        print("wrk is missing (Debian: apt-get install wrk)", file=sys.stderr)
        return 1
    with ExitStack() as stack:
        place = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR"))))
        rate = flushes(place)
        _print("flushes_a_second", round(rate), "1/s")
        if rate > RAM_DISK:
            print(f"{place} is no disk; set BENCH_DIR", file=sys.stderr)
            return 1
        hello = stack.enter_context(_hello())
        socket = stack.enter_context(postgresql.server(durable=True))
        return max(
            _store("sqlite", place / "sqlite", None, hello),
            _store(
                "postgresql",
                place / "postgresql",
                (postgresql.create(socket, "data"), postgresql.create(socket, "keys")),
                hello,
            ),
        )


def _store(name: str, folder: Path, addresses: tuple[str, str] | None, hello: str) -> int:
    """The figures of one store."""
    staffed(folder, WORLD, addresses=addresses)
    store = open_folder(folder, WORLD)
    codes = iter(_codes(store, couriers=ROUNDS * sum(EACH.values()) // A_DAY + 1))
    alone = {"WAYBILL_TOGETHER": "1"}
    rounds: list[dict[str, dict[str, float]]] = []
    with served("--folder", folder) as (process, url), served("--folder", folder, **alone) as (_, single):
        ready(url)
        ready(single)
        sides = {"hello": hello, "service": url, "single": single, "again": hello}
        spent = 0.0
        for turn in range(ROUNDS):
            found = {}
            for side in list(sides)[turn % 4 :] + list(sides)[: turn % 4]:
                before = _processor(process.pid)
                some = list(itertools.islice(codes, EACH[side])) if side in EACH else None
                found[side] = _wrk(sides[side], some, folder)
                if side == "service":
                    spent += (_processor(process.pid) - before) / max(found[side]["good"], 1)
            rounds.append(found)
        if os.environ.get("LONG"):
            _memory(name, url, process.pid, signed_in(WORLD, store, SWITCH))
    good = sum(found[side]["good"] for found in rounds for side in ("service", "single"))
    bad = sum(found[side]["bad"] for found in rounds for side in sides)
    with store.reading() as tx:
        leaves = sum(decode(body).kind == "grant" for body in tx.execute(sa.select(schema.leaf.c.body)).scalars())
    store.close()
    rates = [{side: each[side]["good"] / each[side]["seconds"] for side in each} for each in rounds]
    control = statistics.median(each["again"] / each["hello"] for each in rates)
    slowest = min(each["hello"] for each in rates)
    resolved = 0.85 <= control <= 1.15 and slowest >= 1500
    shares = [each["service"] / statistics.mean((each["hello"], each["again"])) for each in rates]
    _print(f"hello_{name}", round(statistics.median(each["hello"] for each in rates)), "1/s", control=round(control, 3))
    _print(f"resolve_{name}", round(statistics.median(each["service"] for each in rates)), "1/s")
    _print(f"resolve_cpu_{name}", round(spent / ROUNDS * 1e6), "us")
    _ratio(f"resolve_share_of_hello_{name}", shares, resolved=resolved)
    _ratio(f"group_commit_gain_{name}", [each["service"] / each["single"] for each in rates], resolved=True)
    tails = [each["service"]["p99"] / each["service"]["p50"] for each in rounds]
    _ratio(f"p99_over_p50_{name}", tails, resolved=True)
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
        token = signed_in(WORLD, store, courier, device)
        labels = on_the_van(WORLD, store, A_DAY, courier, first=first)
        vans.append([(device, token, each.code, str(first + m)) for m, each in enumerate(labels)])
    return [each for turn in zip(*vans, strict=True) for each in turn]


def _memory(name: str, url: str, pid: int, token: str) -> None:
    """Resident memory after 200,000 requests over that after 20,000: what leaks with each request shows."""
    asked, sizes = 0.0, []
    for many in (20_000, 200_000):
        while asked < many:
            asked += _wrk(f"{url}/v1/ledger/checkpoint", None, Path(), "-H", f"Authorization: Bearer {token}")["good"]
        sizes.append(int(Path(f"/proc/{pid}/statm").read_text("utf-8").split()[1]))
    _print(f"memory_ratio_{name}", round(sizes[1] / sizes[0], 3), "ratio")


def _wrk(url: str, codes: Codes | None, folder: Path, *more: str) -> dict[str, float]:
    """One slice."""
    script = str(Path(__file__).with_suffix(".lua"))
    command = ["wrk", f"-c{CONNECTIONS}", f"-t{THREADS}", f"-d{SECONDS}s", "-s", script, *more, url]
    if codes is not None:
        for thread in range(THREADS):
            lines = ["\t".join(_request(url, *each)) for each in codes[thread::THREADS]]
            (folder / f"codes.{thread}").write_text("\n".join(lines) + "\n", "utf-8")
        command.append(str(folder / "codes"))
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout.rsplit("RESULT ", 1)[1]))


def _request(url: str, device: Device, token: str, code: str, door: str) -> tuple[str, str, str, str]:
    """Token, proof, body and expected door of one request; its proof is a minute's."""
    body = json.dumps({"items": [{"code": code, "purpose": "deliver"}]}, separators=(",", ":"))
    proof = device.proof("POST", f"{url}/v1/resolve", at=time.time(), body=body.encode(), token=token)
    return token, proof, body, door


@contextmanager
def _hello() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-c", HELLO], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


def _processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _ratio(figure: str, values: list[float], *, resolved: bool) -> None:
    spread = [round(min(values), 3), round(max(values), 3)]
    _print(figure, round(statistics.median(values), 3) if resolved else None, "ratio", spread=spread)


def _print(figure: str, value: float | None, unit: str, **more: object) -> None:
    print(json.dumps({"bench": "resolve", "figure": figure, "value": value, "unit": unit} | more), flush=True)


if __name__ == "__main__":
    sys.exit(main())
