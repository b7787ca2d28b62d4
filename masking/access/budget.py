"""How much one actor may open, how fast, when, and how often one may be refused: counted in the act's own transaction.

What may be opened follows from the work that others gave: no limit here makes an honest courier wait (150 parcels between
08:00 and 19:00, `tests/test_story_day.py`). Pure: the counts are one row of the store, locked while a batch is decided.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NamedTuple, final

from masking.access.people import Level
from masking.reasons import Reason
from masking.waybill import Refusal
from masking.world import CHINA, milliseconds

LOCK = timedelta(hours=1)
"""How long a lock holds that no supervisor ends: long enough to be noticed, short enough that nobody's day is lost."""

_TENTH, _HOUR, _MINUTE = 600_000, 3_600_000, 60_000  # milliseconds
_CHINA_AHEAD = 8 * _HOUR


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one actor may have.

    Attributes:
        percent: of the parcels that others gave for today, how many may be opened: a tenth more, for what comes late.
        spare: and so many more, so that a small round has room as well.
        pace: parcels newly opened in ten minutes. A van that plans its round opens a full load of places at once and
            then delivers one every half minute in a block of lockers.
        places: parcels opened today and not yet delivered, attempted or handed over: what fits before the next doors.
        refusals: in an hour; the last of them locks. Twenty wrong labels are a wrong sack, noticed after a few.
    """

    percent: int
    spare: int
    pace: int
    places: int
    refusals: int

    def ceiling(self, given: int) -> int:
        """Distinct parcels that may be opened in a day for which others gave so many."""
        return given * self.percent // 100 + self.spare


FULL: Final = Limits(percent=110, spare=5, pace=40, places=25, refusals=20)
"""A device whose key is known to sit in hardware."""

HALF: Final = Limits(percent=105, spare=2, pace=20, places=12, refusals=10)
"""A key that could be copied out of the device: half of everything but of the day's work itself, which stays possible."""

LIMITS: Final = {Level.NONE: FULL, Level.SOFTWARE: HALF, Level.HARDWARE: FULL}
"""By what was attested of a device. Where there is none nothing can be copied: those who act are in the same process."""


HANDED_ON_PERCENT, HANDED_ON_SPARE = 10, 25
"""What an outlet may give to a second courier in a day after a first one has looked at it: a tenth of all it gives, and
what one courier can have looked at and not finished. Beyond it parcels come back to the counter, and are scanned in."""

LISTED: Final = 1000
"""Refusals of an actor in an hour that get a leaf of their own, besides those that cost from the budget of refusals: a
merchant's folder that is printed twice is on the ledger by name, and a program that asks for ever fills no disk."""


MISSES: Final = 10
"""Refused previews that cost as much as one refusal: they show nothing, and a clerk may meet a sack of another outlet. So
somebody who guesses numbers by previews is locked, and alarmed about, after ten times as many."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Hours:
    """The hours of the day in China in which parcels are opened, from the start of `first` to the end of `last`."""

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
"""Where no shift is on record: the first trucks are unloaded at five, and nobody rings at a door after eleven."""

ALWAYS: Final = Hours(first=0, last=23)


class Counts(NamedTuple):
    """One actor's counts, in the columns' order of the table `budget`; each is good for the window that stands before it.

    `day`, `tenth`, `hour` and `told` count windows of a day in China, ten minutes, an hour and a minute since 1970.
    `given` are parcels that others gave for the day, `listed` refusals of the hour that have a leaf of their own, `unlisted`
    those that have none and that the ledger has not been told of yet, `missed` refused previews of the hour.
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


class Duty(NamedTuple):
    """As much of an open assignment as a budget asks: `looked` is its last counted look, `place` since when it takes one."""

    id: bytes
    looked: int | None
    place: int | None


def day_number(now: datetime) -> int:
    """The day in China, counted."""
    return (milliseconds(now) + _CHINA_AHEAD) // (24 * _HOUR)


def midnight(now: datetime) -> int:
    """When the day in China began, in milliseconds."""
    return day_number(now) * 24 * _HOUR - _CHINA_AHEAD


@final
@dataclass(slots=True, kw_only=True)
class Tally:
    """One actor's counts while a batch is decided in order; the store locks the row behind it, and writes it back.

    `taken` are the places taken when the batch began. `looks` are the duties newly looked at in this batch, and whether
    each takes a place: to open a parcel again costs nothing.
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
    looks: dict[bytes, bool] = field(init=False, default_factory=dict)
    rang: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Counts of windows that are over begin anew; the day with the parcels `carried` into it."""
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

    @property
    def counts(self) -> Counts:
        """The row as it is to be kept."""
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
        """Parcels that may still be opened today."""
        return max(self.limits.ceiling(self.given) - self.views, 0)

    def locked(self) -> Refusal | None:
        """The refusal that an actor with too many refusals gets to everything."""
        if self.until is None:
            return None
        return Refusal(reason=Reason.LOCKED, retry_after=(self.until - milliseconds(self.now)) // 1000 + 1)

    def spend(self, duty: Duty, *, place: bool = True) -> Refusal | None:
        """Count a parcel that is about to be opened, or refuse; `place` unless nothing of it is shown, as for a call."""
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
        """Count a parcel that somebody else gave to this actor."""
        self.given += 1

    def hand_on(self) -> Refusal | None:
        """Count, for an outlet, a parcel that is given on after it was looked at; or refuse."""
        if self.views >= self.given * HANDED_ON_PERCENT // 100 + HANDED_ON_SPARE:
            left = _seconds_left(self.now, 24 * _HOUR, _CHINA_AHEAD)
            return Refusal(reason=Reason.TOO_MANY_HANDED_ON, retry_after=left)
        self.views += 1
        return None

    def refuse(self) -> None:
        """Count a refusal; the last one of the hour locks, and rings the alarm once."""
        self.refusals += 1
        if self.refusals >= self.limits.refusals and self.until is None:
            self.rang = True
            self.until = milliseconds(self.now + LOCK)

    def miss(self) -> None:
        """Count a refused preview: each tenth of an hour costs as much as one refusal."""
        self.missed += 1
        if self.missed % MISSES == 0:
            self.refuse()

    def list_refusal(self) -> bool:
        """Count a refusal that gets a leaf of its own; False where the actor has had enough of them this hour.

        Those that cost from the budget of refusals are bounded by the lock, and find room however many others there were.
        """
        room = self.listed < LISTED + self.refusals
        self.listed += room
        return room

    def count_refusals(self, many: int) -> int:
        """Count refusals without a leaf; how many the ledger is to be told of now, 0 while this minute has been told."""
        self.unlisted += many
        minute = milliseconds(self.now) // _MINUTE
        if not self.unlisted or self.told == minute:
            return 0
        telling, self.unlisted, self.told = self.unlisted, 0, minute
        return telling


def _window(stored: int, current: int) -> int:
    """The window that is counted in: one that another worker's clock has begun already is not left again."""
    return stored if stored == current + 1 else current


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds()) + 1


def _seconds_left(now: datetime, window: int, ahead: int = 0) -> int:
    """Seconds until the next window of so many milliseconds begins."""
    return (window - (milliseconds(now) + ahead) % window) // 1000 + 1
