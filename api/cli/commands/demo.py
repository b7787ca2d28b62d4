"""`waybill demo`: takes sample orders from checkout to erased data and checks every line that it prints."""

from __future__ import annotations

import argparse
import logging
import shutil
import sys
import time
from pathlib import Path

from masking.access.network import Network
from masking.access.people import Actor, Role
from masking.deployment import create, open_folder
from masking.errors import SettingsError
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.store.rows import people, slots
from masking.store.store import Settings
from masking.values.plaintext import Plain

from ...demo import after, before, underway
from ...demo.orders import read
from ...demo.stage import PHONES, Stage, UntrueError
from ...language import reads_chinese

ORDERS = Path(__file__).parents[3] / "examples" / "orders.csv"
NETWORK = Network(collects={"*": "sh-01"}, delivers={"*": "sh-01"})
"""The demo's carrier has one outlet, which collects and delivers all parcels."""
CAST = (
    ("shop", Role.MERCHANT, "shop"),
    ("receiver", Role.OUTLET, "sh-01"),
    ("dispatcher", Role.OUTLET, "sh-01"),
    ("courier-7", Role.COURIER, "sh-01"),
    ("courier-8", Role.COURIER, "sh-01"),
    ("photographer", Role.COURIER, "sh-02"),
    ("insider", Role.COURIER, "sh-01"),
    ("switch", Role.SWITCH, "switch"),
    ("operator", Role.OPERATOR, "operator"),
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--out", type=Path, default=Path("demo-out"), help="folder for the results, which is replaced")
    parser.add_argument("--orders", type=Path, default=ORDERS, help="the file of orders to use")


def run(args: argparse.Namespace) -> int:
    """Run the demo; 1 if a line is not true."""
    started = time.monotonic()
    stage = _prepare(args.out)
    try:
        plot = before.checkout_and_labels(stage, *read(args.orders))
        underway.deliver_parcels(stage, plot)
        after.retire_and_prove(stage, plot, args.orders)
    except UntrueError as error:
        sys.stdout.flush()  # the scene's heading comes before the line that is not true
        print(f"  ✗ {error}", file=sys.stderr)
        return 1
    finally:
        stage.store.close()
        for handler in stage.log.handlers:
            handler.close()
    seconds = time.monotonic() - started
    stage.scene(f"{seconds:.0f} 秒。可以打开看看：", f"{seconds:.0f} seconds. Open these:")
    for name in ("labels.pdf", "before-after.png", "masked.csv", "rejected.csv", "ledger.txt", "deployment"):
        stage.show(str(args.out / name))
    return 0


def _prepare(folder: Path) -> Stage:
    """A new folder with a deployment that may use fake numbers, its staff, and a log."""
    marker = folder / ".waybill-demo"
    if folder.exists():
        if not marker.exists() and any(folder.iterdir()):
            raise SettingsError(f"{folder} holds other files; give another folder with --out")
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    marker.touch()
    world = World()
    # the demo shows the virtual number at checkout; by default a deployment leases it with the first label
    settings = Settings(tenant="demo", carrier="示例快递 DEMO", demo=True, network=NETWORK, lease_at_print=False)
    create(folder / "deployment", world, settings)
    store = open_folder(folder / "deployment", world)
    cast = {name: Actor(id=name, tenant="demo", role=role, unit=unit) for name, role, unit in CAST}
    now = world.now()
    with store.transaction() as tx:
        for actor in cast.values():
            phone = PHONES.get(actor.id)
            people.enrol(world, store.keys, tx, actor, now, phone=Plain(phone) if phone else None)
        slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
    log = logging.getLogger("waybill-demo")
    log.propagate = False
    log.setLevel(logging.INFO)
    log.handlers.clear()
    log.addHandler(logging.FileHandler(folder / "demo.log", encoding="utf-8"))
    return Stage(world=world, store=store, people=cast, folder=folder, chinese=reads_chinese(), out=sys.stdout, log=log)
