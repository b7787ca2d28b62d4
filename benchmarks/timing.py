"""Whether the time of a refusal tells what is behind it: unknown, destroyed, and not yours, as a client measures them.

Each case asks in random order, over HTTP, about several classes of things that are answered in the same bytes. The first
class is asked under two names: how far these two seem to differ (A/A) is what the machine's noise makes of nothing. `tells`
is how often one sample of a class is slower than one of the first (0.500: it says nothing). SAMPLES a class, on both stores.
"""

from __future__ import annotations

import bisect
import http.client
import json
import os
import random
import re
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

from api.service.request_models import ORDER
from masking.access.people import Actor
from masking.crypto.encoding import base32
from masking.crypto.index import waybill_id_of
from masking.crypto.labelcode import PREFIX
from masking.deployment import open_folder
from masking.runtime import World
from masking.steps.checkout import Checkout, checkout
from masking.steps.retire import Destroy, retire
from masking.store.rows import budgets, people
from masking.store.store import Store
from masking.values.json import order_from_json
from tests.support import postgresql
from tests.support.people import DISPATCHER, OPERATOR, OTHER_COURIER, RIVAL, SHOP
from tests.support.running_service import (
    carrier_numbers,
    load_parcels_on_van,
    make_deployment,
    run_service_process,
    sign_in,
    wait_until_ready,
)

WORLD = World()
RANDOM = random.Random(1)
SAMPLES = int(os.environ.get("SAMPLES", "5000"))
BEARER = "merchant,outlet,courier,switch"

FAR = replace(DISPATCHER, id="hz-01-clerk", unit="hz-01")
FAR_TOO = replace(FAR, id="hz-01-clerk-2")

Class = Callable[[], dict[str, Any]]


class Case(NamedTuple):
    """One thing to measure: who asks where, about which classes, how many samples of each, and what comes before each.

    Who is `locked` may try as often as they like; who is not is locked after ten tries an hour.
    """

    name: str
    who: Actor
    path: str
    classes: dict[str, Class]
    locked: bool = False
    samples: int = SAMPLES
    before: Callable[[], None] = lambda: None


