"""`waybill ledger verify`: recomputes the whole ledger and names the first leaf that is not what was signed.

`waybill ledger accept` signs on from a ledger that is shorter than what was signed last, or differs from it: after a restore
on a server or a failover that lost leaves. The act is the next leaf, with both sizes. `waybill restore data` does it itself.
"""

from __future__ import annotations

import argparse
import sys

from masking.connection import OPERATOR
from masking.vault import journal
from masking.world import World

from ..deployment import add_folder, opening


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["verify", "accept"])
    parser.add_argument("--yes", action="store_true", help="accept: don't ask")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the verdict and the last checkpoint; 1 if anything is wrong, or was not confirmed."""
    if args.act == "accept":
        return _accept(args)
    with opening(args.folder, World()) as store:
        report = journal.verify(store)  # signs nothing: what is in doubt is not to be signed over
    if report.fault:
        print(f"NOT WHAT WAS SIGNED: leaf {report.fault.position}: {report.fault.rule}")
        return 1
    print(f"{report.size} leaves, all as signed; {report.waiting} wait for their place. The last checkpoint:")
    print(f"\n{report.note}")
    return 0


def _accept(args: argparse.Namespace) -> int:
    question = (
        "Leaves that were signed may be lost for good, and clients will say so. Type yes to sign on without them: "
    )
    if not args.yes and input(question) != "yes":
        print("nothing done", file=sys.stderr)
        return 1
    world = World()
    with opening(args.folder, world) as store:
        signed, left = journal.accept(world, store)
        with store.transaction() as tx:
            leaf = store.leaf(world, world.now(), "accept", OPERATOR, signed=str(signed), left=str(left))
            journal.append(tx, [leaf])
        journal.sequence(world, store)
    print(f"accepted: {signed} leaves were signed, {left} are left. The act is the next leaf")
    return 0
