"""Programs of a merchant that share one connection or one credentials file: `python -m tests.support.shop_programs PROGRAM URL FILE`.

Each prints one line of JSON: what became of its orders. `application` is a web shop for gunicorn (WSGI), `asgi` for uvicorn.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import threading
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache, partial

import masking
from masking import Order, Party, Waybill
from masking.client import RemoteShop
from masking.connection import Shop

SENDER = Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室")
MANY = 8


def order_of(reference: str, door: int = 501) -> Order:
    """An order of an invented buyer; `door` changes its content."""
    address = f"上海市浦东新区世纪大道100号3栋2单元{door}室"
    recipient = Party(name="张测试", phone="13800000001", address=address)
    return Order(reference=reference, recipient=recipient, sender=SENDER)


def connect(url: str, file: str) -> RemoteShop:
    """A connection to a service."""
    shop = masking.connect(url, credentials=file)
    assert isinstance(shop, RemoteShop)
    return shop


def check_out(shop: Shop | RemoteShop, reference: str) -> Waybill:
    """Check out one order, which is not rejected."""
    [outcome] = shop.checkout([order_of(reference)])
    assert isinstance(outcome, Waybill)
    return outcome


def counted(act: Callable[[], str]) -> str:
    """What an act says, or the name and message of what it raises."""
    try:
        return act()
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def in_processes(work: Callable[[int], list[str]], count: int) -> Counter[str]:
    """What forked children say, all together."""
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    children = [context.Process(target=lambda n=n: answers.put(work(n))) for n in range(count)]
    for each in children:
        each.start()
    found = Counter(said for _ in children for said in answers.get())
    for each in children:
        each.join()
    return found


def asks_after_a_fork(url: str, file: str) -> Counter[str]:
    """Children of a shop that has made a request ask for their parent's orders."""
    shop = connect(url, file)
    made = [check_out(shop, f"fork-{n}") for n in range(20)]

    def ask(child: int) -> list[str]:
        return [counted(partial(once, (n * 7 + child) % 20, by_id=n % 2 == 0)) for n in range(30)]

    def once(n: int, *, by_id: bool) -> str:
        found = [shop.status(made[n].id)] if by_id else shop.find(reference=f"fork-{n}")
        return "right" if [each.id for each in found] == [made[n].id] else "another order"

    return in_processes(ask, MANY)


def closes_after_a_fork(url: str, file: str) -> Counter[str]:
    """A parent closes its shop while its children go on."""
    shop, closed = connect(url, file), multiprocessing.get_context("fork").Event()
    shop.checkout([order_of("closes")])

    def go_on(child: int) -> list[str]:
        closed.wait(30)
        return [counted(lambda: str(check_out(shop, f"closes-{child}").state))]

    def close() -> None:
        shop.close()
        closed.set()

    timer = threading.Timer(0.3, close)
    context = multiprocessing.get_context("fork")
    answers = context.SimpleQueue()
    children = [context.Process(target=lambda n=n: answers.put(go_on(n))) for n in range(4)]
    for each in children:
        each.start()
    timer.start()
    found = Counter(said for _ in children for said in answers.get())
    timer.join()
    return found


def starts_at_once(url: str, file: str) -> Counter[str]:
    """Workers with one credentials file, whose code is not used yet, all start in the same moment."""
    together = multiprocessing.get_context("fork").Barrier(MANY)

    def start(child: int) -> list[str]:
        together.wait(30)

        def checkout() -> str:
            with connect(url, file) as shop:
                return str(check_out(shop, f"start-{child}").state)

        return [counted(checkout)]

    return in_processes(start, MANY)


def checks_out_in_threads(url: str, file: str) -> Counter[str]:
    """Sixteen threads share one shop."""
    with connect(url, file) as shop, ThreadPoolExecutor(16) as pool:
        numbers = range(96)
        said = pool.map(lambda n: counted(lambda: str(check_out(shop, f"thread-{n}").state)), numbers)
        return Counter(said)


def checks_out_in_processes_and_threads(url: str, file: str) -> Counter[str]:
    """Four workers of four threads each, with one credentials file."""

    def work(child: int) -> list[str]:
        with connect(url, file) as shop, ThreadPoolExecutor(4) as pool:
            names = [f"both-{child}-{n}" for n in range(12)]
            return list(pool.map(lambda name: counted(lambda: str(check_out(shop, name).state)), names))

    return in_processes(work, 4)


def works_on_a_queue(url: str, file: str) -> Counter[str]:
    """Prefork workers take orders from a queue; the shop was opened, and used, before they were forked."""
    shop, context = connect(url, file), multiprocessing.get_context("fork")
    shop.checkout([order_of("queue")])
    orders = context.SimpleQueue()
    for name in [*(f"queue-{n}" for n in range(40)), *[None] * 4]:
        orders.put(name)

    def state_of(name: str) -> str:
        return str(check_out(shop, name).state)

    def work(_: int) -> list[str]:
        names = iter(orders.get, None)
        return [counted(partial(state_of, name)) for name in names]

    return in_processes(work, 4)


@cache
def own_shop() -> Shop | RemoteShop:
    """The shop of this process, on a service or a folder; opened with its first order."""
    return masking.connect(os.environ["URL"], credentials=os.environ.get("CREDENTIALS"))


if os.environ.get("OPENED") == "at-import":
    own_shop().checkout([order_of("preloaded")])


def answer_to(path: str) -> str:
    """What becomes of an order whose reference is the path."""
    return counted(lambda: str(check_out(own_shop(), path.strip("/")).state))


def application(environ: dict[str, str], start: Callable[..., object]) -> Iterable[bytes]:
    """A web shop: the path is the reference of an order."""
    said = answer_to(environ["PATH_INFO"])
    start("200 OK", [("Content-Type", "text/plain")])
    return [said.encode()]


async def asgi(scope: dict[str, str], _receive: Callable[..., object], send: Callable[..., Awaitable[None]]) -> None:
    """The same for an event loop, whose threads share one shop."""
    import anyio.to_thread

    if scope["type"] == "http":
        said = await anyio.to_thread.run_sync(answer_to, scope["path"])
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": said.encode()})


if __name__ == "__main__":
    print(json.dumps(globals()[sys.argv[1]](*sys.argv[2:])))
