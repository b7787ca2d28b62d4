"""Stores of every kind, a service, orders, and the rule that a missing system program is never skipped unseen on CI."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from sqlalchemy.engine import Engine

import masking
from masking.access.people import Actor
from masking.crypto.index import record_of_waybill_id
from masking.crypto.keys import FileKeySource
from masking.database import key_schema, schema
from masking.database.connections import open_engine
from masking.database.key_schema import KEYS_HEAD
from masking.database.migrating import migrate
from masking.database.schema import DATA_HEAD
from masking.journal import journal
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.store.rows import people, slots
from masking.store.store import Settings, Store, create_keys
from masking.values.plaintext import Order, Party, Plain
from masking.values.printable import LabelData, Waybill
from tests.support import postgresql
from tests.support.carrier_network import TrackedParcel, label_far_parcel
from tests.support.fake_world import FakeWorld
from tests.support.ledger_rows import write
from tests.support.parcels import load_on_van
from tests.support.people import NETWORK, PHONES, SHOP, STAFF, TENANT

if TYPE_CHECKING:
    from masking.client import RemoteShop
    from tests.support.chromium import ChromiumPage
    from tests.support.running_service import Service

for _name in ("LC_ALL", "LC_MESSAGES", "LANG"):  # commands would speak Chinese, and tests read their English
    if os.environ.get(_name, "").lower().startswith("zh"):
        os.environ[_name] = "C.UTF-8"

settings.register_profile(
    "waybill", deadline=None, derandomize="CI" in os.environ
)  # CI tries the same examples each time
settings.load_profile("waybill")


@pytest.fixture
def fake_world() -> FakeWorld:
    return FakeWorld()


@pytest.fixture
def world(fake_world: FakeWorld) -> World:
    return fake_world.world


def staffed(store: Store, world: World) -> Store:
    """A store with keys, people, and the demo's numbers."""
    create_keys(store, world)
    now = world.now()
    with store.transaction() as tx:
        for actor in STAFF:
            phone = PHONES.get(actor.id)
            people.enrol(world, store.keys, tx, actor, now, phone=Plain(phone) if phone else None)
        slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
    return store


@pytest.fixture(scope="session")
def databases() -> Iterator[list[Engine]]:
    """Two databases of a real PostgreSQL, data and keys, their schema up to date."""
    with postgresql.server() as socket:
        engines = [open_engine(postgresql.create(socket, name)) for name in ("data", "keys")]
        for engine, name, head in zip(engines, ("data", "keys"), (DATA_HEAD, KEYS_HEAD), strict=True):
            migrate(engine, name, head)
        yield engines
        for engine in engines:
            engine.dispose()


STORES = ("file", "memory", "postgresql")


