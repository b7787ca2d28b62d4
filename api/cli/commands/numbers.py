"""`waybill numbers`: manages the pool of virtual numbers: import, retire, quarantine, clear, stock, plan."""

from __future__ import annotations

import argparse
import re
import sys
from contextlib import nullcontext

from masking.config import SETTINGS
from masking.errors import InputError
from masking.numbers.plan import Demand, runs_dry
from masking.numbers.pool import Line, SlotAct
from masking.numbers.provider import ORIGINS
from masking.runtime import World
from masking.store.rows import slots
from masking.store.store import Store
from masking.upkeep.number_pool import keep_numbers
from masking.words.request_rules import RequestRule

from ...deployment import add_folder, opening
from ...language import say

ACTS = {"retire": SlotAct.RETIRE, "quarantine": SlotAct.QUARANTINE, "clear": SlotAct.CLEAR}
OPEN = "RISK: numbers that connect any caller: a photo of a label is enough to call its recipient until delivery"


def arguments(parser: argparse.ArgumentParser) -> None:
    """The command's own options."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="ACT")
    taken = acts.add_parser("import", help="add the extensions of a main number to the pool")
    taken.add_argument("main", help="the main number, digits")
    taken.add_argument("extensions", help="the first and last extension, with all digits: 0000-9999")
    taken.add_argument(
        "--provider", choices=sorted(set(ORIGINS) - {"demo"}), default="own-switch", help="who connects the calls"
    )
    taken.add_argument(
        "--city",
        required=True,
        help="its city: the first four digits of the division code, such as 3101 for Shanghai; another word for no city",
    )
    taken.add_argument("--switch", required=True, help="the id of the one switch that may ask about it")
    taken.add_argument(
        "--connects-anyone",
        action="store_true",
        help="accept a provider that connects calls without asking the service",
    )
    for name, what in (
        ("retire", "give a main number back: free slots now, leased slots when their lease ends"),
        ("quarantine", "take slots out of use at once, leased ones too"),
        ("clear", "put quarantined slots back into use after a cool-down"),
    ):
        moved = acts.add_parser(name, help=what)
        moved.add_argument("main", help="the main number, digits")
        moved.add_argument("extensions", nargs="*", help="the extensions (default: all of them)")
    usual = Demand(daily=1)
    plan = acts.add_parser("plan", help="how many numbers are needed, and when the present ones run out")
    plan.add_argument("--daily", type=int, required=True, help="parcels a day")
    plan.add_argument("--peak", type=float, default=usual.peak, help="factor of the busiest days")
    plan.add_argument("--days", type=float, default=usual.days, help="days from checkout to delivery")
    plan.add_argument(
        "--unprinted", type=float, default=usual.unprinted, help="share of orders cancelled before printing"
    )
    plan.add_argument("--digits", type=int, default=usual.digits, help="length of the extensions")
    plan.add_argument(
        "--provider", choices=sorted(ORIGINS), default="own-switch", help="the provider, which decides the cool-down"
    )
    acts.add_parser("stock", help="count the slots by provider, city and stage")
    for each in acts.choices.values():
        add_folder(each)


def run(args: argparse.Namespace) -> int:
    """Run the act; 1 if there was no slot to act on."""
    world = World()
    if args.act == "plan":
        demand = _demand(args)
        with opening(args.folder, world) if (args.folder / SETTINGS).exists() else nullcontext() as store:
            _plan(demand, world, store, connects_anyone=not ORIGINS[args.provider].authorises_each_call)
        return 0
    with opening(args.folder, world) as store:
        if args.act == "stock":
            _stock(store)
            return 0
        moved = _import(world, store, args) if args.act == "import" else _move(world, store, args)
    print(say(f"{moved} slots"))
    return 0 if moved else 1


def _import(world: World, store: Store, args: argparse.Namespace) -> int:
    spelt = re.fullmatch(r"([0-9]{1,6})-([0-9]{1,6})", args.extensions)
    if not spelt or len(spelt[1]) != len(spelt[2]):
        raise InputError("extensions", RequestRule.NOT_AN_EXTENSION_RANGE)
    provider = ORIGINS[args.provider]
    if not provider.authorises_each_call and not args.connects_anyone:
        raise InputError("provider", "connects-anyone-who-dials: give --connects-anyone if you accept that")
    line = Line(args.main, len(spelt[1]), args.provider, args.city, args.switch, provider.rest)
    new = line.slots(int(spelt[1]), int(spelt[2]))
    with store.transaction() as tx:
        return slots.add(tx, line, new, world)


def _move(world: World, store: Store, args: argparse.Namespace) -> int:
    with store.transaction() as tx:
        return slots.withdraw(tx, ACTS[args.act], args.main, args.extensions or None, world.now())


def _stock(store: Store) -> None:
    with store.reading() as tx:
        found = slots.count_by_stage(tx)
    for (provider, city, stage), count in found.items():
        print(f"{provider:<12} {city:<16} {stage:<12} {count:>10}")
    if any(not _asks(provider) for provider, _, _ in found):
        print(OPEN, file=sys.stderr)


def _asks(provider: str) -> bool:
    return provider in ORIGINS and ORIGINS[provider].authorises_each_call


def _demand(args: argparse.Namespace) -> Demand:
    limits = {"daily": (1, 10**9), "peak": (1, 100), "days": (0, 60), "unprinted": (0, 1), "digits": (1, 6)}
    for name, (least, most) in limits.items():
        if not least <= getattr(args, name) <= most:
            raise InputError(name, f"not-{least}-to-{most}")
    rest = ORIGINS[args.provider].rest.days
    return Demand(
        daily=args.daily, peak=args.peak, days=args.days, rest=rest, unprinted=args.unprinted, digits=args.digits
    )


def _plan(demand: Demand, world: World, store: Store | None, *, connects_anyone: bool) -> None:
    print(say(f"a slot is in use for {demand.away:.1f} days: {demand.days:g} leased, {demand.rest:g} cooling down"))
    print(
        say(
            f"needed: {demand.slots} slots, {demand.main_numbers} main numbers with {10**demand.digits} extensions each"
        )
    )
    print(say(f"order more when fewer than {demand.low_water} are free"))
    if store:
        keep_numbers(world, store)
        with store.reading() as tx:
            there = slots.counts(tx)
            connects_anyone |= any(not _asks(provider) for provider, _, _ in slots.count_by_stage(tx))
        free, cooling = there.get("free", 0), there.get("cooling", 0)
        day = runs_dry(demand, free, there.get("leased", 0), cooling)
        when = "not within a year" if day is None else f"on day {day}"
        print(say(f"there are {sum(there.values())} slots, {free} of them free: they run out {when}"))
        print(
            say("without free slots orders are still masked and sealed, and labels ask to make contact through the app")
        )
    if connects_anyone:
        print(OPEN)
