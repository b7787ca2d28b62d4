"""How a figure is measured here, so that it can't flatter.

All sides alternate in one run, in an order that turns, each for a slice of about 10 ms of processor time; the figure is
the median of the rounds' ratios, with the 10th and 90th percentile next to it. One side runs a second time as its own
control: where that ratio leaves 0.85 to 1.15 the figure is not resolved, and its value is null.
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

SLICE = 0.01
"""Seconds of processor time that one side runs in one round."""
ROUNDS = 60
RESOLVED = (0.85, 1.15)

Side = Callable[[], object]
Clock = Callable[[], float]


def ratio(figure: str, top: Side, bottom: Side, *, rounds: int = ROUNDS, clock: Clock = time.process_time) -> None:
    """Print time(top) / time(bottom): how much slower `top` is, or how much faster `bottom`.

    Where another process does the work, as a database server does, the clock is `time.perf_counter`.
    """
    tops, bottoms, agains = _rounds([top, bottom, bottom], rounds, clock)
    _print(figure, [a / b for a, b in zip(tops, bottoms, strict=True)], _control(bottoms, agains), "ratio")


def rate(figure: str, side: Side, units: int, unit: str, *, rounds: int = ROUNDS) -> None:
    """Print how many units a second of one core `side` does, if one call does `units`. Digits of this machine only."""
    once, again = _rounds([side, side], rounds, time.process_time)
    _print(figure, [units / seconds for seconds in once], _control(once, again), unit)


def once(figure: str, value: float, unit: str) -> None:
    """Print a figure that was measured once, on something too long to repeat. Digits of this machine only."""
    line = {"bench": Path(sys.argv[0]).stem, "figure": figure, "value": _short(value), "unit": unit}
    print(json.dumps(line), flush=True)


def _rounds(sides: list[Side], rounds: int, clock: Clock) -> list[list[float]]:
    """Seconds a call, by side and round."""
    calls = [_calls(side, clock) for side in sides]
    seconds: list[list[float]] = [[0.0] * rounds for _ in sides]
    for turn in range(rounds):
        for step in range(len(sides)):
            place = (turn + step) % len(sides)
            seconds[place][turn] = _time(sides[place], calls[place], clock)
    return seconds


def _calls(side: Side, clock: Clock) -> int:
    """How many calls fill a slice."""
    calls = 1
    while (spent := _time(side, calls, clock) * calls) < SLICE / 2:
        calls = max(calls * 2, int(calls * SLICE / max(spent, 1e-6) / 2))
    return max(1, round(calls * SLICE / spent))


def _time(side: Side, calls: int, clock: Clock) -> float:
    start = clock()
    for _ in range(calls):
        side()
    return (clock() - start) / calls


def _control(once: list[float], again: list[float]) -> float:
    return statistics.median(a / b for a, b in zip(once, again, strict=True))


def _print(figure: str, values: list[float], control: float, unit: str) -> None:
    deciles = statistics.quantiles(values, n=10)
    resolved = RESOLVED[0] <= control <= RESOLVED[1]
    line = {
        "bench": Path(sys.argv[0]).stem,
        "figure": figure,
        "value": _short(statistics.median(values)) if resolved else None,
        "low": _short(deciles[0]),
        "high": _short(deciles[-1]),
        "control": _short(control),
        "unit": unit,
    }
    print(json.dumps(line), flush=True)


def _short(number: float) -> float:
    return float(f"{number:.4g}")
