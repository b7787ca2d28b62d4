"""The site of a failure drill: a service on servers of its own, under traffic, and what it has acknowledged."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa

from api.service.request_models import ORDER
from masking.config import SETTINGS
from masking.crypto.index import record_of_waybill_id
from masking.database import schema
from masking.deployment import open_folder
from masking.ledger.log import decode
from masking.runtime import World
from masking.steps.checkout import Checkout, checkout
from masking.steps.label import Label, label
from masking.store import alarms
from masking.store.store import Store
from masking.upkeep.unopened import unopened
from masking.values.json import order_from_json
from masking.values.printable import LabelData, Waybill
from tests.support import postgresql
from tests.support.people import COURIER, OTHER_COURIER, RECEIVER, SHOP
from tests.support.running_service import ROOT, carrier_numbers, load_parcels_on_van, make_deployment, sign_in

WORLD = World()


BEFORE = 10
"""Orders that are acknowledged before the failure, and again after it."""


TROUBLE = 5.0
"""Seconds that a failure lasts if it does not end by itself."""


PATIENCE = 180.0
"""Seconds that a drill waits before it fails."""


PARCELS = 60


class Webhook:
    """The receiver of alarms, and the ids that it got."""

    def __init__(self) -> None:
        self.received: set[str] = set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:  # the name that http.server calls
                outer.received.add(json.loads(self.rfile.read(int(self.headers["Content-Length"])))["id"])
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None: ...

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self.server.server_port}/hook"


@dataclass
class Acknowledged:
    """The acts that the service has acknowledged."""

    orders: dict[str, str] = field(default_factory=dict)
    grants: set[str] = field(default_factory=set)
    scans: set[str] = field(default_factory=set)
    errors: int = 0


class Site:
    """One deployment with its servers, its running service, and its callers."""

    def __init__(self, first: postgresql.Programs, second: postgresql.Programs, place: Path) -> None:
        self.first, self.second, self.place = first, second, place
        self.folder, self.log = place / "deployment", place / "log"
        self.webhook, self.done, self.stopping = Webhook(), Acknowledged(), threading.Event()
        self.threads: list[threading.Thread] = []
        self.port, self.pooler_port = 0, 0
        self.pooler: subprocess.Popen[bytes]
        self.process: subprocess.Popen[bytes]
        self.codes: list[str] = []
        self.parcels: list[tuple[str, str]] = []
        self.tokens: dict[str, dict[str, str]] = {}

    def prepare(self) -> None:
        """Make the deployment, parcels for the courier and the outlet, and tokens of all people."""
        where = f"host={self.first.home}:5432&host={self.second.home}:5432&target_session_attrs=read-write"
        for name in ("data", "keys"):
            postgresql.create(str(self.first.home), name)
        if self.pooler_port:
            where = f"host={self.place}&port={self.pooler_port}"
        data, keys = (f"postgresql+psycopg://postgres@/{name}?{where}" for name in ("data", "keys"))
        make_deployment(self.folder, WORLD, (data, keys))
        with (self.folder / SETTINGS).open("a", encoding="utf-8") as settings:
            settings.write(f'[alarms]\nwebhook = "{self.webhook.address}"\n')
        with closing(self.store()) as store:
            self.codes = [each.code for each in load_parcels_on_van(WORLD, store, 5)]
            self.parcels = _parcels(store)
            who = (SHOP, COURIER, OTHER_COURIER, RECEIVER)
            self.tokens = {each.id: {"Authorization": f"Bearer {sign_in(WORLD, store, each)}"} for each in who}

    def store(self) -> Store:
        """This process's own view of the store."""
        return open_folder(self.folder, WORLD)

    def start(self) -> None:
        """Start the service; on the same port as before, once it had one."""
        command = [sys.executable, "-m", "api.cli", "serve", "--folder", str(self.folder), "--workers", "2"]
        command += ["--port", str(self.port), "--bearer-roles", "merchant,outlet,courier"]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(
                command, cwd=ROOT, stderr=log, stdout=log, env={**os.environ, "PYTHONPATH": str(ROOT)}
            )
        wait_for(lambda: '"serving"' in self.log.read_text("utf-8"), "the service starts")
        lines = [line for line in self.log.read_text("utf-8").splitlines() if '"serving"' in line]
        self.port = json.loads(lines[-1])["port"]
        self.ready()

    def ready(self) -> None:
        """Wait for the service to be ready."""
        wait_for(self.is_ready, "the service is ready")

    def is_ready(self) -> bool:
        """Whether a worker says that it is ready."""
        with contextlib.suppress(httpx.HTTPError):
            return httpx.get(f"{self.url}/readyz", timeout=10).status_code == 200
        return False

    @property
    def url(self) -> str:
        """The service's address."""
        return f"http://127.0.0.1:{self.port}"

    def workers(self) -> list[int]:
        """The processes that serve."""
        parent = self.process.pid
        found = Path(f"/proc/{parent}/task/{parent}/children").read_text("utf-8").split()
        return [int(each) for each in found if b"resource_tracker" not in Path(f"/proc/{each}/cmdline").read_bytes()]

    def traffic(self) -> None:
        """Let the callers begin; each asks again under the same name until it is answered."""
        for caller in (self._order, self._order, self._open, self._scan, self._be_refused):
            thread = threading.Thread(target=self._call, args=(caller,))
            self.threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the callers, then the service in peace."""
        self.stopping.set()
        for thread in self.threads:
            thread.join()
        self.process.terminate()
        self.process.wait(PATIENCE)

    def more_orders(self) -> None:
        """Wait until `BEFORE` further orders were acknowledged."""
        wanted = len(self.done.orders) + BEFORE
        wait_for(lambda: len(self.done.orders) >= wanted, "orders are acknowledged")

    def alarmed(self) -> None:
        """Wait until an alarm was raised, and every alarm was sent."""
        with closing(self.store()) as store:
            wait_for(
                lambda: raised_alarms(store) != set() and raised_alarms(store) <= self.webhook.received,
                "every alarm is sent",
            )

    def _call(self, caller: Callable[[httpx.Client], Iterator[None]]) -> None:
        with httpx.Client(base_url=self.url, timeout=20) as http:
            for _ in caller(http):
                if self.stopping.wait(0.05):
                    return

    def _ask(self, http: httpx.Client, who: str, path: str, body: Any, **headers: str) -> dict[str, Any] | None:
        try:
            answer = http.post(path, json=body, headers=self.tokens[who] | headers)
        except httpx.HTTPError:
            self.done.errors += 1
            return None
        if answer.status_code != httpx.codes.OK:
            self.done.errors += 1
            return None
        [outcome] = answer.json()["outcomes"]
        return dict(outcome)

    def _order(self, http: httpx.Client) -> Iterator[None]:
        while True:
            reference = f"drill-{secrets.token_hex(6)}"
            body = {"orders": [ORDER | {"reference": reference}]}
            while (found := self._ask(http, SHOP.id, "/v1/waybills", body)) is None:
                yield
            self.done.orders[reference] = found["id"]
            yield

    def _open(self, http: httpx.Client) -> Iterator[None]:
        while True:
            for code in self.codes:
                body = {"items": [{"code": code, "purpose": "deliver"}]}
                found = self._ask(http, COURIER.id, "/v1/resolve", body)
                if found and found["outcome"] == "granted":
                    self.done.grants.add(found["view_ref"])
                yield

    def _scan(self, http: httpx.Client) -> Iterator[None]:
        for id_, code in self.parcels:
            body = {"items": [{"what": code, "kind": "arrived"}]}
            key = secrets.token_hex(8)
            while (found := self._ask(http, RECEIVER.id, "/v1/scans", body, **{"Idempotency-Key": key})) is None:
                yield
            if found["outcome"] == "scanned":
                self.done.scans.add(id_)
            yield

    def _be_refused(self, http: httpx.Client) -> Iterator[None]:
        for code in self.codes * 3:
            body = {"items": [{"code": code, "purpose": "deliver"}]}
            while self._ask(http, OTHER_COURIER.id, "/v1/resolve", body) is None:
                yield
            yield


@contextmanager
def open_site(name: str) -> Iterator[Site]:
    """Set up the site of a drill, with traffic, and take it down again."""
    place = Path(tempfile.mkdtemp(prefix="drill-"))
    place.chmod(0o777)
    with contextlib.ExitStack() as held:
        held.callback(shutil.rmtree, place, ignore_errors=True)
        if name == "disk-full":
            held.enter_context(_small_disk(place / "disk"))
        site = Site(*held.enter_context(postgresql.pair()), place)
        if name == "pooler-restart":
            site.pooler_port = 6543
            site.pooler = start_pooler(site)
            held.callback(_end_pooler, site)
        site.prepare()
        site.start()
        held.callback(_end, site)
        yield site


def _end(site: Site) -> None:
    site.stopping.set()
    if site.process.poll() is None:
        for each in (*site.workers(), site.process.pid):
            os.kill(each, signal.SIGKILL)
        site.process.wait()
    site.webhook.server.shutdown()


def _end_pooler(site: Site) -> None:
    site.pooler.kill()  # the one that runs now
    site.pooler.wait()


@contextmanager
def _small_disk(place: Path) -> Iterator[None]:
    """A file system of some hundred megabytes, on which the servers of this drill are installed."""
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=700m,mode=0777", "tmpfs", str(place)], check=True)
    before, tempfile.tempdir = tempfile.tempdir, str(place)
    try:
        yield
    finally:
        tempfile.tempdir = before
        subprocess.run(["umount", "-l", str(place)], check=True)


def start_pooler(site: Site) -> subprocess.Popen[bytes]:
    """Debian's pgbouncer in transaction mode, in front of the first server."""
    settings = site.place / "pgbouncer.ini"
    settings.write_text(
        f"[databases]\n* = host={site.first.home} user=postgres\n[pgbouncer]\nlisten_addr =\nunix_socket_dir = {site.place}\n"
        f"listen_port = {site.pooler_port}\nauth_type = any\npool_mode = transaction\ndefault_pool_size = 10\n",
        "utf-8",
    )
    socket = site.place / f".s.PGSQL.{site.pooler_port}"
    socket.unlink(missing_ok=True)
    user = "nobody" if os.geteuid() == 0 else None  # it refuses to run as root
    made = subprocess.Popen(
        ["pgbouncer", "-q", str(settings)], user=user, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    wait_for(socket.exists, "the pooler listens")
    return made


def _parcels(store: Store) -> list[tuple[str, str]]:
    """The waybill ids and label codes of parcels that no outlet has taken in yet."""
    orders = [order_from_json(ORDER | carrier_numbers(1000 + n) | {"reference": f"scan-{n}"}) for n in range(PARCELS)]
    made = checkout(WORLD, store, [Checkout(merchant=SHOP, order=order) for order in orders])
    ids = [each.id for each in made if isinstance(each, Waybill)]
    labels = label(WORLD, store, [Label(actor=SHOP, id=id_, job="drill", station="shop") for id_ in ids])
    return [(id_, each.code) for id_, each in zip(ids, labels, strict=True) if isinstance(each, LabelData)]


def raised_alarms(store: Store) -> set[str]:
    """The ids of all alarms."""
    with store.reading() as tx:
        return {each.id.hex() for each in alarms.open_alarms(tx, everything=True)}


def count_lost(store: Store, done: Acknowledged) -> tuple[int, int]:
    """How many acknowledged acts are gone, and how many acknowledged orders are there but can't be opened."""
    records = {record_of_waybill_id(id_): id_ for id_ in done.orders.values()}
    with store.reading() as tx:
        rows = tx.execute(sa.select(schema.waybill.c.id, schema.waybill.c.reference))
        found = {row.reference: row.id for row in rows}
        leaves = [decode(body) for body in tx.execute(sa.select(schema.leaf.c.body)).scalars()]
        scanned = set(tx.execute(sa.select(schema.scan.c.waybill)).scalars())
    granted = {leaf.id[-3:].hex().upper() for leaf in leaves if leaf.kind == "grant"}
    orders = sum(found.get(reference) != record_of_waybill_id(id_) for reference, id_ in done.orders.items())
    scans = sum(record_of_waybill_id(id_) not in scanned for id_ in done.scans)
    return orders + len(done.grants - granted) + scans, len(set(unopened(store)[1]) & records.keys())


def wait_for(holds: Callable[[], bool], what: str) -> None:
    """Return when `holds()` is true; fail after `PATIENCE`."""
    until = time.monotonic() + PATIENCE
    while not holds():
        if time.monotonic() > until:
            raise SystemExit(f"this did not come true within {PATIENCE:.0f} seconds: {what}")
        time.sleep(0.1)  # another process's turn
