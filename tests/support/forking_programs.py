"""Programs of a merchant that fork, each run in a process of its own: `python -m tests.support.forking_programs PROGRAM FOLDER`.

Each prints one line of JSON: references that were acknowledged, and what else its test looks at.
"""

from __future__ import annotations

import ctypes
import gc
import json
import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import masking
from masking import ClosedError, ForkedError, Order, Party, Waybill
from tests.support.concurrent_calls import flat

RECIPIENT = Party(name="张测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室")
SENDER = Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室")


def check_out(shop: masking.connection.Shop, name: str, count: int = 5) -> list[str]:
    """Acknowledged references of orders that are checked out one by one."""
    outcomes = [
        shop.checkout([Order(reference=f"{name}-{n}", recipient=RECIPIENT, sender=SENDER)])[0] for n in range(count)
    ]
    return [str(each.reference) for each in outcomes if isinstance(each, Waybill)]


def own(folder: Path, name: str, count: int = 5) -> list[str]:
    """The same over a connection of this process's own."""
    with masking.connect(folder) as shop:
        return check_out(shop, name, count)


def fork(child: Callable[[], object], *, hooks: bool = True) -> Callable[[], Any]:
    """Run `child` in a forked process; a function that waits for it and gives what it returned, or the name of its error."""
    reader, writer = os.pipe()
    if not (os.fork() if hooks else ctypes.PyDLL(None).fork()):
        try:
            result = child()
        except Exception as error:
            result = type(error).__name__
        os.write(writer, json.dumps(result).encode())
        os.close(writer)
        sys.exit(0)  # an ordinary end, with everything that the interpreter finalises
    os.close(writer)

    def answer() -> Any:
        with os.fdopen(reader) as pipe:
            return json.loads(pipe.read() or '"died"')

    return answer


def beside(folder: Path, name: str) -> list[str]:
    """What another program, which opens and closes the deployment, has acknowledged."""
    command = [sys.executable, "-m", "tests.support.forking_programs", "open", str(folder), name]
    printed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    acknowledged: list[str] = json.loads(printed)["acknowledged"]
    return acknowledged


def interrupted(shop: masking.connection.Shop, folder: Path, name: str) -> list[str]:
    """Acknowledged references of orders before, beside and after those of other programs, which come and go."""
    return flat(
        [
            check_out(shop, f"{name}-a"),
            beside(folder, f"{name}-b"),
            check_out(shop, f"{name}-c"),
            beside(folder, f"{name}-d"),
            check_out(shop, f"{name}-e"),
        ]
    )


def _inherited(folder: Path, first: str) -> dict[str, object]:
    shop = masking.connect(folder)
    acknowledged = check_out(shop, "parent")
    go, going = os.pipe()

    def child() -> object:
        gc.collect()
        os.read(go, 1)
        try:
            check_out(shop, "never")
        except ForkedError as error:
            refused = str(error)
        shop.close()
        with masking.connect(folder) as mine:
            return [refused, interrupted(mine, folder, f"child-{os.getpid()}")]

    answers = [fork(child) for _ in range(2)]
    if first == "parent":
        shop.close()
    os.write(going, b"12")
    refusals, done = zip(*(answer() for answer in answers), strict=True)
    acknowledged += flat(done)
    if first == "child":
        acknowledged += check_out(shop, "after")
        shop.close()
    return {"acknowledged": acknowledged, "refusals": sorted(set(refusals))}


def parent_first(folder: Path) -> dict[str, object]:
    return _inherited(folder, "parent")


def child_first(folder: Path) -> dict[str, object]:
    return _inherited(folder, "child")


def daemon(folder: Path) -> dict[str, object]:
    """The program that opened the deployment ends; its child goes on, beside others, and is killed in the end."""
    shop = masking.connect(folder)
    acknowledged = check_out(shop, "parent")
    if os.fork():
        sys.exit(0)  # as any program ends: the child alone goes on
    with masking.connect(folder) as mine:
        acknowledged += interrupted(mine, folder, "daemon")
        print(json.dumps({"acknowledged": acknowledged}), flush=True)
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError


def busy_threads(folder: Path) -> dict[str, object]:
    """Threads check out all the while that the program forks."""
    shop = masking.connect(folder)
    acknowledged: list[str] = []
    enough = threading.Event()

    def sell(n: int) -> None:
        turn = 0
        while not enough.is_set():
            acknowledged.extend(check_out(shop, f"thread-{n}-{turn}", 1))
            turn += 1

    threads = [threading.Thread(target=sell, args=(n,)) for n in range(2)]
    for thread in threads:
        thread.start()
    done = [fork(partial(own, folder, f"child-{k}"))() for k in range(3)]
    enough.set()
    for thread in threads:
        thread.join()
    shop.close()
    return {"acknowledged": acknowledged + flat(done)}


