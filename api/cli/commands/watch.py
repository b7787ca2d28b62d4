"""`waybill watch`: reports unusual activity on the ledger. `waybill watch --canary ID` marks a waybill as a canary."""

from __future__ import annotations

import argparse
import sys
from datetime import timedelta

from masking.crypto.index import record_of_waybill_id
from masking.errors import InputError
from masking.journal import watch
from masking.runtime import World
from masking.store.rows import waybills
from masking.words.request_rules import RequestRule

from ...deployment import add_folder, opening
from ...language import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--days", type=int, default=1, help="days to look back (default: 1)")
    parser.add_argument("--canary", metavar="ID", help="mark this waybill, of an invented person, as a canary")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print one line for each finding, which also raises an alarm; 1 if there is a finding."""
    world = World()
    record = record_of_waybill_id(args.canary) if args.canary else None
    if args.canary and record is None:
        raise InputError("canary", RequestRule.NOT_A_WAYBILL_ID)
    with opening(args.folder, world) as store:
        if record:
            with store.transaction() as tx:
                if record not in waybills.by_id(tx, [record]):
                    print(f"waybill watch: {say('no such waybill')}", file=sys.stderr)
                    return 1
                watch.mark(tx, record, world.now())
            return 0
        found = watch.watch(world, store, back=timedelta(days=args.days))
    for each in found:
        print(f"{each.kind:<24} {each.who:<20} {each.partner:<20} {each.times} of {each.among}".rstrip())
    return 1 if found else 0
