"""Readings taken in turn, and their spread (no TensorFlow).

Absolute seconds on a shared machine drift by up to a factor of two.  Readings to be compared are therefore taken in
turn, round by round, and quoted as the median over rounds with its spread.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

WARM_UP = 2
# Calls shorter than this are repeated inside one reading
SHORTEST_READING_S = 0.02
# Threads of the previous way may still spin; without this pause they cost the next one up to half of its time
SETTLE_S = 0.01


def in_turn(ways: dict[str, Callable[[], float]], rounds: int, settle_s: float = 0.0) -> dict[str, list[float]]:
    """One reading of each way per round.

    Parameters
    ----------
    ways : dict
        Name -> something that gives a reading.
    rounds : int
    settle_s : float
        Pause before each reading, seconds.
    """
    readings: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            time.sleep(settle_s)
            readings[name].append(way())
    return readings


def repeated(call: Callable[[], object], warm_up: int = WARM_UP) -> Callable[[], float]:
    """Clock of a warm call: seconds per call, averaged over the calls of a reading."""

    def seconds(calls: int) -> float:
        start = time.perf_counter()
        for _ in range(calls):
            call()
        return time.perf_counter() - start

    seconds(warm_up)
    calls = max(1, round(SHORTEST_READING_S / seconds(1)))
    return lambda: seconds(calls) / calls


def spread(values: list[float]) -> dict[str, float]:
    """Median, minimum and maximum."""
    return {"median": statistics.median(values), "min": min(values), "max": max(values)}


def ratio_spread(numerator: list[float], denominator: list[float]) -> dict[str, float]:
    """Spread of the ratios of readings of the same round."""
    return spread([a / b for a, b in zip(numerator, denominator, strict=True)])
