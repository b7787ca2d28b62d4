"""`waybill who-saw ID`: lists everything on the ledger about one waybill, also after its data is destroyed."""

from __future__ import annotations

import argparse
import sys
from datetime import datetime

from masking.crypto.index import record_of_waybill_id
from masking.errors import InputError
from masking.journal import journal
from masking.ledger.log import Unreadable
from masking.runtime import CHINA, World
from masking.values.json import time_to_json
from masking.words.request_rules import RequestRule

from ...deployment import add_folder, opening
from ...language import say


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", help="the waybill id, wb1_...")
    parser.add_argument(
        "--since",
        type=_moment,
        metavar="TIME",
        help="leave out what is older: 2026-11-24, or 2026-11-24T08:00 (China's time)",
    )
    add_folder(parser)


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError("this is not a time. Give one as in 2026-11-24 or 2026-11-24T08:00") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=CHINA)


def run(args: argparse.Namespace) -> int:
    """Print one line for each leaf; 1 if there is no leaf, or one can't be read."""
    record = record_of_waybill_id(args.id)
    if record is None:
        raise InputError("id", RequestRule.NOT_A_WAYBILL_ID)
    world = World()
    with opening(args.folder, world) as store:
        leaves = journal.who_saw(world, store, record, since=args.since)
    for leaf in leaves:
        if isinstance(leaf, Unreadable):
            print(say(f"UNREADABLE: {leaf.name}, in the row {leaf.id.hex()}"))
            continue
        detail = " ".join(f"{name}={value}" for name, value in sorted(leaf.detail.items()))
        print(f"{time_to_json(leaf.at)}  {leaf.kind:<14} {leaf.actor:<20} {detail}".rstrip())
    if not leaves:
        print(f"waybill who-saw: {say('the ledger has nothing about this waybill')}", file=sys.stderr)
    damaged = sum(isinstance(leaf, Unreadable) for leaf in leaves)
    if damaged:
        text = say(f"{damaged} of its {len(leaves)} leaves can't be read")
        print(f"waybill who-saw: {text}", file=sys.stderr)
    return 1 if damaged or not leaves else 0
