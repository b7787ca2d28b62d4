"""`waybill alarms list|acknowledge|deliver`: lists alarms and whom they concern, acknowledges them, or delivers them now.

A running service delivers alarms itself. `deliver` is for a deployment without one, after `waybill watch` or `retire`.
"""

from __future__ import annotations

import argparse
import sys

from masking.runtime import World, moment
from masking.store import alarms
from masking.words.alarms import AlarmKind

from ...deployment import add_folder, opening
from ...language import describe, say
from ...service.alarm_delivery import read_destinations, send_alarms


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    parser.add_argument("act", choices=["list", "acknowledge", "deliver"], help="what to do")
    parser.add_argument("id", nargs="*", metavar="ID", help="acknowledge: the alarms' ids, as `list` shows them")
    parser.add_argument("--all", action="store_true", help="list: also acknowledged alarms; acknowledge: every alarm")
    add_folder(parser)


def run(args: argparse.Namespace) -> int:
    """Run the action; 1 if an id is unknown or alarms were not delivered."""
    world = World()
    with opening(args.folder, world) as store:
        if args.act == "deliver":
            destinations = read_destinations(args.folder)
            while send_alarms(world, store, destinations):
                pass
            with store.reading() as tx:
                waiting = alarms.undelivered(tx)
            print(say(f"{waiting} alarms are not delivered" if waiting else "all alarms are delivered"))
            return int(waiting > 0)
        with store.transaction() as tx:
            found = alarms.open_alarms(tx, everything=args.all and args.act == "list")
            if args.act == "acknowledge":
                named = [each for each in found if args.all or each.id.hex() in args.id]
                known = {each.id.hex() for each in named}
                done = alarms.acknowledge(tx, [each.id for each in named], world.now())
        if args.act == "acknowledge":
            unknown = [each for each in args.id if each not in known]
            print(say(f"{done} acknowledged"))
            if unknown:
                print(say(f"no open alarm {', '.join(unknown)}; see `waybill alarms list`"), file=sys.stderr)
            return int(bool(unknown))
    for each in found:
        state = say("delivered" if each.due is None else f"not delivered after {each.attempts} attempts")
        who = " ".join(filter(None, (each.actor, each.partner)))
        print(f"{each.id.hex()}  {moment(each.at):%Y-%m-%d %H:%M:%S}Z  {each.kind:<24} {who:<24} {state}")
        if each.kind in list(AlarmKind):
            print(f"    {describe(AlarmKind(each.kind))}")
    return 0
