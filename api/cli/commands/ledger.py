"""`waybill ledger verify`: recomputes the ledger and names the first leaf that is not what was signed.

It begins after the checkpoint that was verified last, which it keeps in the folder as `ledger.verified`; `--full` begins
with the first leaf, and alone finds a leaf that was changed after it had been verified. A fault is an alarm as well.

`waybill ledger accept` signs on from a ledger that is shorter than what was signed last, or differs from it: after a restore
on a server or a failover that lost leaves. The act is the next leaf, with both sizes. `waybill restore data` does it itself.
With `--credentials FILE` it is a client's act: that client goes on from the checkpoint that it has refused.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from masking.connection import OPERATOR
from masking.disk import replace
from masking.errors import IntegrityError, MaskingError
from masking.journal import journal
from masking.ledger import checkpoint
from masking.ledger.checkpoint import Checkpoint
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.store.alarms import raise_alarm
from masking.words.ledger_kinds import LedgerKind

from ...deployment import add_folder, opening

VERIFIED = "ledger.verified"
"""The note up to which the ledger was verified last."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["verify", "accept"])
    parser.add_argument(
        "--full", action="store_true", help="verify: from the first leaf, not from what was verified last"
    )
    parser.add_argument("--yes", action="store_true", help="accept: don't ask")
    parser.add_argument("--credentials", type=Path, help="accept: at a client that has refused the service's ledger")
    parser.add_argument("--state", type=Path, help="accept: the client's folder, if it is not that of its credentials")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the verdict and the last checkpoint; 1 if anything is wrong, or was not confirmed."""
    if args.act == "accept":
        return _accept(args)
    world, place = World(), args.folder / VERIFIED
    with opening(args.folder, world) as store:
        begun = None if args.full else _verified(place, journal.log_key(world, store))
        since = place.read_text("utf-8") if begun else ""
        report = journal.verify(store, since=since)  # signs nothing: what is in doubt is not to be signed over
        if report.fault:
            with suppress(MaskingError), store.transaction() as tx:
                raise_alarm(tx, journal.ALARM, "ledger", world.now(), world, at_most_every=timedelta(hours=1))
    if report.fault:
        print(f"NOT WHAT WAS SIGNED: leaf {report.fault.position}: {report.fault.rule}")
        return 1
    new = report.size - (begun.size if begun else 0)
    print(
        f"{report.size} leaves, all as signed; {report.waiting} wait for their place; {new} verified now. The last checkpoint:"
    )
    print(f"\n{report.note}")
    if report.note:
        _keep(place, report.note)
    return 0


def _verified(place: Path, key: VerifierKey) -> Checkpoint | None:
    """The checkpoint that was verified last; None if there is none, or if the file does not hold one of this ledger."""
    try:
        return checkpoint.read(place.read_text("utf-8"), key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, IntegrityError):
        print(f"{place.name} holds no checkpoint of this ledger: verifying from the first leaf", file=sys.stderr)
        return None


def _keep(place: Path, note: str) -> None:
    try:
        replace(place, note.encode())
    except OSError as error:
        print(
            f"{place.name} can't be written ({error.strerror}): the next run begins where this one did", file=sys.stderr
        )


def _accept(args: argparse.Namespace) -> int:
    question = (
        "Leaves that were signed may be lost for good, and clients will say so. Type yes to sign on without them: "
    )
    if not args.yes and input(question) != "yes":
        print("nothing done", file=sys.stderr)
        return 1
    if args.credentials:
        from masking.client import accept_ledger

        known, left = accept_ledger(args.credentials, state=args.state)
        print(f"accepted: this client knew {known} leaves, the service has shown {left}. Both checkpoints are kept")
        return 0
    world = World()
    with opening(args.folder, world) as store:
        signed, left = journal.accept(world, store)
        with store.transaction() as tx:
            leaf = store.leaf(world, world.now(), LedgerKind.ACCEPT, OPERATOR, signed=str(signed), left=str(left))
            journal.append(tx, [leaf])
        journal.sequence(world, store)
    (args.folder / VERIFIED).unlink(missing_ok=True)  # it may be of leaves that are lost
    print(f"accepted: {signed} leaves were signed, {left} are left. The act is the next leaf")
    return 0