def _cases(store: Store) -> list[Case]:
    labels = load_parcels_on_van(WORLD, store, 40)
    codes = store.read_codes([each.code for each in labels], WORLD, WORLD.now())
    gone = [waybill_id_of(code[0]) for code in codes[20:] if code]
    retire(WORLD, store, [Destroy(actor=OPERATOR, id=each, reason="test") for each in gone])
    phones = {"10 of a rival's": ("13811110010", 10), "50 of a rival's": ("13811110050", 50)}
    for phone, many in phones.values():
        recipient = ORDER["recipient"] | {"phone": phone}
        orders = [ORDER | {"reference": f"{phone}-{n}", "recipient": recipient} for n in range(many)]
        checkout(WORLD, store, [Checkout(merchant=RIVAL, order=order_from_json(order)) for order in orders])

    def scans(number: Callable[[], int], many: int = 1) -> Class:
        return lambda: {"items": [{"what": carrier_numbers(number())["waybill_number"], "kind": "arrived"}] * many}

    def resolves(code: Callable[[], str]) -> Class:
        return lambda: {"items": [{"code": code(), "purpose": "deliver"}]}

    def unlocked() -> None:
        with store.transaction() as tx:
            budgets.unlock(tx, FAR_TOO.id)

    numbers = {
        "no such number": lambda: RANDOM.randrange(10**6, 10**7),
        "not yours": lambda: RANDOM.randrange(20),
        "destroyed": lambda: RANDOM.randrange(20, 40),
    }
    never = [store.write_code(WORLD.record_id(WORLD.now()), 1, WORLD, WORLD.now()) for _ in range(20)]
    printed: dict[str, Callable[[], str]] = {
        "never issued": lambda: RANDOM.choice(never),
        "not yours": lambda: RANDOM.choice(labels[:20]).code,
        "destroyed": lambda: RANDOM.choice(labels[20:]).code,
        "forged": lambda: PREFIX + base32(b"\x01" + RANDOM.randbytes(34)),
    }
    finds: dict[str, Class] = {"unused": lambda: {"phone": "13811110000"}}
    finds |= {name: (lambda phone=phone: {"phone": phone}) for name, (phone, _) in phones.items()}
    once, often = ({what: scans(number, many) for what, number in numbers.items()} for many in (1, 100))
    return [
        Case("scan, locked", FAR, "/v1/scans", once, locked=True),
        Case("scan, the same number 100 times, locked", FAR, "/v1/scans", often, locked=True, samples=SAMPLES // 5),
        Case("scan, not locked", FAR_TOO, "/v1/scans", once, before=unlocked),
        Case(
            "resolve, locked", OTHER_COURIER, "/v1/resolve", {w: resolves(c) for w, c in printed.items()}, locked=True
        ),
        Case("find by phone", SHOP, "/v1/waybills/find", finds),
    ]


def _answer(connection: http.client.HTTPConnection, path: str, body: dict[str, Any], token: str) -> tuple[float, str]:
    """Seconds until the answer, and its bytes without the seconds that a lock still lasts."""
    raw = json.dumps(body)
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    began = time.perf_counter()
    connection.request("POST", path, body=raw, headers=headers)
    found = connection.getresponse().read()
    return time.perf_counter() - began, re.sub(r"\d+", "N", found.decode())


def _measure(case: Case, connection: http.client.HTTPConnection, token: str, on: str) -> bool:
    """Print a line for each class; whether all answers were the same bytes."""
    first = next(iter(case.classes))
    classes = {first: case.classes[first], f"{first}, again": case.classes[first], **case.classes}
    if case.locked:
        for _ in range(25):
            _answer(connection, case.path, case.classes[first](), token)
    schedule = list(classes) * case.samples
    RANDOM.shuffle(schedule)
    times: dict[str, list[float]] = {name: [] for name in classes}
    answers = set()
    for name in schedule:
        case.before()
        took, found = _answer(connection, case.path, classes[name](), token)
        times[name].append(took)
        answers.add(found)
    base = sorted(times[first])
    for name, each in times.items():
        each.sort()
        tells = sum(bisect.bisect_left(base, took) for took in each) / len(each) / len(base)
        at = {f"p{part}": round(1000 * each[len(each) * part // 100], 3) for part in (10, 50, 90)}
        ratio = {
            f"p{part}": round(each[len(each) * part // 100] / base[len(base) * part // 100], 3) for part in (10, 50, 90)
        }
        line = {"figure": f"{case.name}: {name}", "store": on, "ms": at, "of_first": ratio}
        line |= {"tells": round(tells, 3), "samples": len(each)}
        print(json.dumps(line), flush=True)
    return len(answers) == 1


@contextmanager
def _deployment(place: Path, on: str) -> Iterator[Path]:
    folder = place / on
    if on == "sqlite":
        make_deployment(folder, WORLD)
        yield folder
        return
    with postgresql.server(durable=True) as socket:
        make_deployment(folder, WORLD, (postgresql.create(socket, "data"), postgresql.create(socket, "keys")))
        yield folder


def main() -> int:
    """Print the figures; 1 if the bytes of answers differ."""
    same = True
    for on in ("sqlite", "postgresql"):
        scratch = tempfile.TemporaryDirectory(prefix="bench-", dir=os.environ.get("BENCH_DIR"))
        with scratch as place, _deployment(Path(place), on) as folder:
            store = open_folder(folder, WORLD)
            with store.transaction() as tx:
                for who in (FAR, FAR_TOO):
                    people.enrol(WORLD, store.keys, tx, who, WORLD.now())
            cases = _cases(store)
            tokens = {who.id: sign_in(WORLD, store, who) for who in {case.who for case in cases}}
            with run_service_process("--folder", folder, "--bearer-roles", BEARER) as (_, url):
                wait_until_ready(url)
                connection = http.client.HTTPConnection(url.removeprefix("http://"), timeout=60)
                for case in cases:
                    same &= _measure(case, connection, tokens[case.who.id], on)
                connection.close()
            store.close()
    if not same:
        print("WRONG: answers differ in their bytes", file=sys.stderr)
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
