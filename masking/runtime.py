"""The clock and the source of randomness, as an injected `World`.

A step reads the clock once a batch. Tests pass a `World` whose time they set. No other module of `masking` reads the time or
draws random bytes, which CI checks.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone
from functools import lru_cache

CHINA = timezone(timedelta(hours=8))
"""Days, weeks and shifts are counted in China's one time zone, which has no summer time."""
DAY = 24 * 3_600_000
"""A day in milliseconds."""
_AHEAD, _FIRST = 8 * 3_600_000, date(1970, 1, 1)


def day_of(moment: datetime) -> str:
    """The day in China of a moment, as 2026-11-24."""
    return day_at(milliseconds(moment))


def day_at(stored: int) -> str:
    """The day in China of a stored time, as 2026-11-24."""
    return _day((stored + _AHEAD) // DAY)


@lru_cache(maxsize=64)
def _day(since_1970: int) -> str:
    return (_FIRST + timedelta(days=since_1970)).isoformat()


def week_of(moment: datetime) -> str:
    """The ISO week of a moment, as 2026-W48."""
    year, week, _ = moment.astimezone(CHINA).isocalendar()
    return f"{year}-W{week:02}"


def milliseconds(moment: datetime) -> int:
    """A moment in UTC milliseconds since 1970, as the store holds it."""
    return int(moment.timestamp() * 1000)


def moment(stored: int) -> datetime:
    """A stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(stored / 1000, UTC)


SET_BACK = timedelta(hours=25)
"""A clock that is behind the last known moment by up to this was set back. One further behind was far ahead before, and is
taken as right now."""


class SteadyClock:
    """A clock that never goes back, neither behind its own past readings nor behind a known moment.

    If the machine's clock is set back, this clock runs on and stays ahead until the machine's clock catches up. So
    expiries, budgets and the order of leaves aren't disturbed. If the machine's clock is set ahead, this one follows.
    """

    def __init__(self, now: Callable[[], datetime], ticks: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ticks = ticks
        self._last = (now(), ticks())

    def not_before(self, known: datetime) -> None:
        """Never go behind a moment that has passed, such as the time of the ledger's last checkpoint."""
        now = self()
        if now < known <= now + SET_BACK:
            self._last = (known, self._ticks())

    @property
    def ahead(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return self() - self._now()

    def __call__(self) -> datetime:
        """The current time, in whole milliseconds."""
        before, at = self._last
        ticks = self._ticks()
        passed = timedelta(milliseconds=int((ticks - at) * 1000))
        now = self._now()
        if now < before + passed:
            return before + passed
        self._last = (now, ticks)
        return now


def _utc_now() -> datetime:
    now = datetime.now(UTC)
    return now.replace(microsecond=now.microsecond // 1000 * 1000)  # so that an answer and the stored time are equal


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The clock and the source of randomness.

    Attributes:
        now: returns the current time as an aware UTC datetime.
        entropy: `entropy(n)` returns n random bytes that are fit for keys.
    """

    now: Callable[[], datetime] = _utc_now
    entropy: Callable[[int], bytes] = os.urandom

    def record_id(self, now: datetime, *, rank: int | None = None) -> bytes:
        """Make a 16-byte record id: 48 bits of milliseconds, then 80 random bits. A `rank` replaces 16 of those.

        Ids are time-ordered, because ordered inserts into a B-tree are 2 to 9 times faster than random ones. An id reveals
        when it was made, so label codes encrypt it (FORMAT.md section 4). A rank keeps the records of one batch in order.
        Ids that others see have no rank, since it would reveal how many records there were.
        """
        time = milliseconds(now).to_bytes(6, "big")
        return time + (self.entropy(10) if rank is None else rank.to_bytes(2, "big") + self.entropy(8))
