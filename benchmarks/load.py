"""What the benches over HTTP share: the hello-world they are held against, `wrk`, and how their figures are printed.

`wrk` (Debian) asks: a Python client would be the bottleneck. Sides take turns, two seconds each. A figure is not resolved
where hello does fewer than 1,500 a second, or is against itself outside 0.85 to 1.15.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.measure import RESOLVED

SECONDS, CONNECTIONS, THREADS = 2, 32, 2
SLOWEST = 1500
"""Hello-worlds a second below which the machine is too busy to tell."""

_HELLO = """
import uvicorn
from fastapi import FastAPI
from api.service.serving import configured, listening
app = FastAPI()
@app.get("/")
async def hello():
    return {"hello": "world"}
made = listening("127.0.0.1", 0)
print("http://127.0.0.1:%d" % made.getsockname()[1], flush=True)
uvicorn.Server(configured(app)).run(sockets=[made])
"""

Rates = dict[str, float]
"""What `wrk` tells of one slice: "seconds", "good", "bad" and, in microseconds, "p50" and "p99"."""


@contextmanager
def hello() -> Iterator[str]:
    """The address of a FastAPI hello-world, on the same server with the same settings as ours."""
    process = subprocess.Popen([sys.executable, "-c", _HELLO], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout
        url = process.stdout.readline().strip()
        time.sleep(0.5)
        yield url
    finally:
        process.terminate()
        process.wait()


class Ask(NamedTuple):
    """One request of a slice, and what the slice's pattern finds in the right answer; `proof` may be "-", for none."""

    path: str
    authorization: str
    proof: str
    body: str
    told: str


def wrk(url: str, asks: Sequence[Ask] = (), pattern: str = "", *more: str) -> Rates:
    """One slice: each of these is asked once; without any it is `url`, over and over. `pattern` is one of Lua's."""
    script = str(Path(__file__).with_suffix(".lua"))
    command = ["wrk", f"-c{CONNECTIONS}", f"-t{THREADS}", f"-d{SECONDS}s", "-s", script, *more, url]
    with tempfile.TemporaryDirectory() as folder:
        if asks:
            for thread in range(THREADS):
                own = ["\t".join(each) + "\n" for each in asks[thread::THREADS]]
                Path(folder, f"asks.{thread}").write_text("".join(own), "utf-8")
            command += [f"{folder}/asks", pattern]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=True)
        except FileNotFoundError:
            sys.exit("wrk is missing (Debian: apt-get install wrk)")
    rates: Rates = dict(json.loads(done.stdout.rsplit("RESULT ", 1)[1]))
    if asks and rates["good"] + rates["bad"] >= len(asks):
        sys.exit(
            f"a slice of {SECONDS} s needs more than {len(asks)} requests on this machine; raise EACH in the bench"
        )
    return rates


def share(sides: Sequence[tuple[Rates, Rates, Rates]], figure: str) -> None:
    """Print what a service does a second over what hello does, from slices of (hello, service, hello again)."""
    rates = [[each["good"] / each["seconds"] for each in turn] for turn in sides]
    control = statistics.median(again / first for first, _, again in rates)
    slowest = min(min(first, again) for first, _, again in rates)
    resolved = RESOLVED[0] <= control <= RESOLVED[1] and slowest >= SLOWEST
    shares = [asked / statistics.mean((first, again)) for first, asked, again in rates]
    hellos, own = (round(statistics.median(each[side] for each in rates)) for side in (0, 1))
    ratio(figure, shares, resolved=resolved, control=round(control, 3), hello=hellos, service=own)


def ratio(figure: str, values: Sequence[float], *, resolved: bool = True, **more: object) -> None:
    """Print a figure's median and spread over the rounds."""
    spread = [round(min(values), 3), round(max(values), 3)]
    value(figure, round(statistics.median(values), 3) if resolved else None, "ratio", spread=spread, **more)


def value(figure: str, number: float | None, unit: str, **more: object) -> None:
    """Print one figure."""
    bench = Path(sys.argv[0]).stem
    print(json.dumps({"bench": bench, "figure": figure, "value": number, "unit": unit} | more), flush=True)


def processor(pid: int) -> float:
    """Seconds of processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
