"""Computes how many numbers a carrier needs, and when the present ones run out. Pure arithmetic over days."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

HEADROOM = 1.2
"""The factor above the expected need: demand varies by day, and a lease from an almost empty pool is hardly random."""

HORIZON = 365
"""The number of days that are computed ahead."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Demand:
    """The demand for numbers.

    Attributes:
        daily: parcels a day.
        peak: the factor on the busiest days of a sale. They are assumed to last as long as a slot is away.
        days: days from checkout to signature, on average.
        rest: days of cool-down.
        unprinted: share of orders that are cancelled before their label is printed. Their slots skip the cool-down.
        digits: length of the extensions.
    """

    daily: int
    peak: float = 1.0
    days: float = 4.0
    rest: float = 7.0
    unprinted: float = 0.02
    digits: int = 4

    @property
    def away(self) -> float:
        """Days that a slot is away, from one lease to the next, on average."""
        return self.days + self.rest * (1 - self.unprinted)

    @property
    def slots(self) -> int:
        """Slots needed."""
        return math.ceil(self.daily * self.peak * self.away * HEADROOM)

    @property
    def main_numbers(self) -> int:
        """Main numbers needed, with every extension of each."""
        return math.ceil(self.slots / float(10**self.digits))

    @property
    def low_water(self) -> int:
        """Free slots below which it is time to order more: two days' parcels."""
        return math.ceil(self.daily * self.peak * 2)


def runs_dry(demand: Demand, free: int, leased: int, cooling: int) -> int | None:
    """The number of days until the pool is empty, None if it is not within `HORIZON`.

    Slots that are leased or cooling today are assumed to become free evenly, over their time away and over their cool-down.
    """
    back: list[float] = [0.0] * (HORIZON + math.ceil(demand.days + demand.rest) + 2)
    _spread(back, leased, demand.days + demand.rest)
    _spread(back, cooling, demand.rest)
    need = demand.daily * demand.peak
    left = float(free)
    for day in range(HORIZON):
        left += back[day] - need
        if left < 0:
            return day
        back[day + max(1, round(demand.days + demand.rest))] += need * (1 - demand.unprinted)
        back[day + max(1, round(demand.days))] += need * demand.unprinted
    return None


def _spread(back: list[float], many: int, days: float) -> None:
    span = max(1, math.ceil(days))
    for day in range(1, span + 1):
        back[day] += many / span
