"""How much one actor may see and how often one may be refused: counted in the act's own transaction.

For now one daily ceiling of distinct parcels, and an hourly one of refusals that locks the actor and raises an alarm.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import final

from masking.waybill import Refusal
from masking.world import CHINA, day_of

DAILY_PARCELS = 250
"""Distinct parcels that one actor may open in a day; a full van is about 150."""

HOURLY_REFUSALS = 20
"""Refusals in an hour after which the actor is locked until the hour has passed."""


def hour_of(now: datetime) -> str:
    """The hour that refusals are counted in, as 2026-11-24T08."""
    return now.astimezone(CHINA).strftime("%Y-%m-%dT%H")


@final
@dataclass(slots=True, kw_only=True)
class Tally:
    """One actor's counts while a batch is decided; the store locks the rows behind it, and writes them back.

    `seen` are the parcels already opened today: to open one again costs nothing.
    """

    views: int
    refusals: int
    seen: set[bytes]
    newly_seen: set[bytes] = field(default_factory=set)
    rang: bool = False

    def locked(self, now: datetime) -> Refusal | None:
        """The refusal that an actor with too many refusals gets to everything."""
        if self.refusals < HOURLY_REFUSALS:
            return None
        local = now.astimezone(CHINA)
        following = local.replace(minute=0, second=0, microsecond=0) + timedelta(hours=1)
        return Refusal(reason="locked", retry_after=int((following - local).total_seconds()) + 1)

    def spend(self, waybill: bytes, now: datetime) -> Refusal | None:
        """Count a parcel, or refuse because the day's ceiling is reached."""
        if waybill in self.seen:
            return None
        if self.views >= DAILY_PARCELS:
            local = now.astimezone(CHINA)
            midnight = local.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)
            return Refusal(reason="daily-budget-spent", retry_after=int((midnight - local).total_seconds()) + 1)
        self.views += 1
        self.seen.add(waybill)
        self.newly_seen.add(waybill)
        return None

    def refuse(self) -> None:
        """Count a refusal; reaching the ceiling rings the alarm once."""
        self.refusals += 1
        if self.refusals == HOURLY_REFUSALS:
            self.rang = True

    @property
    def remaining(self) -> int:
        """Parcels left today."""
        return DAILY_PARCELS - self.views


def spans(now: datetime) -> tuple[tuple[str, str], tuple[str, str]]:
    """The (kind, span) of the two counters."""
    return ("view", day_of(now)), ("refusal", hour_of(now))
