"""`waybill ledger verify`: recomputes the ledger and names the first leaf that differs from what was signed.

It starts after the last verified checkpoint, which is kept in the folder as `ledger.verified`. `--full` starts with the
first leaf; only this finds a leaf that was changed after it had been verified. A fault also raises an alarm.

`waybill ledger accept` continues signing from a ledger that is shorter than or different from what was signed last: after
a restore on a database server, or a failover that lost leaves. It signs an announcement, which is the next leaf and is served
to clients (FORMAT.md section 12). `waybill restore data` does it itself. With `--credentials FILE ...` it acts for clients: each
then continues from the checkpoint that it had refused, if the service has announced the loss.
"""

from __future__ import annotations

import argparse
import sys
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

from masking.deployment import OPERATOR
from masking.disk import replace
from masking.errors import IntegrityError, MaskingError
from masking.journal import journal
from masking.journal.journal import Accepted
from masking.ledger import checkpoint
from masking.ledger.checkpoint import Checkpoint
from masking.ledger.loss import LossReason
from masking.ledger.note import VerifierKey
from masking.runtime import World
from masking.store.alarms import raise_alarm

from ...deployment import add_folder, opening
from ...language import say

VERIFIED = "ledger.verified"
"""The file that holds the last verified checkpoint."""


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["verify", "accept"], help="what to do")
    parser.add_argument(
        "--full", action="store_true", help="verify: from the first leaf, not from the last verified checkpoint"
    )
    parser.add_argument("--yes", action="store_true", help="accept: don't ask for confirmation")
    parser.add_argument(
        "--reason",
        choices=[*LossReason],
        default=LossReason.FAILOVER.value,
        help="accept: why leaves were lost, for the announcement",
    )
    parser.add_argument(
        "--credentials",
        type=Path,
        nargs="+",
        help="accept: for the clients with these files, which refused the ledger",
    )
    parser.add_argument(
        "--unannounced", action="store_true", help="accept: for clients, also a loss that was not announced"
    )
    parser.add_argument(
        "--state", type=Path, help="accept: the client's state folder (default: the credentials' folder)"
    )
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Print the verdict and the last checkpoint; 1 if there is a fault, or the act was not confirmed."""
    if args.act == "accept":
        return _accept(args)
    world, place = World(), args.folder / VERIFIED
    with opening(args.folder, world) as store:
        begun = None if args.full else _verified(place, journal.log_key(world, store))
        since = place.read_text("utf-8") if begun else ""
        report = journal.verify(store, since=since)  # signs nothing: a doubtful ledger must not be signed
        if report.fault:
            with suppress(MaskingError), store.transaction() as tx:
                raise_alarm(tx, journal.ALARM, "ledger", world.now(), world, at_most_every=timedelta(hours=1))
    if report.fault:
        print(say(f"NOT WHAT WAS SIGNED: leaf {report.fault.position}: {report.fault.rule}"))
        return 1
    new = report.size - (begun.size if begun else 0)
    print(
        say(
            f"{report.size} leaves, all as signed; {report.waiting} not yet placed; {new} verified now. The last checkpoint:"
        )
    )
    print(f"\n{report.note}")
    if report.note:
        _keep(place, report.note)
    return 0


def _verified(place: Path, key: VerifierKey) -> Checkpoint | None:
    """The last verified checkpoint. None if there is no file, or it does not hold a checkpoint of this ledger."""
    try:
        return checkpoint.read(place.read_text("utf-8"), key)
    except FileNotFoundError:
        return None
    except (OSError, ValueError, IntegrityError):
        print(
            say(f"{place.name} holds no checkpoint of this ledger, so this run starts with the first leaf"),
            file=sys.stderr,
        )
        return None


def _keep(place: Path, note: str) -> None:
    try:
        replace(place, note.encode())
    except OSError as error:
        print(
            say(f"{place.name} can't be written ({error.strerror}): the next run starts where this one did"),
            file=sys.stderr,
        )


def _accept(args: argparse.Namespace) -> int:
    question = (
        "Signed leaves may be lost permanently, and clients will report it. Type yes to continue signing without them: "
    )
    if not args.yes and input(say(question)) != "yes":
        print(say("nothing was done"), file=sys.stderr)
        return 1
    if args.credentials:
        return _accept_at_clients(args)
    world = World()
    with opening(args.folder, world) as store:
        accepted = journal.accept(world, store, reason=LossReason(args.reason), actor=OPERATOR)
        journal.sequence(world, store)
    if not accepted.announcement:
        print(say(f"nothing to accept: the ledger's {accepted.left} leaves continue what was signed last"))
        return 1
    (args.folder / VERIFIED).unlink(missing_ok=True)  # it may be of leaves that are lost
    print(announced(accepted))
    return 0


def announced(accepted: Accepted) -> str:
    """What the operator has to know after leaves that were lost were accepted."""
    return say(
        f"accepted: {accepted.signed} leaves were signed, {accepted.left} are left. The announcement is the next leaf, and is "
        "served to clients.\nPublish what was lost, and this name of the announcement. Clients that accept it are started with:\n"
        f"WAYBILL_ACCEPTED_LOSSES={accepted.announcement}"
    )


def _accept_at_clients(args: argparse.Namespace) -> int:
    from masking.client import accept_ledger

    for credentials in args.credentials:
        known, left = accept_ledger(credentials, state=args.state, unannounced=args.unannounced)
        print(
            say(
                f"{credentials.name}: accepted: this client knew {known} leaves, the service has {left}. "
                "Both checkpoints are kept"
            )
        )
    return 0
