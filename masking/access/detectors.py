"""What no rule can refuse is found afterwards: pure functions over the leaves of a day, parcel by parcel.

Each act was allowed; together they stand out. A finding names who to ask, how often, and out of how many; the ledger has
the rest (`waybill who-saw`). The thresholds, settings, are by default high enough for an honest outlet's day
(`tests/test_story_day.py`). What is kept of a parcel that has passed is counts of its people: a day of any length takes
the memory of its staff.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final, final

from masking.alarms import AlarmKind
from masking.errors import SettingsError
from masking.ledger.log import Leaf

LOOKS: Final = frozenset({"grant", "look", "intent"})
"""Leaves of acts that show or reach something of a parcel."""

MOST: Final = 1000
"""No threshold is higher: it would be one that nobody reaches."""

_EXPLAINED: Final = frozenset({"grant", "intent", "deliver"})
"""Leaves that name the duty which allowed the act."""

_AT_ONCE: Final = timedelta(minutes=1)
"""Acts of several workers at the same time may reach the ledger in another order than that of their times."""

_OF_A_DUTY: Final = frozenset({"assign", "grant", "deliver", "scan"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """From how many in a day on something stands out; `[watch]` in `waybill.toml`.

    Attributes:
        withdrawn: parcels that one clerk gave to one courier, who looked, and gave on before anybody was at the door.
        unfinished: parcels that a courier looked at and neither delivered nor tried, if more than half of those looked at.
        absent: parcels at whose doors nobody was, as a courier says, if more than half of those looked at.
        pair: parcels that a courier looked at, given by one clerk, and did not finish, if `stands_out` times as often as
            everybody else.
        stands_out: see `pair`.
        strangers: parcels that somebody asked for without a duty: fewer than lock, and one a customer order is enough to
            sell.
        copies: reprints by one person.
        wrong_phones: phones that one courier tried and that were not the recipient's.

    Raises:
        SettingsError: one is no whole number from 1 to `MOST`, or `stands_out` is 1, what half of all pairs reach.
    """

    withdrawn: int = 8
    unfinished: int = 20
    absent: int = 20
    pair: int = 8
    stands_out: int = 3
    strangers: int = 8
    copies: int = 5
    wrong_phones: int = 8

    def __post_init__(self) -> None:
        for each in fields(self):
            least, value = 1 + (each.name == "stands_out"), getattr(self, each.name)
            if type(value) is not int or not least <= value <= MOST:
                raise SettingsError(f"[watch] {each.name} is a whole number from {least} to {MOST}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that stands out: `who` did it (or which leaf it is), with whom, `times` out of `among`."""

    kind: AlarmKind
    who: str
    times: int
    among: int
    partner: str = ""


def detect(
    leaves: Iterable[Leaf],
    canaries: Collection[bytes] = (),
    thresholds: Thresholds | None = None,
    *,
    since: datetime | None = None,
) -> list[Finding]:
    """Everything that stands out in these leaves, of which those about one parcel stand together, in whatever order.

    `canaries` are the subjects of parcels at which nobody should look. Leaves from before `since` only say which duties
    were given: an act may follow its assignment by `access.duty.DUTY_LASTS`.
    """
    seen = _Seen(since)
    for subject, about in groupby(leaves, key=attrgetter("subject")):
        seen.parcel(about, canary=subject in canaries)
    return seen.findings(thresholds or Thresholds())


def looked_at_canaries(leaves: Iterable[Leaf], canaries: Collection[bytes]) -> list[Finding]:
    """Who looked at a parcel that nobody waits for, or tried to."""
    return _each(
        AlarmKind.CANARY, Counter(leaf.actor for leaf in leaves if leaf.subject in canaries and _is_look(leaf))
    )


def _is_look(leaf: Leaf) -> bool:
    refused = leaf.kind == "refusal" and leaf.detail.get("step") in {"resolve", "look", "call"}
    return refused or leaf.kind in LOOKS


def _each(kind: AlarmKind, counts: Counter[str], least: int = 1) -> list[Finding]:
    found = sorted((who, times) for who, times in counts.items() if times >= least)
    return [Finding(kind=kind, who=who, times=times, among=times) for who, times in found]


@dataclass(slots=True)
class _Looks:
    """Of the duties at which their courier looked: how many were not finished, withdrawn before, nobody at the door."""

    looked: int = 0
    unfinished: int = 0
    withdrawn: int = 0
    absent: int = 0

    def add(self, other: _Looks) -> None:
        self.looked += other.looked
        self.unfinished += other.unfinished
        self.withdrawn += other.withdrawn
        self.absent += other.absent