def forked_by_a_thread(folder: Path) -> dict[str, object]:
    shop = masking.connect(folder)
    acknowledged = check_out(shop, "parent")
    thread = threading.Thread(target=lambda: acknowledged.extend(fork(lambda: own(folder, "child"))()))
    thread.start()
    thread.join()
    acknowledged += check_out(shop, "after")
    shop.close()
    return {"acknowledged": acknowledged}


def in_a_transaction(folder: Path) -> dict[str, object]:
    """The forking thread itself is in a transaction: the child can't end it, nor open the file."""
    shop = masking.connect(folder)
    acknowledged = check_out(shop, "parent")

    def commit() -> object:
        return [leave_block(), _error(lambda: masking.connect(folder))]

    def leave_block() -> str:
        try:
            block.__exit__(None, None, None)
        except ForkedError:
            return "not committed"
        return "committed"

    block = shop.store.transaction()
    block.__enter__()
    answer = fork(commit)()
    block.__exit__(None, None, None)
    acknowledged += check_out(shop, "after")
    shop.close()
    return {"acknowledged": acknowledged, "answer": answer}


def without_hooks(folder: Path) -> dict[str, object]:
    """C code forks and doesn't let Python know."""
    shop = masking.connect(folder)
    acknowledged = check_out(shop, "parent")

    def child() -> object:
        used = _error(lambda: check_out(shop, "never"))
        shop.close()
        return [used, _error(lambda: masking.connect(folder))]

    answer = fork(child, hooks=False)()
    acknowledged += check_out(shop, "after") + beside(folder, "beside")
    shop.close()
    return {"acknowledged": acknowledged, "answer": answer}


def left_with(folder: Path) -> dict[str, object]:
    """A child leaves the parent's `with`, which closes nothing there."""
    with masking.connect(folder) as shop:
        acknowledged = check_out(shop, "parent")
        child = os.fork()
    if not child:
        sys.exit(0)
    os.waitpid(child, 0)
    return {"acknowledged": acknowledged + own(folder, "after"), "closed": _error(lambda: check_out(shop, "never"))}


def _pool(folder: Path, how: str) -> dict[str, object]:
    with masking.connect(folder) as shop:
        acknowledged = check_out(shop, "parent")
        with multiprocessing.get_context(how).Pool(2) as pool:
            acknowledged += flat(pool.starmap(own, [(folder, f"pool-{n}") for n in range(4)]))
        acknowledged += check_out(shop, "after")
    return {"acknowledged": acknowledged}


def fork_pool(folder: Path) -> dict[str, object]:
    return _pool(folder, "fork")


def spawn_pool(folder: Path) -> dict[str, object]:
    return _pool(folder, "spawn")


def forkserver_pool(folder: Path) -> dict[str, object]:
    return _pool(folder, "forkserver")


def prefork_workers(folder: Path) -> dict[str, object]:
    """Workers on one queue, each with a connection of its own."""
    context = multiprocessing.get_context("fork")
    jobs, done = context.Queue(), context.Queue()
    with masking.connect(folder) as shop:
        acknowledged = check_out(shop, "parent")

    def work() -> None:
        with masking.connect(folder) as mine:
            for name in iter(jobs.get, None):
                done.put(check_out(mine, name, 1))

    workers = [context.Process(target=work) for _ in range(3)]
    for worker in workers:
        worker.start()
    for n in range(12):
        jobs.put(f"job-{n}")
    acknowledged += flat(done.get(timeout=60) for _ in range(12))
    for _ in workers:
        jobs.put(None)
    for worker in workers:
        worker.join()
    return {"acknowledged": acknowledged}


def _error(act: Callable[[], object]) -> str:
    try:
        act()
    except (ForkedError, ClosedError) as error:
        return type(error).__name__
    return "no error"


PROGRAMS = {
    program.__name__: program
    for program in (
        parent_first, child_first, daemon, busy_threads, forked_by_a_thread, in_a_transaction, without_hooks, left_with,
        fork_pool, spawn_pool, forkserver_pool, prefork_workers,
    )
}  # fmt: skip


def damage(file: Path) -> str:
    """What SQLite finds wrong with a file; "ok" if nothing."""
    with closing(sqlite3.connect(file)) as connection:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])


if __name__ == "__main__":
    name, place = sys.argv[1], Path(sys.argv[2])
    found = {"acknowledged": own(place, sys.argv[3])} if name == "open" else PROGRAMS[name](place)
    print(json.dumps(found))
