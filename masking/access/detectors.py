"""Detectors: find suspicious patterns of allowed acts in the ledger's leaves of a day. Pure functions.

Each single act was allowed, only their number stands out. A finding names the person to ask, how often, and out of how
many; `waybill who-saw` shows the details. The default thresholds are high enough for an honest outlet's day
(`tests/test_story_day.py`). Parcels are processed one by one and only counts per person are kept, so memory depends on the
number of people, not of parcels.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from itertools import groupby
from operator import attrgetter
from typing import Final, final

from masking.errors import SettingsError
from masking.ledger.log import Leaf
from masking.words.alarms import AlarmKind
from masking.words.ledger_kinds import LedgerKind

LOOKS: Final = frozenset({LedgerKind.GRANT, LedgerKind.LOOK, LedgerKind.INTENT})
"""Leaves of acts that open, show or call something of a parcel."""

MOST: Final = 1000
"""The highest threshold. No count would ever reach a higher one."""

_EXPLAINED: Final = frozenset({LedgerKind.GRANT, LedgerKind.INTENT, LedgerKind.DELIVER})
"""Kinds of leaves that name the duty which allowed the act."""

_AT_ONCE: Final = timedelta(minutes=1)
"""Tolerance for acts of several workers, which may reach the ledger in another order than that of their times."""

_OF_A_DUTY: Final = frozenset({LedgerKind.ASSIGN, LedgerKind.GRANT, LedgerKind.DELIVER, LedgerKind.SCAN})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Thresholds:
    """The counts a day from which a detector reports; `[watch]` in `waybill.toml`.

    Attributes:
        withdrawn: parcels that one clerk assigned to one courier, who opened them, and reassigned before a delivery attempt.
        unfinished: parcels that a courier opened and neither delivered nor attempted, if more than half of those opened.
        absent: parcels that a courier reported as attempted, if more than half of those opened.
        pair: parcels that a courier opened by assignment of one clerk and did not finish, if `stands_out` times as often as
            all other pairs.
        stands_out: see `pair`.
        strangers: parcels that a person asked for without a duty. Lower than the number that locks, since a person who sells
            data on order asks for few.
        copies: reprints by one person.
        wrong_phones: phones that one courier tried and that were not the recipient's.

    Raises:
        SettingsError: a value is not a whole number from 1 to `MOST`, or `stands_out` is 1, which half of all pairs reach.
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
                raise SettingsError(f"[watch] {each.name} must be a whole number from {least} to {MOST}")


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """A suspicious pattern: `who` did it (or the name of the leaf), with `partner`, `times` out of `among`."""

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
    """Run all detectors over leaves, which must be grouped by parcel. The order within a parcel doesn't matter.

    `canaries` are the subjects of parcels that no person has a reason to open. Leaves from before `since` are used only for
    the duties that they assigned, since an act may follow its assignment by up to `access.duty.DUTY_LASTS`.
    """
    seen = _Seen(since)
    for subject, about in groupby(leaves, key=attrgetter("subject")):
        seen.parcel(about, canary=subject in canaries)
    return seen.findings(thresholds or Thresholds())


def looked_at_canaries(leaves: Iterable[Leaf], canaries: Collection[bytes]) -> list[Finding]:
    """The people who opened, or tried to open, a canary: a parcel that no recipient waits for."""
    return _each(
        AlarmKind.CANARY, Counter(leaf.actor for leaf in leaves if leaf.subject in canaries and _is_look(leaf))
    )


def _is_look(leaf: Leaf) -> bool:
    refused = leaf.kind == LedgerKind.REFUSAL and leaf.detail.get("step") in {"resolve", "look", "call"}
    return refused or leaf.kind in LOOKS


def _each(kind: AlarmKind, counts: Counter[str], least: int = 1) -> list[Finding]:
    found = sorted((who, times) for who, times in counts.items() if times >= least)
    return [Finding(kind=kind, who=who, times=times, among=times) for who, times in found]


