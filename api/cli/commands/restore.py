"""`waybill restore data|keys FILE`: replaces a lost database by a copy. Destroyed data stays destroyed.

Destructions since the copy are replayed on restored keys before a key can be used, and cleared from restored data.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from masking.config import databases, read_table
from masking.database import fork_guard
from masking.database.connections import open_engine
from masking.deployment import OPERATOR
from masking.errors import SettingsError
from masking.journal import journal
from masking.keys.root import open_root
from masking.ledger.loss import LossReason
from masking.runtime import World
from masking.store.store import missing_sqlite_file
from masking.upkeep.recovery import restore_data, restore_keys
from masking.words.ledger_kinds import LedgerKind

from ...deployment import add_folder, exclusive_folder, opening
from ...language import say
from .ledger import VERIFIED, announced


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("what", choices=["data", "keys"], help="data or keys")
    parser.add_argument("file", type=Path, help="a copy made by `waybill backup`; of the keys at most 24 hours old")
    parser.add_argument(
        "--lose",
        type=int,
        default=0,
        metavar="N",
        help="keys: accept that up to N active waybills can't be opened any more",
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Restore the copy, and open the store once."""
    if not args.file.is_file():
        raise SettingsError(f"{args.file.name} is not a file: give a copy made by waybill backup")
    with exclusive_folder(args.folder, SettingsError("a service is running on this folder; stop it first")):
        replayed = _restore(args, World())
        (args.folder / VERIFIED).unlink(missing_ok=True)  # it may be of leaves that are lost
    if args.what == "keys":
        print(
            say(
                f"restored; {replayed} destructions replayed. Waybills created since the copy can't be opened: waybill doctor "
                "--deep lists them, and their merchants must amend or cancel them"
            )
        )
    else:
        print(
            say(
                "restored. Waybills created since the copy are lost, and clients will report that the ledger was cut back: "
                "see docs/retention.md"
            )
        )
    return 0


def _restore(args: argparse.Namespace, world: World) -> int:
    """Restore the copy and record it on the ledger; the number of destructions replayed on the keys."""
    data, keys = databases(args.folder)
    replayed = 0
    if args.what == "data":
        restore_data(args.file, data)
    else:
        if gone := missing_sqlite_file(data):
            raise SettingsError(f"{gone} is missing, and its destructions must be replayed: restore the data first")
        engine, root = open_engine(data), open_root(args.folder, read_table(args.folder))
        try:
            replayed = restore_keys(args.file, keys, engine, root, world.now(), losing=args.lose)
        finally:
            fork_guard.close(engine)
    about = {"what": args.what, "replayed": str(replayed)}
    with opening(args.folder, world) as store:
        if args.what == "data":
            accepted = journal.accept(world, store, reason=LossReason.RESTORE, actor=OPERATOR)
            if accepted.announcement:
                about |= {"signed": f"{accepted.signed:_}", "left": f"{accepted.left:_}"}
                print(announced(accepted))
        leaf = store.leaf(world, world.now(), LedgerKind.RESTORE, OPERATOR, **about)
        with store.transaction() as tx:
            journal.append(tx, [leaf])
        journal.sequence(world, store)
    return replayed
