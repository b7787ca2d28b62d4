"""`waybill backup data|keys FILE`: a consistent copy of one database while it is in use.

Keep copies of the keys apart from copies of the data, and delete them after 24 hours, when they expire.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.runtime import World
from masking.upkeep.recovery import back_up
from masking.values.json import time_to_json
from masking.values.states import KEY_BACKUPS_LIVE

from ...deployment import add_folder, opening
from ...language import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("what", choices=["data", "keys"], help="data or keys")
    parser.add_argument("file", type=Path, help="the file to write; it must not exist")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Write the copy."""
    world = World()
    with opening(args.folder, world) as store:
        now = world.now()
        if args.what == "keys":
            back_up(store.keys.engine, args.file, now, keys=store.keys)
        else:
            back_up(store.data, args.file, now)
    until = say(f"; delete it by {time_to_json(now + KEY_BACKUPS_LIVE)}") if args.what == "keys" else ""
    print(f"{args.file}{until}")
    return 0
