"""`waybill init FOLDER`: a new deployment, and its supervisor's secret, shown this once.

In a folder that is a deployment already it only gives the supervisor a new secret: whoever holds the folder may. What the
supervisor held before is then good for nothing.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.access.people import Actor, Role
from masking.connection import OFFLINE_KEY, create, open_folder
from masking.enrol import new_secret
from masking.errors import SettingsError
from masking.numbers.pool import DEMO
from masking.settings import SETTINGS
from masking.vault import journal, people, slots
from masking.vault.store import Settings, Store
from masking.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("folder", type=Path, help="where the deployment is, or is to be (missing or empty)")
    parser.add_argument("--tenant", default="carrier", help="small letters, digits, hyphens; can't be changed later")
    parser.add_argument("--carrier", default="", help="the name printed on labels")
    parser.add_argument("--data", help="address of the data's database (default: a SQLite file in the folder)")
    parser.add_argument("--keys", help="address of the key store's database: another one than the data's")
    parser.add_argument("--supervisor", default="supervisor", metavar="ID", help="who enrols the others")
    parser.add_argument("--demo", action="store_true", help="allow visibly fake virtual numbers, and load a thousand")


def run(args: argparse.Namespace) -> int:
    """Make it, and print what must be kept."""
    world, new = World(), not (args.folder / SETTINGS).exists()
    if (args.data is None) != (args.keys is None):
        raise SettingsError("data and keys are two databases: give --data and --keys, or neither")
    if new:
        addresses = (args.data, args.keys) if args.data else None
        create(
            args.folder, world, Settings(tenant=args.tenant, carrier=args.carrier, demo=args.demo), addresses=addresses
        )
    store = open_folder(args.folder, world)
    secret = supervise(store, world, args.supervisor)
    if new and args.demo:
        with store.transaction() as tx:
            slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
    key = journal.log_key(world, store)
    journal.sequence(world, store)
    store.close()
    print(f"The secret of {args.supervisor}, shown this once:\n\n  {secret}\n")
    print(f"The ledger's key, for clients to pin:\n\n  {key}\n")
    if new:
        print(f"Move {args.folder / OFFLINE_KEY} off this machine: it opens what was sealed away.")
        print(f"Next: waybill doctor --folder {args.folder}; waybill serve --folder {args.folder}")
    return 0


def supervise(store: Store, world: World, supervisor: str) -> str:
    """A new secret for a supervisor, who is enrolled if there is none of that name; on the ledger either way."""
    actor = Actor(id=supervisor, tenant=store.settings.tenant, role=Role.SUPERVISOR, unit="head-office")
    now = world.now()
    with store.transaction() as tx:
        new = people.enrol(world, store.keys, tx, actor, now)
        if not new and people.active(tx, [supervisor]).get(supervisor) != actor:
            raise SettingsError(f"{supervisor} is somebody else, or revoked")
        secret = new_secret(world, tx, supervisor)
        kind = "enrol" if new else "enrol-again"
        leaf = store.leaf(world, now, kind, "waybill-init", person=supervisor, role=actor.role.value, unit=actor.unit)
        journal.append(tx, [leaf])
    return secret.reveal()
