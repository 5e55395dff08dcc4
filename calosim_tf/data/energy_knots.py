"""Tables that follow the incident energy, up to the ends of its range (no TensorFlow)."""

from __future__ import annotations

import numpy as np

# Logarithms of energies nearer than this are one energy
ROUNDING = 1e-4


def to_the_ends(log_energy: np.ndarray, rows: np.ndarray, low: float, high: float) -> tuple[np.ndarray, np.ndarray]:
    """A table with knots at the ends of the range of energies, where its own do not reach them.

    Rows go on linearly, a positive number to no less than half of its last value.

    Parameters
    ----------
    log_energy : ndarray, shape (k,)
        Ascending, two at least; the middles of ranges, or single energies.
    rows : ndarray, shape (k, values)
    low, high : float
        ln of the lowest and of the highest energy.
    """
    knots, rows = np.asarray(log_energy, dtype=np.float64), np.asarray(rows, dtype=np.float64)
    # records round energies to 7 digits
    if low < knots[0] - ROUNDING:
        knots, rows = np.append(low, knots), np.vstack([_beyond(low, knots[:2], rows[:2]), rows])
    if high > knots[-1] + ROUNDING:
        knots, rows = np.append(knots, high), np.vstack([rows, _beyond(high, knots[:-3:-1], rows[:-3:-1])])
    return knots, rows


def _beyond(end: float, knots: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Row at ``end`` from the nearest and the second nearest one."""
    far = rows[0] + (rows[0] - rows[1]) * (end - knots[0]) / (knots[0] - knots[1])
    return np.where(rows[0] > 0.0, np.maximum(far, rows[0] / 2.0), far)
