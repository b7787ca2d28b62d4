"""`waybill erase ID --reason WORD`: destroys one waybill's data permanently, and can certify it.

`--certificate FILE` writes a signed note. Anyone can verify it with the key that is printed: `waybill certificate verify`.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from masking.deployment import operator
from masking.journal import journal
from masking.ledger import certificate
from masking.ledger.certificate import Certificate, key_name
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.steps.retire import REASONS, Destroy, Retired, retire
from masking.store.store import Store
from masking.values.json import time_to_json
from masking.values.printable import Refusal, WaybillId

from ...deployment import add_folder, opening
from ...language import say, say_reason
from ...service.providers import end_bindings


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("id", help="the waybill id, wb1_...")
    parser.add_argument("--reason", required=True, choices=sorted(REASONS), help="the reason to record on the ledger")
    parser.add_argument(
        "--certificate", type=Path, help="write a signed certificate to this file, which must not exist"
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Destroy the data and print when all copies are unusable; 1 if there is no such waybill."""
    world = World()
    with opening(args.folder, world) as store, _room(args.certificate) as file:
        [outcome] = retire(world, store, [Destroy(actor=operator(store), id=WaybillId(args.id), reason=args.reason)])
        if isinstance(outcome, Retired):
            if file:
                _certify(world, store, args, outcome, file)
            print(say(f"destroyed; complete everywhere by {time_to_json(outcome.complete_by)}"))
            end_bindings(args.folder, world, store)
        else:
            reason = say_reason(outcome.reason) if isinstance(outcome, Refusal) else outcome
            print(f"waybill erase: {reason}", file=sys.stderr)
        journal.sequence(world, store)
    return 0 if isinstance(outcome, Retired) else 1


@contextmanager
def _room(path: Path | None) -> Iterator[TextIO | None]:
    """The certificate's new file, opened before the destruction because a certificate is signed once. Removed if unused."""
    if not path:
        yield None
        return
    with path.open("x", encoding="utf-8") as file:
        try:
            yield file
        finally:
            if not file.tell():
                path.unlink()


def _certify(world: World, store: Store, args: argparse.Namespace, gone: Retired, file: TextIO) -> None:
    done = Certificate(waybill=args.id, reason=args.reason, at=gone.at, complete_by=gone.complete_by)
    seed = store.keys.key("sign", "certificate", world, world.now())
    file.write(certificate.sign(done, store.settings.origin, seed))
    file.flush()
    os.fsync(file.fileno())
    print(
        say(f"certificate: {args.certificate}, signed by {VerifierKey.of_seed(key_name(store.settings.origin), seed)}")
    )
