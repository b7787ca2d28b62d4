"""`waybill people URL --as FILE enrol | confirm | shift | revoke | reinstate | lost | unlock`: who may act, signed by your own device.

FILE holds the code of one's own enrolment, {"code": "wbc1_..."}, mode 0600; the key that signs is made next to it, or in the
folder `--state`. A phone, which couriers call from, is read from standard input: others can see a command line. Exit status: 0, or 1 for a refusal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from masking.steps.enrol import ROLES
from masking.values.plaintext import Enrolled
from masking.values.printable import Refusal, Rejected, ShiftSet

from ...deployment import add_state


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("url", help="the service: https://..., or http:// on this machine")
    parser.add_argument("--as", dest="credentials", type=Path, required=True, metavar="FILE", help="who is asking")
    add_state(parser)
    acts = parser.add_subparsers(dest="act", required=True)
    for name, told in (
        ("enrol", "a one-time code for somebody: two hours, one device"),
        ("confirm", "vouch for somebody whom a supervisor of another unit enrols"),
    ):
        act = acts.add_parser(name, help=told)
        act.add_argument("id")
        act.add_argument("--role", choices=sorted(role.value for role in ROLES), required=True)
        act.add_argument("--unit", required=True, help="the outlet or shop they are of")
        act.add_argument("--phone", action="store_true", help="read the phone that they call from, from standard input")
    act = acts.add_parser("shift", help="couriers of your outlet begin to work, or end")
    act.add_argument("ids", nargs="+", metavar="ID")
    act.add_argument("--hours", type=int, required=True, help="from now, at most 14; 0: now is the end")
    for name, told in (
        ("revoke", "end enrolments; felt by the next request, reversible for an hour"),
        ("reinstate", "take revocations of the last hour back"),
        ("lost", "end devices that are in other hands; enrol their owners again"),
        ("unlock", "let people go on who were refused too often"),
    ):
        acts.add_parser(name, help=told).add_argument("ids", nargs="+", metavar="ID")


def run(args: argparse.Namespace) -> int:
    """Ask, and print what became of each."""
    from masking.client import Supervisor

    with Supervisor.connect(args.url, credentials=args.credentials, state=args.state) as link:
        outcomes: list[Any]
        match args.act:
            case "enrol" | "confirm":
                phone = sys.stdin.readline().strip() if args.phone else None
                ask: Callable[..., Any] = link.enrol if args.act == "enrol" else link.confirm
                outcomes = [ask(args.id, role=args.role, unit=args.unit, phone=phone)]
            case "shift":
                outcomes = link.shift(args.ids, args.hours)
            case _:
                acts: dict[str, Callable[..., Any]] = {
                    "revoke": link.revoke,
                    "reinstate": link.reinstate,
                    "lost": link.report_lost,
                    "unlock": link.unlock,
                }
                outcomes = acts[args.act](args.ids)
    names = [args.id] if args.act in {"enrol", "confirm"} else args.ids
    for name, outcome in zip(names, outcomes, strict=True):
        print(_told(name, args.act, outcome))
    return int(any(isinstance(outcome, Refusal | Rejected) for outcome in outcomes))


def _told(name: str, act: str, outcome: object) -> str:
    match outcome:
        case Enrolled(code=code, until=until):
            return f"{name}: shown this once, good until {until:%Y-%m-%d %H:%M} UTC:\n\n  {code.reveal()}\n"
        case ShiftSet(until=until):
            return f"{name}: works until {until:%Y-%m-%d %H:%M} UTC"
        case Refusal(reason=reason):
            return f"{name}: refused: {reason}"
        case Rejected(field=field, rule=rule):
            return f"{name}: {field}: {rule}"
        case _:
            return f"{name}: {act} done"
