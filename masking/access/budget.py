"""Budgets: how many parcels an actor may open, how fast and at what hours, and how many refusals lock the actor.

The daily limit follows from the parcels that others assigned. No limit makes an honest courier wait (150 parcels between
08:00 and 19:00, `tests/test_story_day.py`). Pure: the caller loads an actor's counts as one row, locks it while a batch is
decided, and writes it back in the same transaction.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, final

from masking.access.people import KeyProtection
from masking.runtime import CHINA, milliseconds
from masking.values.printable import Refusal
from masking.words.reasons import Reason

LOCK = timedelta(hours=1)
"""How long a lock lasts unless a supervisor ends it: long enough to be noticed, short enough not to cost a day's work."""

_TENTH, _HOUR, _MINUTE = 600_000, 3_600_000, 60_000  # milliseconds
_CHINA_AHEAD = 8 * _HOUR


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one actor.

    Attributes:
        percent: how many parcels may be opened in a day, in percent of those assigned for today. Above 100, to leave room
            for late ones.
        spare: added to that number, so that a small round has room too.
        pace: the most parcels newly opened in ten minutes. A courier who plans a round opens all places at once, then
            delivers one parcel every half minute in a block of lockers.
        places: the most parcels opened today and not yet delivered, attempted or handed over.
        refusals: the number of refusals in an hour that locks the actor. Twenty wrong labels are a wrong sack, which is
            noticed after a few.
    """

    percent: int
    spare: int
    pace: int
    places: int
    refusals: int

    def ceiling(self, given: int) -> int:
        """The most distinct parcels that may be opened on a day with `given` assigned ones."""
        return given * self.percent // 100 + self.spare


FULL: Final = Limits(percent=110, spare=5, pace=40, places=25, refusals=20)
"""For a device whose key was attested to be in hardware."""

HALF: Final = Limits(percent=105, spare=2, pace=20, places=12, refusals=10)
"""For a key that could be copied out of its device: about half of each limit, but still enough for the day's parcels."""

LIMITS: Final = {KeyProtection.NONE: FULL, KeyProtection.SOFTWARE: HALF, KeyProtection.HARDWARE: FULL}
"""The limits by attested level. `Level.NONE` has the full ones: without a device there is no key to copy."""


HANDED_ON_PERCENT, HANDED_ON_SPARE = 10, 25
"""How many parcels an outlet may reassign in a day after a first courier opened them: a tenth of all it assigns, plus the
number that one courier can have opened and not finished. Further ones must come back to the counter and be scanned in."""

LISTED: Final = 1000
"""How many refusals of an actor get their own leaf in an hour, in addition to those that count towards a lock. It is enough
to name each label of a merchant's folder that is printed twice, and keeps a program in a loop from filling the disk."""


MISSES: Final = 10
"""How many refused previews count as one refusal. They show nothing, and a clerk may meet a sack of another outlet. So a
person who guesses numbers by previews is locked, with an alarm, after ten times as many."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of the day in China in which parcels may be opened, from the start of `first` to the end of `last`."""

    first: int
    last: int

    def wait(self, now: datetime) -> int:
        """Seconds until the window opens; 0 inside it."""
        local = now.astimezone(CHINA)
        if self.first <= local.hour <= self.last:
            return 0
        opens = local.replace(hour=self.first, minute=0, second=0, microsecond=0)
        return _seconds(opens - local if opens > local else opens + timedelta(days=1) - local)


DAYTIME: Final = Hours(first=5, last=22)
"""The hours without a recorded shift. The first trucks are unloaded at five, and no courier rings at a door after eleven."""

ALWAYS: Final = Hours(first=0, last=23)


class Counts(NamedTuple):
    """One actor's row of the table `budget`, in the order of its columns.

    `day`, `tenth`, `hour` and `told` number a day in China, ten minutes, an hour and a minute since 1970. To `day` belong
    `given` (parcels that others assigned) and `views` (parcels opened), to `tenth` belongs `paced` (parcels newly opened).
    To `hour` belong `refusals` (those that count towards a lock), `listed` (those with their own leaf) and `missed` (refused
    previews). `unlisted` are refusals that the ledger has no count of yet, and `told` is the minute in which it last got one.
    `locked` is when a lock ends, in milliseconds since 1970.
    """

    actor: str
    day: int = 0
    given: int = 0
    views: int = 0
    tenth: int = 0
    paced: int = 0
    hour: int = 0
    refusals: int = 0
    locked: int | None = None
    told: int = 0
    unlisted: int = 0
    listed: int = 0
    missed: int = 0


class CountedDuty(NamedTuple):
    """The part of an open assignment that a budget needs.

    `looked` is when it was last counted as opened, `place` since when it takes a place; both in milliseconds since 1970.
    """

    id: bytes
    looked: int | None
    place: int | None


def day_number(now: datetime) -> int:
    """The number of the day in China, counted from 1970."""
    return (milliseconds(now) + _CHINA_AHEAD) // (24 * _HOUR)


def midnight(now: datetime) -> int:
    """The start of the day in China, in milliseconds since 1970."""
    return day_number(now) * 24 * _HOUR - _CHINA_AHEAD


