"""`waybill people URL --as FILE ACT`: enrols, confirms, revokes people and starts shifts on a service.

ACT is enrol, confirm, shift, revoke, reinstate, lost or unlock. FILE holds the caller's own enrolment code,
{"code": "wbc1_..."}, mode 0600. The device's key, which signs each request, is created next to it or in `--state`. A
courier's phone is read from standard input, because other users can see a command line. Exit status: 0, or 1 for a
refusal.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from masking.steps.enrol import ROLES
from masking.values.outcomes import ShiftSet
from masking.values.plaintext import Enrolled
from masking.values.printable import Refusal, Rejected

from ...deployment import add_state
from ...language import say, say_reason


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("url", help="the service: https://..., or http:// on this machine")
    parser.add_argument(
        "--as", dest="credentials", type=Path, required=True, metavar="FILE", help="the file with your enrolment code"
    )
    add_state(parser)
    acts = parser.add_subparsers(dest="act", required=True)
    person = "the person's or program's id"
    for name, text in (
        ("enrol", "issue a one-time code for a person: valid for two hours and one device"),
        ("confirm", "confirm a person whom a supervisor of another unit enrols"),
    ):
        act = acts.add_parser(name, help=text)
        act.add_argument("id", help=person)
        act.add_argument(
            "--role", choices=sorted(role.value for role in ROLES), required=True, help="the person's role"
        )
        act.add_argument("--unit", required=True, help="the person's outlet or shop")
        act.add_argument(
            "--phone", action="store_true", help="read the phone that the person calls from standard input"
        )
    act = acts.add_parser("shift", help="start or end shifts of your outlet's couriers")
    act.add_argument("ids", nargs="+", metavar="ID", help=person)
    act.add_argument("--hours", type=int, required=True, help="hours from now, at most 14; 0 ends the shift")
    for name, text in (
        ("revoke", "end enrolments from the next request on; reversible for an hour"),
        ("reinstate", "undo revocations of the last hour"),
        ("lost", "invalidate lost devices; their owners have to be enrolled again"),
        ("unlock", "unlock people who were refused too often"),
    ):
        acts.add_parser(name, help=text).add_argument("ids", nargs="+", metavar="ID", help=person)


def run(args: argparse.Namespace) -> int:
    """Send the request and print the outcome for each person."""
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
        print(_line(name, args.act, outcome))
    return int(any(isinstance(outcome, Refusal | Rejected) for outcome in outcomes))


def _line(name: str, act: str, outcome: object) -> str:
    match outcome:
        case Enrolled(code=code, until=until):
            return say(f"{name}: the code, shown once, valid until {until:%Y-%m-%d %H:%M} UTC:\n\n  {code.reveal()}\n")
        case ShiftSet(until=until):
            return say(f"{name}: works until {until:%Y-%m-%d %H:%M} UTC")
        case Refusal(reason=reason):
            return say(f"{name}: refused: ") + say_reason(reason)
        case Rejected(field=field, rule=rule):
            return f"{name}: {field}: {say_reason(rule)}"
        case _:
            return say(f"{name}: {act} done")