@pytest.fixture(params=STORES)
def urls(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[str, str]:
    """Where a new deployment's data and keys are kept; every test of `store` runs on each kind of them."""
    match request.param:
        case "file":
            return f"sqlite:///{tmp_path}/data.sqlite", f"sqlite:///{tmp_path}/keys.sqlite"
        case "memory":
            return "sqlite://", "sqlite://"
        case _:
            engines = request.getfixturevalue("databases")
            for engine, metadata in zip(engines, (schema.data, key_schema.keys), strict=True):
                with engine.begin() as connection:
                    for table in reversed(metadata.sorted_tables):
                        connection.execute(table.delete())
            return tuple(engine.url.render_as_string(hide_password=False) for engine in engines)


@pytest.fixture
def store(urls: tuple[str, str], tmp_path: Path, world: World) -> Iterator[Store]:
    source = FileKeySource.create(tmp_path / "root.key", os.urandom)
    # tests of numbers see them at checkout, and empty the pool
    settings = Settings(
        tenant=TENANT, carrier="示例快递", demo=True, network=NETWORK, lease_at_print=False, number_share=100
    )
    store = Store.open(*urls, source, settings)
    try:
        yield staffed(store, world)
    finally:
        store.close()


@pytest.fixture
def workers(store: Store, urls: tuple[str, str], tmp_path: Path) -> Iterator[list[Store]]:
    """Four workers of one deployment: each with connections and caches of its own, where the store has room for that."""
    if urls[0] == "sqlite://":
        yield [store] * 4
        return
    source = FileKeySource.open(tmp_path / "root.key")
    opened = [Store.open(*urls, source, store.settings) for _ in range(4)]
    yield opened
    for each in opened:
        each.close()


@pytest.fixture
def supervised(store: Store, world: World) -> Store:
    """The store with three supervisors more."""
    from tests.support.enrolment import SUPERVISORS

    with store.transaction() as tx:
        for each in SUPERVISORS:
            people.enrol(world, store.keys, tx, each, world.now())
    return store


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service on a socket, on a deployment of this module's own."""
    from tests.support.running_service import run_service  # only those who ask for a service wait for its imports

    with run_service(tmp_path_factory.mktemp("service") / "deployment") as running:
        yield running


@pytest.fixture
def credentials(service: Service, tmp_path: Path) -> Callable[..., Path]:
    """Makes the file of credentials with which a person's program connects to the service."""
    number = count()

    def write(who: Actor, *, plain: bool = False) -> Path:
        """Of a device that signs; `plain` for one that can't, as behind a proxy that the service knows nothing of."""
        path = tmp_path / f"{who.id}-{next(number)}.json"
        path.touch(mode=0o600)
        path.write_text(json.dumps({"secret": service.secret(who)} if plain else {"code": service.code(who)}), "utf-8")
        return path

    return write


@pytest.fixture
def shop(service: Service, credentials: Callable[..., Path]) -> Iterator[RemoteShop]:
    """The shop's connection to the service."""
    from masking.client import RemoteShop

    with masking.connect(service.url, credentials=credentials(SHOP)) as connected:
        assert isinstance(connected, RemoteShop)
        yield connected


@pytest.fixture(scope="module")
def window() -> Iterator[ChromiumPage]:
    """A window of Chromium."""
    from tests.support.chromium import chromium

    with chromium() as page:
        yield page


@pytest.fixture
def page(service: Service, window: ChromiumPage) -> ChromiumPage:
    """The outlet's page, signed in at, in English. What the browser heard before is forgotten."""
    from tests.support.outlet_page import sign_in_at

    window.events.clear()
    sign_in_at(window, service)
    return window


@pytest.fixture
def order() -> Callable[..., Order]:
    """Orders of people who do not exist; every number may be changed."""

    def build(reference: str = "A-1001", **changes: object) -> Order:
        values: dict[str, object] = {
            "recipient": Party(
                name="欧阳测试", phone="13800000001", address="上海市浦东新区世纪大道100号3栋2单元501室"
            ),
            "sender": Party(name="样例店", phone="13700000002", address="浙江省杭州市西湖区文三路90号5号楼301室"),
            "goods": "书",
            "waybill_number": f"YT{int.from_bytes(hashlib.sha256(reference.encode()).digest()[:5], 'big'):013}",
            "routing_code": "342-081-00 052",
        }
        return Order(reference=reference, **(values | changes))  # type: ignore[arg-type]

    return build


@pytest.fixture
def parcel(world: World, store: Store, order: Callable[..., Order]) -> tuple[Waybill, LabelData]:
    """A parcel on its courier's van."""
    return load_on_van(world, store, order())


@pytest.fixture
def parcels(
    world: World, store: Store, order: Callable[..., Order], fake_world: FakeWorld
) -> list[tuple[bytes, LabelData]]:
    """Eight parcels on one courier's van since a second ago, as (record, label data)."""
    loaded = [load_on_van(world, store, order(f"P-{n}")) for n in range(8)]
    fake_world.advance(seconds=1)
    return [(record_of_waybill_id(waybill.id), data) for waybill, data in loaded]


@pytest.fixture
def far_parcel(world: World, store: Store, order: Callable[..., Order]) -> TrackedParcel:
    """A parcel that a shop in another city has labelled, and no courier has collected."""
    return label_far_parcel(world, store, order)


@pytest.fixture
def ledger(world: World, store: Store, fake_world: FakeWorld) -> Store:
    """A store with twelve leaves under three checkpoints, of sizes 5, 9 and 12."""
    for size in (5, 4, 3):
        fake_world.advance(seconds=1)
        write(world, store, size)
        journal.sequence(world, store)
    assert journal.verify(store).fault is None
    return store


@pytest.fixture
def demo_folder(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Path:
    """A folder in which `waybill init --demo` has run; what it printed can be read from `capsys`."""
    from tests.support.commands import run_waybill

    folder = tmp_path / "d"
    assert run_waybill("init", folder, "--tenant", "test", "--carrier", '示例 "快递"', "--demo") == 0
    return folder


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Skip tests whose system program is missing; on CI that is a failure, so that nothing is skipped unseen."""
    for marker in item.iter_markers("system"):
        for program in marker.args:
            if shutil.which(program) is None:
                if os.environ.get("CI"):
                    pytest.fail(f"{program} is missing, and CI must not skip")
                sys.stderr.write(f"\nSKIPPED, {program} is missing: {item.nodeid}\n")
                pytest.skip(f"{program} is missing")