@final
@dataclass(slots=True, kw_only=True)
class Tally:
    """One actor's counts while a batch is decided, in order. The store locks the row before and writes it back after.

    `carried` are the parcels whose duty lasts into a new day, `taken` the places taken when this batch begins. `looks` are
    the duties newly opened in this batch, and whether each takes a place. Opening a parcel again costs nothing.
    """

    before: Counts
    now: datetime
    limits: Limits = FULL
    hours: Hours = ALWAYS
    carried: int = 0
    taken: int = 0
    day: int = field(init=False)
    tenth: int = field(init=False)
    hour: int = field(init=False)
    given: int = field(init=False)
    views: int = field(init=False)
    paced: int = field(init=False)
    refusals: int = field(init=False)
    until: int | None = field(init=False)
    unlisted: int = field(init=False)
    listed: int = field(init=False)
    told: int = field(init=False)
    missed: int = field(init=False)
    began: int = field(init=False)
    looks: dict[bytes, bool] = field(init=False, default_factory=dict)
    rang: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Reset the counts of past windows. A new day starts with the `carried` parcels."""
        old, at = self.before, milliseconds(self.now)
        self.day = _window(old.day, day_number(self.now))
        self.tenth = _window(old.tenth, at // _TENTH)
        self.hour = _window(old.hour, at // _HOUR)
        same = self.day == old.day
        self.given, self.views = (old.given, old.views) if same else (self.carried, 0)
        self.paced = old.paced if self.tenth == old.tenth else 0
        self.refusals = old.refusals if self.hour == old.hour else 0
        self.until = old.locked if old.locked and at < old.locked <= at + 2 * _HOUR else None
        self.listed = old.listed if self.hour == old.hour else 0
        self.missed = old.missed if self.hour == old.hour else 0
        self.unlisted, self.told = old.unlisted, old.told
        self.began = self.refusals

    @property
    def counts(self) -> Counts:
        """The row to write back."""
        return Counts(
            actor=self.before.actor,
            day=self.day,
            given=self.given,
            views=self.views,
            tenth=self.tenth,
            paced=self.paced,
            hour=self.hour,
            refusals=self.refusals,
            locked=self.until,
            told=self.told,
            unlisted=self.unlisted,
            listed=self.listed,
            missed=self.missed,
        )

    @property
    def remaining(self) -> int:
        """How many parcels may still be opened today."""
        return max(self.limits.ceiling(self.given) - self.views, 0)

    def locked(self) -> Refusal | None:
        """The refusal that a locked actor gets for every request, None if the actor isn't locked."""
        if self.until is None:
            return None
        return Refusal(reason=Reason.LOCKED, retry_after=(self.until - milliseconds(self.now)) // 1000 + 1)

    def spend(self, duty: CountedDuty, *, place: bool = True) -> Refusal | None:
        """Count a parcel that is about to be opened, or refuse. `place=False` if nothing of it is shown, as for a call."""
        wait = self.hours.wait(self.now)
        if wait:
            return Refusal(reason=Reason.OFF_HOURS, retry_after=wait)
        since = midnight(self.now)
        had = duty.id in self.looks
        fresh = not had and (duty.looked is None or duty.looked < since)
        takes = place and not self.looks.get(duty.id) and (duty.place is None or duty.place < since)
        if fresh and not self.remaining:
            return Refusal(
                reason=Reason.DAILY_BUDGET_SPENT, retry_after=_seconds_left(self.now, 24 * _HOUR, _CHINA_AHEAD)
            )
        if takes and self.taken >= self.limits.places:
            return Refusal(reason=Reason.TOO_MANY_UNFINISHED)
        if fresh and self.paced >= self.limits.pace:
            return Refusal(reason=Reason.TOO_FAST, retry_after=_seconds_left(self.now, _TENTH))
        self.views += fresh
        self.paced += fresh
        self.taken += takes
        if fresh or takes:
            self.looks[duty.id] = takes or self.looks.get(duty.id, False)
        return None

    def give(self) -> None:
        """Count a parcel that another person assigned to this actor."""
        self.given += 1

    def hand_on(self) -> Refusal | None:
        """Count, for an outlet, a parcel that is reassigned after it was opened, or refuse."""
        if self.views >= self.given * HANDED_ON_PERCENT // 100 + HANDED_ON_SPARE:
            left = _seconds_left(self.now, 24 * _HOUR, _CHINA_AHEAD)
            return Refusal(reason=Reason.TOO_MANY_HANDED_ON, retry_after=left)
        self.views += 1
        return None

    def refuse(self) -> None:
        """Count a refusal. The one that reaches the hour's limit locks the actor and sets `rang`, for a single alarm."""
        self.refusals += 1
        if self.refusals >= self.limits.refusals and self.until is None:
            self.rang = True
            self.until = milliseconds(self.now + LOCK)

    def miss(self) -> None:
        """Count a refused preview. Every tenth one in an hour also counts as a refusal."""
        self.missed += 1
        if self.missed % MISSES == 0:
            self.refuse()

    def list_refusal(self) -> bool:
        """Count a refusal that should get its own leaf. False if the actor already has the most for this hour.

        Refusals that count towards a lock are bounded by it, so they always get a leaf.
        """
        room = self.listed < LISTED + self.refusals
        self.listed += room
        return room

    def count_refusals(self, many: int, *, at_once: bool = False) -> int:
        """Count refusals without a leaf. Returns the count to write to the ledger now, at most once a minute, else 0.

        `at_once` ignores the minute where this batch counts towards the lock, which bounds how often that is.
        """
        self.unlisted += many
        minute = milliseconds(self.now) // _MINUTE
        due = self.told != minute or (at_once and self.refusals != self.began)
        if not self.unlisted or not due:
            return 0
        telling, self.unlisted, self.told = self.unlisted, 0, minute
        return telling


def _window(stored: int, current: int) -> int:
    """The current window. If another worker's clock is ahead and has opened the next one, stay in that."""
    return stored if stored == current + 1 else current


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds()) + 1


def _seconds_left(now: datetime, window: int, ahead: int = 0) -> int:
    """Seconds until the next window of `window` milliseconds begins."""
    return (window - (milliseconds(now) + ahead) % window) // 1000 + 1