class _Seen:
    """What is kept while leaves pass: counts by person, and by clerk and courier."""

    def __init__(self, since: datetime | None) -> None:
        self._since = since
        self._canaries = Counter[str]()
        self._strangers = Counter[str]()
        self._copies = Counter[str]()
        self._wrong_phones = Counter[str]()
        self._never_given = Counter[str]()
        self._was_over = Counter[str]()
        self._pairs: defaultdict[tuple[str, str], _Looks] = defaultdict(_Looks)

    def parcel(self, leaves: Iterable[Leaf], *, canary: bool) -> None:
        """Count what happened to one parcel."""
        everything = list(leaves)
        self._explain(everything)
        acts: list[Leaf] = []
        strangers: set[str] = set()
        for leaf in everything:
            if self._since and leaf.at < self._since:
                continue
            if canary and _is_look(leaf):
                self._canaries[leaf.actor] += 1
            if leaf.kind == "refusal" and leaf.detail.get("reason") == "unknown":
                strangers.add(leaf.actor)
            elif leaf.kind == "reprint":
                self._copies[leaf.actor] += 1
            elif leaf.kind == "look" and leaf.detail.get("matched") == "no":
                self._wrong_phones[leaf.actor] += 1
            elif leaf.kind in _OF_A_DUTY:
                acts.append(leaf)
        self._strangers.update(strangers)
        for duty in _followed(acts):
            if duty.looked:
                unfinished = not duty.finished
                self._pairs[duty.giver, duty.courier].add(
                    _Looks(1, unfinished, unfinished and duty.withdrawn, duty.absent)
                )

    def _explain(self, leaves: list[Leaf]) -> None:
        """Count acts whose duty no assignment on the ledger gave, or had ended before: neither can be done by a step."""
        given = {leaf.detail["duty"]: leaf.at for leaf in leaves if leaf.kind == "assign" and "duty" in leaf.detail}
        for leaf in leaves:
            if leaf.kind not in _EXPLAINED or (self._since and leaf.at < self._since):
                continue
            began = given.get(leaf.detail.get("duty", ""))
            if began is None:
                self._never_given[leaf.actor] += 1
            elif any(began < at < leaf.at - _AT_ONCE for at in given.values()):
                self._was_over[leaf.actor] += 1

    def findings(self, least: Thresholds) -> list[Finding]:
        """All of them, each kind in the order of names."""
        couriers: defaultdict[str, _Looks] = defaultdict(_Looks)
        total = _Looks()
        for (_, courier), looks in self._pairs.items():
            couriers[courier].add(looks)
            total.add(looks)
        found = _each(AlarmKind.CANARY, self._canaries)
        for courier, looks in sorted(couriers.items()):
            found += _courier(courier, looks, least)
        for (giver, courier), looks in sorted(self._pairs.items()):
            found += _pair(giver, courier, looks, total, least)
        found += _each(AlarmKind.ASKS_FOR_STRANGERS, self._strangers, least.strangers)
        found += _each(AlarmKind.REPRINTS, self._copies, least.copies)
        found += _each(AlarmKind.WRONG_PHONES, self._wrong_phones, least.wrong_phones)
        return (
            found
            + _each(AlarmKind.DUTY_NEVER_GIVEN, self._never_given)
            + _each(AlarmKind.DUTY_WAS_OVER, self._was_over)
        )


def _courier(courier: str, looks: _Looks, least: Thresholds) -> list[Finding]:
    """Looked at and not delivered; looked at and nobody there."""
    found = []
    left = looks.unfinished - looks.withdrawn
    if left >= least.unfinished and left * 2 > looks.looked:
        found.append(Finding(kind=AlarmKind.VIEWS_WITHOUT_DELIVERY, who=courier, times=left, among=looks.looked))
    if looks.absent >= least.absent and looks.absent * 2 > looks.looked:
        found.append(Finding(kind=AlarmKind.ABSENT_EVERYWHERE, who=courier, times=looks.absent, among=looks.looked))
    return found


def _pair(giver: str, courier: str, looks: _Looks, total: _Looks, least: Thresholds) -> list[Finding]:
    """A clerk and a courier between whom parcels are looked at and withdrawn, or not finished more often than elsewhere."""
    found, among = [], looks.looked
    if looks.withdrawn >= least.withdrawn:
        found.append(
            Finding(
                kind=AlarmKind.LOOKED_THEN_WITHDRAWN, who=giver, partner=courier, times=looks.withdrawn, among=among
            )
        )
    left, others, theirs = looks.unfinished, total.looked - among, total.unfinished - looks.unfinished
    if left >= least.pair and left * others >= least.stands_out * max(theirs, 1) * among:
        found.append(Finding(kind=AlarmKind.PAIR_STANDS_OUT, who=giver, partner=courier, times=left, among=among))
    return found


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


def _followed(leaves: list[Leaf]) -> list[_Duty]:
    """Each duty that was given in these leaves of one parcel, with what followed.

    Leaves of one millisecond may be in any order.
    """
    known: dict[str, _Duty] = {}
    for leaf in leaves:
        if leaf.kind == "assign" and leaf.detail.keys() >= {"courier", "duty"}:  # damage may leave other words
            collection = leaf.detail.get("leg") == "collection"
            made = _Duty(giver=leaf.actor, courier=leaf.detail["courier"], collection=collection, at=leaf.at)
            known[leaf.detail["duty"]] = made
    for leaf in leaves:
        own = next((duty for duty in reversed(known.values()) if duty.courier == leaf.actor), None)
        what = leaf.detail.get("what") if leaf.kind == "scan" else leaf.kind
        if what == "grant" and leaf.detail.get("duty") in known:
            known[leaf.detail["duty"]].looked = True
        elif own and (what in {"deliver", "attempted"} or (what == "collected" and own.collection)):
            own.finished = True
            own.absent = what == "attempted"
    for duty in known.values():
        duty.withdrawn = any(each.courier != duty.courier and each.at >= duty.at for each in known.values())
    return list(known.values())
