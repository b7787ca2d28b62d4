"""`waybill init FOLDER`: creates a deployment, and a one-time code for its supervisor, which is shown once.

In an existing deployment it only issues a new code for the supervisor, whose earlier device and tokens become invalid.
Anyone who can write the folder may do so. An enrolment needs a second person of another unit: make two supervisors.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.access.credentials import CODE, sure_digest
from masking.access.people import Actor, Role
from masking.config import SETTINGS
from masking.deployment import OFFLINE_KEY, create
from masking.errors import SettingsError
from masking.journal import journal
from masking.numbers.pool import DEMO
from masking.runtime import World
from masking.steps.enrol import new_code
from masking.store.rows import codes, credentials, people, slots
from masking.store.store import Settings, Store
from masking.values.plaintext import Enrolled
from masking.words.ledger_kinds import LedgerKind

from ...deployment import opening
from ...language import say

MAKER = "waybill-init"
"""The actor on the ledger who issued and confirmed the code: a user who can write the folder."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("folder", type=Path, help="an existing deployment, or a missing or empty folder for a new one")
    parser.add_argument(
        "--tenant",
        default="carrier",
        help="the carrier's id: lower-case letters, digits, hyphens; can't be changed later",
    )
    parser.add_argument("--carrier", default="", help="the carrier's name as printed on labels")
    parser.add_argument("--data", help="address of the data's database (default: a SQLite file in the folder)")
    parser.add_argument("--keys", help="address of the key store's database, which is not the data's")
    parser.add_argument("--supervisor", default="supervisor", metavar="ID", help="the person who enrols the others")
    parser.add_argument("--unit", default="head-office", help="the supervisor's unit (default: head-office)")
    parser.add_argument("--demo", action="store_true", help="allow visibly fake virtual numbers, and load 1000 of them")


def run(args: argparse.Namespace) -> int:
    """Create the deployment or the code, and print what must be kept."""
    world, new = World(), not (args.folder / SETTINGS).exists()
    if (args.data is None) != (args.keys is None):
        raise SettingsError("data and keys are two databases: give --data and --keys, or neither")
    if new:
        addresses = (args.data, args.keys) if args.data else None
        create(
            args.folder, world, Settings(tenant=args.tenant, carrier=args.carrier, demo=args.demo), addresses=addresses
        )
    with opening(args.folder, world) as store:
        supervisor = Actor(id=args.supervisor, tenant=store.settings.tenant, role=Role.SUPERVISOR, unit=args.unit)
        enrolled = supervise(store, world, supervisor)
        if new and args.demo:
            with store.transaction() as tx:
                slots.add(tx, DEMO, DEMO.slots(1000, 1999), world)
        key = journal.log_key(world, store)
        journal.sequence(world, store)
    print(say(f"The code of {args.supervisor}, shown once. It enrols one device, within two hours:\n"))
    print(f"  {enrolled.code.reveal()}\n")
    print(say(f"The ledger's public key, for clients to pin:\n\n  {key}\n"))
    if new:
        print(say(f"Move {args.folder / OFFLINE_KEY} off this machine: it opens sealed-away data."))
        print(say(f"Next: waybill doctor --folder {args.folder}; waybill serve --folder {args.folder}"))
    return 0


def supervise(store: Store, world: World, actor: Actor) -> Enrolled:
    """Issue a confirmed code for a supervisor, enrol the supervisor if need be, and record it on the ledger."""
    now = world.now()
    with store.transaction() as tx:
        new = people.enrol(world, store.keys, tx, actor, now)
        if not new and people.active(tx, [actor.id]).get(actor.id) != actor:
            raise SettingsError(
                f"{actor.id} is revoked, or is another person than this supervisor: give another --supervisor"
            )
        people.unbind(tx, [actor.id])  # a supervisor's device can't be reported as lost
        credentials.end(tx, [actor.id])
        enrolled = new_code(world, tx, actor.id, MAKER, now)
        codes.confirm(tx, sure_digest(CODE, enrolled.code), MAKER)
        kind = LedgerKind.ENROL if new else LedgerKind.ENROL_AGAIN
        leaf = store.leaf(world, now, kind, MAKER, person=actor.id, role=actor.role.value, unit=actor.unit)
        journal.append(tx, [leaf])
    return enrolled
