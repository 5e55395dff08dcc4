"""Which network of a split makes a shower: ranges of incident energy, inclusive at both ends."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from calosim_tf.same_energy import within

# Ends in MeV, None for an open one
EnergyRange = tuple[float | None, float | None]


def closed(energy_range_mev: EnergyRange | None) -> tuple[float, float]:
    """Both ends as numbers, infinite where open; None is all energies."""
    low, high = energy_range_mev or (None, None)
    return float("-inf") if low is None else low, float("inf") if high is None else high


def route(ranges_mev: Sequence[EnergyRange], incident_energy_mev: Any, where: Callable[..., Any]) -> Any:
    """Number of the network of each shower, -1 for none; on a shared edge the later one, which is the upper.

    It only compares and chooses, so that the same lines serve arrays and the graph of an exported split.

    Parameters
    ----------
    ranges_mev : sequence of (float or None, float or None)
        Ascending.
    incident_energy_mev : ndarray or Tensor, shape (n,)
    where : callable
        ``numpy.where``, or ``tensorflow.where`` for a tensor.

    Returns
    -------
    ndarray or Tensor of integers, shape (n,)
    """
    number: Any = -1
    for index, (low, high) in enumerate(map(closed, ranges_mev)):
        number = where(within(incident_energy_mev, low, high), index, number)
    return number
