"""`waybill restore keys FILE`: puts a copy of the keys in place of a lost key store, and replays destructions on it.

A copy of the data needs no command: put the file back; at the next start what was destroyed is cleared from it again.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from api.deployment import add_folder, alone, opening
from masking.connection import OPERATOR
from masking.errors import SettingsError
from masking.settings import databases
from masking.vault import journal
from masking.vault.engine import open_engine
from masking.vault.recovery import restore_keys
from masking.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("what", choices=["keys"])
    parser.add_argument("file", type=Path, help="a copy made by `waybill backup keys`, not older than 24 hours")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Restore it, and open it once."""
    if not args.file.is_file():
        raise SettingsError(f"{args.file.name} is no file")
    world = World()
    with alone(args.folder, SettingsError("a service is running on this folder; stop it first")):
        replayed = _replace(args, world)
    print(f"restored; {replayed} destructions replayed. Waybills made since the copy open with nothing.")
    return 0


def _replace(args: argparse.Namespace, world: World) -> int:
    """Put it in place, on the ledger; how many destructions were replayed."""
    data, keys = databases(args.folder)
    engine = open_engine(data)
    try:
        replayed = restore_keys(args.file, keys, engine, world.now())
    finally:
        engine.dispose()
    with opening(args.folder, world) as store:
        leaf = store.leaf(world, world.now(), "restore", OPERATOR, what="keys", replayed=str(replayed))
        with store.transaction() as tx:
            journal.append(tx, [leaf])
        journal.sequence(world, store)
    return replayed
