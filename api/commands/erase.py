"""`waybill erase ID --reason WORD`: destroys one waybill's data for good, and can certify it.

`--certificate FILE` writes a note that anybody can check against the key printed with it: `waybill certificate verify`.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from api.deployment import add_folder
from api.providers import end_bindings
from masking.connection import open_folder, operator
from masking.ledger import certificate
from masking.ledger.certificate import Certificate, key_name
from masking.ledger.checkpoint import LogKey
from masking.retire import REASONS, Destroy, Retired, retire
from masking.vault import journal
from masking.waybill import Refusal, Token
from masking.wire import time_to_json
from masking.world import World


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", help="the waybill's token, wb1_...")
    parser.add_argument("--reason", required=True, choices=sorted(REASONS), help="goes on the ledger")
    parser.add_argument(
        "--certificate", type=Path, help="write a signed certificate to this file, which must not exist"
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Destroy it and print the certificate's time; 1 if there is no such waybill."""
    world = World()
    store = open_folder(args.folder, world, must_exist=True)
    if args.certificate:
        args.certificate.touch(exist_ok=False)  # before anything is destroyed, for it is signed only once
    [outcome] = retire(world, store, [Destroy(actor=operator(store), id=Token(args.id), reason=args.reason)])
    journal.sequence(world, store)
    if args.certificate and isinstance(outcome, Retired):
        done = Certificate(token=args.id, reason=args.reason, at=outcome.at, complete_by=outcome.complete_by)
        seed = store.keys.key("sign", "certificate", world, world.now())
        args.certificate.write_text(certificate.sign(done, store.settings.origin, seed), "utf-8")
        print(f"certificate: {args.certificate}, signed by {LogKey.of_seed(key_name(store.settings.origin), seed)}")
    if isinstance(outcome, Retired):
        print(f"destroyed; complete everywhere by {time_to_json(outcome.complete_by)}")
        end_bindings(args.folder, world, store)
    else:
        if args.certificate:
            args.certificate.unlink()
        print(f"waybill erase: {outcome.reason if isinstance(outcome, Refusal) else outcome}", file=sys.stderr)
    store.close()
    return 0 if isinstance(outcome, Retired) else 1
