"""`waybill archive open ID --offline-key FILE --reason WORD`: opens one sealed-away waybill, on the record.

Run it where the offline key is: on a machine without a network, with the deployment's folder brought to it.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.connection import OPERATOR
from masking.crypto.index import record_of_waybill_id
from masking.disk import read_secret
from masking.errors import InputError
from masking.journal import journal
from masking.runtime import World
from masking.upkeep.archive import REASONS, open_archived
from masking.values.plaintext import FIELDS

from ...deployment import add_folder, opening


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["open"])
    parser.add_argument("id", help="the waybill's token, wb1_...")
    parser.add_argument("--offline-key", type=Path, required=True, help="file of the offline archive key, mode 0600")
    parser.add_argument("--reason", required=True, choices=sorted(REASONS), help="goes on the ledger")
    parser.add_argument(
        "--field", action="append", choices=FIELDS, help="show this field (may be repeated; default all)"
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the fields to standard output, and what was written about it to standard error."""
    waybill = record_of_waybill_id(args.id)
    if waybill is None:
        raise InputError("id", "not-a-waybill-id")
    private = read_secret(args.offline_key, 32)
    world = World()
    with opening(args.folder, world) as store:
        opened = open_archived(world, store, private, waybill, actor=OPERATOR, reason=args.reason)
        journal.sequence(world, store)
    print(f"on the ledger: archive-open by {OPERATOR}, {args.reason}", file=sys.stderr)
    for name in args.field or FIELDS:
        print(f"{name:<18} {opened[name].reveal()}")
    return 0
