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
        pace: the most parcels newly opened in ten minutes. A courier who plans a round opens as many as allowed at once,
            then delivers one parcel every half minute in a block of lockers.
        open_parcels: the most parcels opened today and not yet delivered, attempted or handed over.
        refusals: the number of refusals in an hour that locks the actor. Twenty wrong labels are a wrong sack, which is
            noticed after a few.
    """

    percent: int
    spare: int
    pace: int
    open_parcels: int
    refusals: int

    def opened_limit(self, assigned: int) -> int:
        """The most distinct parcels that may be opened on a day with `assigned` assigned ones."""
        return assigned * self.percent // 100 + self.spare


FULL: Final = Limits(percent=110, spare=5, pace=40, open_parcels=25, refusals=20)
"""For a device whose key was attested to be in hardware."""

HALF: Final = Limits(percent=105, spare=2, pace=20, open_parcels=12, refusals=10)
"""For a key that could be copied out of its device: about half of each limit, but still enough for the day's parcels."""

LIMITS: Final = {KeyProtection.NONE: FULL, KeyProtection.SOFTWARE: HALF, KeyProtection.HARDWARE: FULL}
"""The limits by attested level. `KeyProtection.NONE` has the full ones: without a device there is no key to copy."""


HANDED_ON_PERCENT, HANDED_ON_SPARE = 10, 25
"""How many parcels an outlet may reassign in a day after a first courier opened them: a tenth of all it assigns, plus the
number that one courier can have opened and not finished. Further ones must come back to the counter and be scanned in."""

LISTED: Final = 1000
"""How many refusals of an actor get their own leaf in an hour, in addition to those that count towards a lock. It is enough
to name each label of a merchant's folder that is printed twice, and keeps a program in a loop from filling the disk."""


MISSES: Final = 10
"""How many refused previews count as one refusal. They show nothing, and a clerk may meet a sack of another outlet. So a
person who guesses numbers by previews is locked, with an alarm, after ten times as many."""


REPEATS: Final = 1000
"""How many acts in ten minutes may repeat an earlier one: open, scan, assign or print a parcel again, amend an order again,
preview a label, change a shift. Each of them leaves a leaf for ever, and none of them is bounded by the number of parcels."""

