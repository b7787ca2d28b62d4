"""`waybill erase ID --reason WORD`: destroys one waybill's data for good."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from masking.access.people import Actor, Role
from masking.connection import OPERATOR, open_folder
from masking.retire import REASONS, Destroy, Retired, retire
from masking.vault import journal
from masking.waybill import Refusal, Token
from masking.wire import time_to_json
from masking.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", help="the waybill's token, wb_...")
    parser.add_argument("--reason", required=True, choices=sorted(REASONS), help="goes on the ledger")
    parser.add_argument("--folder", type=Path, default=Path(), help="the deployment (default: this folder)")


def run(args: argparse.Namespace) -> int:
    """Destroy it and print the certificate's time; 1 if there is no such waybill."""
    world = World()
    store = open_folder(args.folder, world, must_exist=True)
    operator = Actor(id=OPERATOR, tenant=store.settings.tenant, role=Role.OPERATOR, unit=OPERATOR)
    [outcome] = retire(world, store, [Destroy(actor=operator, id=Token(args.id), reason=args.reason)])
    journal.sequence(world, store)
    store.close()
    if not isinstance(outcome, Retired):
        print(f"waybill erase: {outcome.reason if isinstance(outcome, Refusal) else outcome}", file=sys.stderr)
        return 1
    print(f"destroyed; complete everywhere by {time_to_json(outcome.complete_by)}")
    return 0
