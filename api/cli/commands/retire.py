"""`waybill retire`: the nightly run. Seals away and destroys data on schedule, and ends keys."""

from __future__ import annotations

import argparse

from masking.deployment import operator
from masking.runtime import World
from masking.upkeep.retention_run import nightly

from ...deployment import add_folder, opening
from ...language import say
from ...service.providers import end_bindings
from ..wall_clock import known_time


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("--dry-run", action="store_true", help="count what would be done, and change nothing")
    parser.add_argument(
        "--clock-is-right",
        action="store_true",
        help="the clock is right although the ledger was last signed days ago: the deployment was not in use",
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Run it, and print one line for each kind of change."""
    world = World()
    with opening(args.folder, world) as store:
        over = known_time(world, store, is_right=args.clock_is_right)
        for line in nightly(world, store, operator(store), dry_run=args.dry_run, over=over):
            print(f"{line.times:>9}  {say(line.what)}")
        if not args.dry_run:
            end_bindings(args.folder, world, store)
    return 0