CORRECTIONS: Final = 20_000
"""How many orders a merchant may correct again in ten minutes: a corrected file holds as many orders as the first one did."""


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

    Attributes:
        day: the day in China that `assigned_today` and `opened_today` belong to, as a number since 1970.
        assigned_today: parcels that others assigned to this actor; for an outlet, parcels that it assigned.
        opened_today: parcels opened; for an outlet, parcels that it reassigned after they were opened.
        ten_minute_window: the ten minutes that `opened_in_window` belongs to, as a number since 1970.
        opened_in_window: parcels newly opened.
        hour: the hour that the counts of refusals belong to, as a number since 1970.
        refusals: refusals that count towards a lock.
        locked_until: when a lock ends, in milliseconds since 1970.
        last_summary_minute: the minute in which the ledger last got a count of refusals, as a number since 1970.
        unreported_refusals: refusals without a leaf of their own that the ledger has no count of yet.
        recorded_refusals: refusals of this hour that got a leaf of their own.
        refused_previews: refused previews of this hour.
        repeats_in_window: acts in the ten minutes that repeated an earlier one.
    """

    actor: str
    day: int = 0
    assigned_today: int = 0
    opened_today: int = 0
    ten_minute_window: int = 0
    opened_in_window: int = 0
    hour: int = 0
    refusals: int = 0
    locked_until: int | None = None
    last_summary_minute: int = 0
    unreported_refusals: int = 0
    recorded_refusals: int = 0
    refused_previews: int = 0
    repeats_in_window: int = 0


class CountedDuty(NamedTuple):
    """The part of an open assignment that a budget needs.

    Times are milliseconds since 1970.

    Attributes:
        opened_at: when the parcel was last counted as opened.
        counted_since: since when it counts as open and unfinished, None if it does not.
    """

    id: bytes
    opened_at: int | None
    counted_since: int | None


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

    Opening a parcel again costs nothing but one of `REPEATS`.

    Attributes:
        before: the counts as they were loaded.
        carried_over: the number of parcels whose duty lasts into a new day.
        open_parcels: the number of parcels that count as open and unfinished.
        newly_opened: the ids of the duties opened in this batch, and whether each now counts as open and unfinished.
        alarm_raised: whether a refusal of this batch locked the actor.
    """

    before: Counts
    now: datetime
    limits: Limits = FULL
    hours: Hours = ALWAYS
    carried_over: int = 0
    open_parcels: int = 0
    day: int = field(init=False)
    ten_minute_window: int = field(init=False)
    hour: int = field(init=False)
    assigned_today: int = field(init=False)
    opened_today: int = field(init=False)
    opened_in_window: int = field(init=False)
    refusals: int = field(init=False)
    locked_until: int | None = field(init=False)
    unreported_refusals: int = field(init=False)
    recorded_refusals: int = field(init=False)
    last_summary_minute: int = field(init=False)
    refused_previews: int = field(init=False)
    repeats_in_window: int = field(init=False)
    began: int = field(init=False)
    newly_opened: dict[bytes, bool] = field(init=False, default_factory=dict)
    alarm_raised: bool = field(init=False, default=False)

    def __post_init__(self) -> None:
        """Reset the counts of past windows. A new day starts with the `carried_over` parcels."""
        old, at = self.before, milliseconds(self.now)
        self.day = _window(old.day, day_number(self.now))
        self.ten_minute_window = _window(old.ten_minute_window, at // _TENTH)
        self.hour = _window(old.hour, at // _HOUR)
        same = self.day == old.day
        self.assigned_today, self.opened_today = (
            (old.assigned_today, old.opened_today) if same else (self.carried_over, 0)
        )
        same_window = self.ten_minute_window == old.ten_minute_window
        self.opened_in_window, self.repeats_in_window = (
            (old.opened_in_window, old.repeats_in_window) if same_window else (0, 0)
        )
        self.refusals = old.refusals if self.hour == old.hour else 0
        self.locked_until = old.locked_until if old.locked_until and at < old.locked_until <= at + 2 * _HOUR else None
        self.recorded_refusals = old.recorded_refusals if self.hour == old.hour else 0
        self.refused_previews = old.refused_previews if self.hour == old.hour else 0
        self.unreported_refusals, self.last_summary_minute = old.unreported_refusals, old.last_summary_minute
        self.began = self.refusals

    @property
    def counts(self) -> Counts:
        """The row to write back."""
        return Counts(
            actor=self.before.actor,
            day=self.day,
            assigned_today=self.assigned_today,
            opened_today=self.opened_today,
            ten_minute_window=self.ten_minute_window,
            opened_in_window=self.opened_in_window,
            hour=self.hour,
            refusals=self.refusals,
            locked_until=self.locked_until,
            last_summary_minute=self.last_summary_minute,
            unreported_refusals=self.unreported_refusals,
            recorded_refusals=self.recorded_refusals,
            refused_previews=self.refused_previews,
            repeats_in_window=self.repeats_in_window,
        )

    @property
    def remaining(self) -> int:
        """How many parcels may still be opened today."""
        return max(self.limits.opened_limit(self.assigned_today) - self.opened_today, 0)

    def locked(self) -> Refusal | None:
        """The refusal that a locked actor gets for every request, None if the actor isn't locked."""
        if self.locked_until is None:
            return None
        return Refusal(reason=Reason.LOCKED, retry_after=(self.locked_until - milliseconds(self.now)) // 1000 + 1)

    def try_open(self, duty: CountedDuty, *, shown: bool = True) -> Refusal | None:
        """Count a parcel that is about to be opened, or refuse. `shown=False` if nothing of it is shown, as for a call."""
        wait = self.hours.wait(self.now)
        if wait:
            return Refusal(reason=Reason.OFF_HOURS, retry_after=wait)
        since = midnight(self.now)
        again = duty.id in self.newly_opened
        fresh = not again and (duty.opened_at is None or duty.opened_at < since)
        counts = (
            shown and not self.newly_opened.get(duty.id) and (duty.counted_since is None or duty.counted_since < since)
        )
        if fresh and not self.remaining:
            return Refusal(
                reason=Reason.DAILY_BUDGET_SPENT, retry_after=_seconds_left(self.now, 24 * _HOUR, _CHINA_AHEAD)
            )
        if counts and self.open_parcels >= self.limits.open_parcels:
            return Refusal(reason=Reason.TOO_MANY_UNFINISHED)
        if fresh and self.opened_in_window >= self.limits.pace:
            return Refusal(reason=Reason.TOO_FAST, retry_after=_seconds_left(self.now, _TENTH))
        if not fresh and not counts:
            return self.try_repeat()
        self.opened_today += fresh
        self.opened_in_window += fresh
        self.open_parcels += counts
        self.newly_opened[duty.id] = counts or self.newly_opened.get(duty.id, False)
        return None

    def try_repeat(self, most: int = REPEATS) -> Refusal | None:
        """Count an act that was done to the same parcel before, or that no parcel bounds, or refuse beyond `most`."""
        if self.repeats_in_window >= most:
            return Refusal(reason=Reason.TOO_FAST, retry_after=_seconds_left(self.now, _TENTH))
        self.repeats_in_window += 1
        return None

    def record_assignment(self) -> None:
        """Count a parcel that another person assigned to this actor."""
        self.assigned_today += 1

    def try_reassign(self) -> Refusal | None:
        """Count, for an outlet, a parcel that is reassigned after it was opened, or refuse."""
        if self.opened_today >= self.assigned_today * HANDED_ON_PERCENT // 100 + HANDED_ON_SPARE:
            left = _seconds_left(self.now, 24 * _HOUR, _CHINA_AHEAD)
            return Refusal(reason=Reason.TOO_MANY_HANDED_ON, retry_after=left)
        self.opened_today += 1
        return None

    def record_refusal(self) -> None:
        """Count a refusal. The one that reaches the hour's limit locks the actor and raises one alarm."""
        self.refusals += 1
        if self.refusals >= self.limits.refusals and self.locked_until is None:
            self.alarm_raised = True
            self.locked_until = milliseconds(self.now + LOCK)

    def record_refused_preview(self) -> None:
        """Count a refused preview. Every tenth one in an hour also counts as a refusal."""
        self.refused_previews += 1
        if self.refused_previews % MISSES == 0:
            self.record_refusal()

    def claim_refusal_leaf(self) -> bool:
        """Count a refusal that should get its own leaf. False if the actor already has the most for this hour.

        Refusals that count towards a lock are bounded by it, so they always get a leaf.
        """
        room = self.recorded_refusals < LISTED + self.refusals
        self.recorded_refusals += room
        return room

    def count_without_leaf(self, many: int, *, at_once: bool = False) -> int:
        """Count refusals that get no leaf of their own. Returns the count to write to the ledger now, at most once a minute.

        `at_once` ignores the minute where this batch counts towards the lock, which bounds how often that is.
        """
        self.unreported_refusals += many
        minute = milliseconds(self.now) // _MINUTE
        is_due = self.last_summary_minute != minute or (at_once and self.refusals != self.began)
        if not self.unreported_refusals or not is_due:
            return 0
        summary, self.unreported_refusals, self.last_summary_minute = self.unreported_refusals, 0, minute
        return summary


def _window(stored: int, current: int) -> int:
    """The current window. If another worker's clock is ahead and has opened the next one, stay in that."""
    return stored if stored == current + 1 else current


def _seconds(span: timedelta) -> int:
    return int(span.total_seconds()) + 1


def _seconds_left(now: datetime, window: int, ahead: int = 0) -> int:
    """Seconds until the next window of `window` milliseconds begins."""
    return (window - (milliseconds(now) + ahead) % window) // 1000 + 1
