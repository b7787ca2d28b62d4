"""A real service on a real socket of this machine, for tests: the application in a thread, a clock that tests move."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pytest
import uvicorn
from fastapi import FastAPI

from api.service.app import create_app
from api.service.request_models import ORDER
from api.service.serving import configured, listening
from api.service.settings import ServiceSettings
from masking.access.credentials import CODE, sure_digest
from masking.access.people import Actor, KeyProtection, Role
from masking.access.proof import Proof
from masking.client.device import Device
from masking.deployment import create, open_folder
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.steps.assign import Assign, assign
from masking.steps.checkout import Checkout, checkout
from masking.steps.enrol import new_code, new_secret
from masking.steps.label import Label, label
from masking.steps.redeem import Issued, Redeem, redeem
from masking.steps.scan import Scan, scan
from masking.store.rows import codes, people, slots
from masking.store.store import Settings, Store
from masking.values.json import order_from_json
from masking.values.plaintext import Plain
from masking.values.printable import LabelData, Waybill
from tests.support.people import COURIER, DISPATCHER, NETWORK, PHONES, RECEIVER, SHOP, STAFF, TENANT

ROOT = Path(__file__).parents[2]
SUPERVISOR = Actor(id="supervisor-1", tenant=TENANT, role=Role.SUPERVISOR, unit="head-office")


class Clock:
    """Real time, and the time that a test adds to it."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)
        self.world = World(now=lambda: datetime.now(UTC) + self.ahead, entropy=os.urandom)


def load_parcels_on_van(
    world: World, store: Store, many: int, courier: Actor = COURIER, *, first: int = 0
) -> list[LabelData]:
    """Parcels that are assigned to a courier, made without the service; each goes to a door and a phone of its own."""
    orders = []
    for n in range(first, first + many):
        recipient = ORDER["recipient"] | {"address": f"上海市浦东新区世纪大道100号{n}栋501室", "phone": van_phone(n)}
        orders.append(order_from_json(ORDER | carrier_numbers(n) | {"reference": f"van-{n}", "recipient": recipient}))
    waybills = checkout(world, store, [Checkout(merchant=SHOP, order=order) for order in orders])
    asked = [Label(actor=SHOP, id=w.id, job="van", station="shop") for w in waybills if isinstance(w, Waybill)]
    labels = [each for each in label(world, store, asked) if isinstance(each, LabelData)]
    assert len(labels) == many
    scan(world, store, [Scan(actor=RECEIVER, what=each.code, kind="arrived") for each in labels])
    assign(world, store, [Assign(actor=DISPATCHER, what=each.code, courier=courier.id) for each in labels])
    return labels


def van_phone(n: int) -> str:
    """The phone of the recipient of parcel `n` of `on_the_van`."""
    return f"1380000{n % 10_000:04}"


def carrier_numbers(n: int) -> dict[str, str]:
    return {"waybill_number": f"YT{n:012}", "routing_code": "342-081-00 052"}


def sign_in(world: World, store: Store, who: Actor, device: Device | None = None) -> str:
    """A token that is good for an hour, bound to the device's key, if there is one; it ends what they held before."""
    shown, proof = None, None
    with store.transaction() as tx:
        if device:
            people.bind(tx, who.id, device.thumbprint, KeyProtection.HARDWARE)
            proof = Proof(key=device.thumbprint, use=world.entropy(32), until=2**40, body=None)
        else:
            shown = new_secret(world, tx, who.id)
        people.set_shift(tx, who.id, world.now() + timedelta(days=1))
    [issued] = redeem(world, store, [Redeem(shown=shown, proof=proof)], bearer=frozenset(Role))
    assert isinstance(issued, Issued)
    return issued.token.reveal()


