"""What no rule can refuse is found afterwards: pure functions over the leaves of a day, oldest first.

Each act was allowed; together they stand out. A finding names who to ask, how often, and out of how many; the ledger has
the rest (`waybill who-saw`). The thresholds are high enough for an honest outlet's day (`tests/test_story_day.py`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, final

from masking.ledger.log import Leaf

LOOKS: Final = frozenset({"grant", "look", "intent"})
"""Leaves of acts that show or reach something of a parcel."""

WITHDRAWN: Final = 8
"""Parcels in a day that one clerk gave to one courier, who looked, and gave on before anybody was at the door."""

UNFINISHED: Final = 20
"""Parcels in a day that a courier looked at and neither delivered nor tried; more than half of what was looked at."""

ABSENT: Final = 20
"""Parcels in a day at whose doors nobody was, as a courier says; more than half of what was looked at."""

STANDS_OUT: Final = 3
"""How many times the rate of all the others' unfinished looks a pair's has to be, with `PAIR` of them at least."""
PAIR: Final = 8

STRANGERS: Final = 8
"""Parcels in a day that somebody asked for without a duty: fewer than lock, and one a customer order is enough to sell."""

COPIES: Final = 5
"""Reprints by one person in a day."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that stands out: `who` did it, with whom, `times` out of `among`."""

    kind: str
    who: str
    times: int
    among: int
    partner: str = ""


def detect(leaves: Sequence[Leaf], canaries: Collection[bytes] = ()) -> list[Finding]:
    """Everything that stands out in these leaves; `canaries` are the subjects of parcels at which nobody should look."""
    return [*looked_at_canaries(leaves, canaries), *_duties(leaves), *strangers(leaves), *copies(leaves)]


def looked_at_canaries(leaves: Iterable[Leaf], canaries: Collection[bytes]) -> list[Finding]:
    """Who looked at a parcel that nobody waits for, or tried to."""
    looks = Counter(
        leaf.actor
        for leaf in leaves
        if leaf.subject in canaries
        and (leaf.kind in LOOKS or (leaf.kind == "refusal" and leaf.detail.get("step") in {"resolve", "look", "call"}))
    )
    return [Finding(kind="canary", who=who, times=times, among=times) for who, times in sorted(looks.items())]


def strangers(leaves: Iterable[Leaf]) -> list[Finding]:
    """Who asks, day by day, for parcels that are somebody else's."""
    asked: dict[str, set[bytes | None]] = defaultdict(set)
    for leaf in leaves:
        if leaf.kind == "refusal" and leaf.detail.get("reason") == "unknown":
            asked[leaf.actor].add(leaf.subject)
    found = sorted((who, len(of)) for who, of in asked.items() if len(of) >= STRANGERS)
    return [Finding(kind="asks-for-strangers", who=who, times=times, among=times) for who, times in found]


def copies(leaves: Iterable[Leaf]) -> list[Finding]:
    """Who prints labels again."""
    printed = Counter(leaf.actor for leaf in leaves if leaf.kind == "reprint")
    return [
        Finding(kind="reprints", who=who, times=times, among=times)
        for who, times in sorted(printed.items())
        if times >= COPIES
    ]


@dataclass(slots=True, kw_only=True)
class _Duty:
    """What became of one assignment."""

    giver: str
    courier: str
    collection: bool
    at: datetime
    looked: bool = False
    finished: bool = False
    absent: bool = False
    withdrawn: bool = False


def _duties(leaves: Sequence[Leaf]) -> list[Finding]:
    """Looked at and withdrawn; looked at and not delivered; a clerk and a courier between whom this happens."""
    looked = [duty for duty in _followed(leaves) if duty.looked]
    by_courier, by_pair = defaultdict(list), defaultdict(list)
    for duty in looked:
        by_courier[duty.courier].append(duty)
        by_pair[duty.giver, duty.courier].append(duty)
    found = []
    for courier, duties in sorted(by_courier.items()):
        left = sum(not (duty.finished or duty.withdrawn) for duty in duties)
        if left >= UNFINISHED and left * 2 > len(duties):
            found.append(Finding(kind="views-without-delivery", who=courier, times=left, among=len(duties)))
        absent = sum(duty.absent for duty in duties)
        if absent >= ABSENT and absent * 2 > len(duties):
            found.append(Finding(kind="absent-everywhere", who=courier, times=absent, among=len(duties)))
    for (giver, courier), duties in sorted(by_pair.items()):
        withdrawn = sum(duty.withdrawn and not duty.finished for duty in duties)
        if withdrawn >= WITHDRAWN:
            found.append(
                Finding(kind="looked-then-withdrawn", who=giver, partner=courier, times=withdrawn, among=len(duties))
            )
        left = sum(not duty.finished for duty in duties)
        others = [duty for duty in looked if (duty.giver, duty.courier) != (giver, courier)]
        theirs = sum(not duty.finished for duty in others)
        if left >= PAIR and others and left * len(others) >= STANDS_OUT * max(theirs, 1) * len(duties):
            found.append(Finding(kind="pair-stands-out", who=giver, partner=courier, times=left, among=len(duties)))
    return found


def _followed(leaves: Sequence[Leaf]) -> list[_Duty]:
    """Each duty that was given in these leaves, with what followed. Leaves of one millisecond may be in any order."""
    known: dict[str, _Duty] = {}
    of: dict[bytes | None, list[_Duty]] = defaultdict(list)
    for leaf in leaves:
        if leaf.kind == "assign":
            leg = leaf.detail.get("leg")
            made = _Duty(giver=leaf.actor, courier=leaf.detail["courier"], collection=leg == "collection", at=leaf.at)
            known[leaf.detail["duty"]] = made
            of[leaf.subject].append(made)
    for leaf in leaves:
        own = next((duty for duty in reversed(of.get(leaf.subject, ())) if duty.courier == leaf.actor), None)
        what = leaf.detail.get("what") if leaf.kind == "scan" else leaf.kind
        if what == "grant" and leaf.detail.get("duty") in known:
            known[leaf.detail["duty"]].looked = True
        elif own and (what in {"deliver", "attempted"} or (what == "collected" and own.collection)):
            own.finished = True
            own.absent = what == "attempted"
    for duties in of.values():
        for duty in duties:
            duty.withdrawn = any(each.courier != duty.courier and each.at >= duty.at for each in duties)
    return list(known.values())