@dataclass(slots=True)
class _Looks:
    """Counts of the duties whose parcel the courier opened: unfinished, withdrawn before an attempt, attempted."""

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
    """The counts kept while leaves are processed: by person, and by clerk and courier."""

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
        """Count the acts on one parcel."""
        everything = list(leaves)
        self._explain(everything)
        acts: list[Leaf] = []
        strangers: set[str] = set()
        for leaf in everything:
            if self._since and leaf.at < self._since:
                continue
            if canary and _is_look(leaf):
                self._canaries[leaf.actor] += 1
            if leaf.kind == LedgerKind.REFUSAL and leaf.detail.get("reason") == "unknown":
                strangers.add(leaf.actor)
            elif leaf.kind == LedgerKind.REPRINT:
                self._copies[leaf.actor] += 1
            elif leaf.kind == LedgerKind.LOOK and leaf.detail.get("matched") == "no":
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
        """Count acts whose duty is not on the ledger or had ended before. No step allows such an act."""
        given = {
            leaf.detail["duty"]: leaf.at for leaf in leaves if leaf.kind == LedgerKind.ASSIGN and "duty" in leaf.detail
        }
        for leaf in leaves:
            if leaf.kind not in _EXPLAINED or (self._since and leaf.at < self._since):
                continue
            began = given.get(leaf.detail.get("duty", ""))
            if began is None:
                self._never_given[leaf.actor] += 1
            elif any(began < at < leaf.at - _AT_ONCE for at in given.values()):
                self._was_over[leaf.actor] += 1

    def findings(self, least: Thresholds) -> list[Finding]:
        """All findings, each kind sorted by name."""
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
    """Findings about one courier: parcels opened and not finished, and parcels reported as attempted."""
    found = []
    left = looks.unfinished - looks.withdrawn
    if left >= least.unfinished and left * 2 > looks.looked:
        found.append(Finding(kind=AlarmKind.VIEWS_WITHOUT_DELIVERY, who=courier, times=left, among=looks.looked))
    if looks.absent >= least.absent and looks.absent * 2 > looks.looked:
        found.append(Finding(kind=AlarmKind.ABSENT_EVERYWHERE, who=courier, times=looks.absent, among=looks.looked))
    return found


def _pair(giver: str, courier: str, looks: _Looks, total: _Looks, least: Thresholds) -> list[Finding]:
    """Findings about one clerk and one courier: parcels opened and withdrawn, or unfinished more often than elsewhere."""
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
    """The outcome of one assignment."""

    giver: str
    courier: str
    collection: bool
    at: datetime
    looked: bool = False
    finished: bool = False
    absent: bool = False
    withdrawn: bool = False


def _followed(leaves: list[Leaf]) -> list[_Duty]:
    """Each duty assigned in the leaves of one parcel, with its outcome.

    Leaves of the same millisecond may be in any order.
    """
    known: dict[str, _Duty] = {}
    for leaf in leaves:
        if leaf.kind == LedgerKind.ASSIGN and leaf.detail.keys() >= {"courier", "duty"}:  # a damaged leaf may lack them
            collection = leaf.detail.get("leg") == "collection"
            made = _Duty(giver=leaf.actor, courier=leaf.detail["courier"], collection=collection, at=leaf.at)
            known[leaf.detail["duty"]] = made
    for leaf in leaves:
        own = next((duty for duty in reversed(known.values()) if duty.courier == leaf.actor), None)
        what = leaf.detail.get("what") if leaf.kind == LedgerKind.SCAN else leaf.kind
        if what == "grant" and leaf.detail.get("duty") in known:
            known[leaf.detail["duty"]].looked = True
        elif own and (what in {"deliver", "attempted"} or (what == "collected" and own.collection)):
            own.finished = True
            own.absent = what == "attempted"
    for duty in known.values():
        duty.withdrawn = any(each.courier != duty.courier and each.at >= duty.at for each in known.values())
    return list(known.values())