class Service:
    """A running service: its folder, its own view of the store, and who may talk to it."""

    def __init__(self, folder: Path, clock: Clock, store: Store, url: str, app: FastAPI) -> None:
        self.folder = folder
        self.app = app
        self.clock = clock
        self.store = store
        self.url = url
        self.http = httpx.Client(base_url=url, timeout=30)
        self._tokens: dict[str, str] = {}

    def secret(self, who: Actor) -> str:
        """A fresh secret; it ends what this person held before."""
        self._tokens.pop(who.id, None)
        with self.store.transaction() as tx:
            return new_secret(self.clock.world, tx, who.id).reveal()

    def code(self, who: Actor) -> str:
        """A fresh, confirmed code; using it ends what this person held before. Couriers are at work."""
        self._tokens.pop(who.id, None)
        now = self.clock.world.now()
        with self.store.transaction() as tx:
            code = new_code(self.clock.world, tx, who.id, "test", now).code
            codes.confirm(tx, sure_digest(CODE, code), "test")
        return code.reveal()

    def token(self, who: Actor) -> str:
        """A token that is good for an hour."""
        if who.id not in self._tokens:
            self._tokens[who.id] = sign_in(self.clock.world, self.store, who)
        return self._tokens[who.id]

    def ask(self, who: Actor | None, path: str, body: Any = None, **more: Any) -> httpx.Response:
        """POST a body, or GET without one, as this person, or without a token."""
        headers = {"Authorization": f"Bearer {self.token(who)}"} if who else {}
        headers |= more.pop("headers", {})
        if body is None and "content" not in more:
            return self.http.get(path, headers=headers, **more)
        if body is not None:
            more["json"] = body
        return self.http.post(path, headers=headers, **more)

    def outcomes(self, who: Actor, path: str, body: Any, **more: Any) -> list[dict[str, Any]]:
        """The outcomes of a request that must be answered with 200."""
        answer = self.ask(who, path, body, **more)
        assert answer.status_code == 200, answer.text
        outcomes: list[dict[str, Any]] = answer.json()["outcomes"]
        return outcomes


def make_deployment(folder: Path, world: World, addresses: tuple[str, str] | None = None) -> None:
    """A deployment with the cast enrolled, and the demo's numbers."""
    settings_ = Settings(tenant=TENANT, carrier="示例快递", demo=True, network=NETWORK, lease_at_print=False)
    create(folder, world, settings_, addresses=addresses)
    store = open_folder(folder, world)
    now = world.now()
    with store.transaction() as tx:
        for actor in (*STAFF, SUPERVISOR):
            phone = PHONES.get(actor.id)
            people.enrol(world, store.keys, tx, actor, now, phone=Plain(phone) if phone else None)
            if actor.role is Role.COURIER:
                people.set_shift(tx, actor.id, now + timedelta(days=400))
        slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
    store.close()


@contextmanager
def run_service(folder: Path, *, port: int = 0, **settings: Any) -> Iterator[Service]:
    """A service on the deployment in this folder, made if there is none; it takes plain bearer tokens unless told not to.

    `port` is that of an earlier one that is started again.
    """
    clock = Clock()
    if not folder.exists():
        make_deployment(folder, clock.world)
    app = create_app(ServiceSettings(folder=folder, **({"bearer_roles": frozenset(Role)} | settings)), clock.world)
    server, socket = uvicorn.Server(configured(app)), listening("127.0.0.1", port)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]})
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.005)  # the only wait: for the socket to be served
    store = open_folder(folder, clock.world)
    service = Service(folder, clock, store, f"http://127.0.0.1:{socket.getsockname()[1]}", app)
    try:
        yield service
    finally:
        service.http.close()
        server.should_exit = True
        thread.join()
        store.close()
        socket.close()


@contextmanager
def run_service_process(
    *words: object, tree: Path = ROOT, log: Path | None = None, **environ: str
) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """`waybill serve` of a source tree or an unpacked wheel, as a process of its own; and its address.

    It runs in a folder that has an `api` of its own, which must never be imported. It logs to a file: a pipe that nobody
    empties would stop it.
    """
    environment = {**os.environ, "PYTHONPATH": str(tree), **environ}
    package = "api" if (tree / "api").exists() else "waybill_service"
    command = [sys.executable, "-P", "-m", f"{package}.cli", "serve", "--port", "0", *map(str, words)]
    with TemporaryDirectory(dir="/tmp") as elsewhere:
        (Path(elsewhere) / "api").mkdir()
        (Path(elsewhere) / "api" / "__init__.py").write_text("raise SystemExit('the wrong api was imported')")
        log = log or Path(elsewhere) / "log"
        with log.open("w") as file:
            process = subprocess.Popen(
                command, stderr=file, stdout=subprocess.PIPE, text=True, env=environment, cwd=elsewhere
            )
        try:
            while "\n" not in log.read_text("utf-8"):
                assert process.poll() is None
                time.sleep(0.02)  # the process is starting
            line = log.read_text("utf-8").split("\n", 1)[0]
            assert '"serving"' in line, log.read_text("utf-8")
            told = json.loads(line)
            yield process, f"http://{told['host']}:{told['port']}"
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
            process.communicate(timeout=30)


def wait_until_ready(url: str) -> None:
    """Wait for the address to answer."""
    for _ in range(400):
        try:
            assert httpx.get(f"{url}/readyz").json()["ready"] is True
        except httpx.TransportError:
            time.sleep(0.02)  # the process is starting
        else:
            return
    pytest.fail("the service did not start")
