"""`waybill archive open ID --offline-key FILE --reason WORD`: opens one sealed-away waybill and records it on the ledger.

Run it on the offline machine that holds the key, with a copy of the deployment's folder.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.crypto.index import record_of_waybill_id
from masking.deployment import OPERATOR
from masking.disk import read_secret
from masking.errors import InputError
from masking.journal import journal
from masking.runtime import World
from masking.upkeep.archive import REASONS, open_archived
from masking.values.plaintext import FIELDS
from masking.words.request_rules import RequestRule

from ...deployment import add_folder, opening
from ...language import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["open"], help="what to do")
    parser.add_argument("id", help="the waybill id, wb1_...")
    parser.add_argument("--offline-key", type=Path, required=True, help="file with the offline key, mode 0600")
    parser.add_argument("--reason", required=True, choices=sorted(REASONS), help="the reason to record on the ledger")
    parser.add_argument(
        "--field", action="append", choices=FIELDS, help="show this field (may be repeated; default: all fields)"
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the fields to standard output, and the recorded act to standard error."""
    waybill = record_of_waybill_id(args.id)
    if waybill is None:
        raise InputError("id", RequestRule.NOT_A_WAYBILL_ID)
    private = read_secret(args.offline_key, 32)
    world = World()
    with opening(args.folder, world) as store:
        opened = open_archived(world, store, private, waybill, actor=OPERATOR, reason=args.reason)
        journal.sequence(world, store)
    print(say(f"on the ledger: archive-open by {OPERATOR}, {args.reason}"), file=sys.stderr)
    for name in args.field or FIELDS:
        print(f"{name:<18} {opened[name].reveal()}")
    return 0
