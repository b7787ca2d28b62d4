"""`waybill hold ID --reason WORD` and `waybill hold ID --release`: a held waybill is neither sealed away nor destroyed."""

from __future__ import annotations

import argparse
import sys

from masking.deployment import operator
from masking.runtime import World
from masking.steps.retire import HOLDS, Hold, HoldState, Release, Retire, retire
from masking.values.printable import Refusal, WaybillId

from ...deployment import add_folder, opening
from ...language import say, say_reason


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", help="the waybill id, wb1_...")
    act = parser.add_mutually_exclusive_group(required=True)
    act.add_argument("--reason", choices=sorted(HOLDS), help="hold it, and record this reason on the ledger")
    act.add_argument("--release", action="store_true", help="end the hold")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Hold or release the waybill; 1 if there is no such waybill, or no hold on it."""
    world = World()
    with opening(args.folder, world) as store:
        by, id_ = operator(store), WaybillId(args.id)
        request: Retire = Release(actor=by, id=id_) if args.release else Hold(actor=by, id=id_, reason=args.reason)
        [outcome] = retire(world, store, [request])
    if isinstance(outcome, HoldState):
        print(say("held until it is released" if outcome.held else "released"))
        return 0
    print(f"waybill hold: {say_reason(outcome.reason) if isinstance(outcome, Refusal) else outcome}", file=sys.stderr)
    return 1
