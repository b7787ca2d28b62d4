"""The only clock and the only dice.

Steps take a `World` and ask it once a batch; tests pass one whose hands they move. Nothing else in `masking` reads the
time or draws randomness, and a contract in CI sees to it.
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
_AHEAD, _DAY, _FIRST = 8 * 3_600_000, 24 * 3_600_000, date(1970, 1, 1)


def day_of(moment: datetime) -> str:
    """The trade's day of a moment, as 2026-11-24."""
    return _day((milliseconds(moment) + _AHEAD) // _DAY)


@lru_cache(maxsize=64)
def _day(since_1970: int) -> str:
    return (_FIRST + timedelta(days=since_1970)).isoformat()


def week_of(moment: datetime) -> str:
    """The ISO week of a moment, as 2026-W48."""
    year, week, _ = moment.astimezone(CHINA).isocalendar()
    return f"{year}-W{week:02}"


def milliseconds(moment: datetime) -> int:
    """A moment as the store keeps it: UTC milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def moment(stored: int) -> datetime:
    """A stored time as an aware UTC datetime."""
    return datetime.fromtimestamp(stored / 1000, UTC)


SET_BACK = timedelta(hours=25)
"""A clock that is behind by no more was set back; one that is behind by more was far ahead once, and is right now."""


class SteadyClock:
    """A clock that is never behind the time that has passed since it was last asked, nor behind a moment that is known.

    Where the machine's clock is set back, lives, budgets and the order of leaves go on as if it had not been: a service is
    ahead of its machine's clock until it catches up. A clock that is set ahead is followed.
    """

    def __init__(self, now: Callable[[], datetime], ticks: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._ticks = ticks
        self._last = (now(), ticks())

    def not_before(self, known: datetime) -> None:
        """Go on from a moment that has been already, such as that of the ledger's last checkpoint."""
        now = self()
        if now < known <= now + SET_BACK:
            self._last = (known, self._ticks())

    @property
    def ahead(self) -> timedelta:
        """How far this clock is ahead of the machine's."""
        return self() - self._now()

    def __call__(self) -> datetime:
        """The present, in whole milliseconds."""
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
    return now.replace(microsecond=now.microsecond // 1000 * 1000)  # what is answered at once is what is kept


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """Time and chance, injected.

    Attributes:
        now: gives the present as an aware UTC datetime.
        entropy: gives that many random bytes, fit for keys.
    """

    now: Callable[[], datetime] = _utc_now
    entropy: Callable[[int], bytes] = os.urandom

    def record_id(self, now: datetime, *, rank: int | None = None) -> bytes:
        """A new 16-byte record id: 48 bits of milliseconds, then 80 random bits; 16 of them give way to a `rank`.

        Time-ordered, because inserts in order are 2 to 9 times faster in a B-tree than random ones. Whoever sees an id
        learns the minute it was made; that is why label codes encrypt it (FORMAT.md section 4). A rank keeps what one
        batch records in its order; ids that others see have none, since it would tell how much there was.
        """
        time = milliseconds(now).to_bytes(6, "big")
        return time + (self.entropy(10) if rank is None else rank.to_bytes(2, "big") + self.entropy(8))
