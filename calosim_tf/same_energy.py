"""When two incident energies are the same one, and when a set of them is a list of energies rather than a spectrum."""

from __future__ import annotations

import numpy as np

# float32 rounds an energy by up to 6e-8 of itself, other programs (logarithms and back, GeV and back) by some 1e-7;
# neighbouring energies of any real list differ by far more
TOLERANCE = 1e-5
# Results are shown energy by energy up to this many; more are cut into ranges
MOST_LISTED = 64


def same_energy(one: np.ndarray | float, other: np.ndarray | float) -> np.ndarray | bool:
    """Whether energies above 0, in any unit, differ by no more than rounding."""
    return np.abs(one - other) <= TOLERANCE * np.maximum(one, other)


def within(energy: np.ndarray, low: float, high: float) -> np.ndarray:
    """Mask of the energies from ``low`` to ``high``, where an end that only rounding leaves outside counts as inside.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Of any array library; arguments share a unit.
    low, high : float
        At least 0, or infinite.
    """
    return (energy >= low * (1 - TOLERANCE)) & (energy <= high * (1 + TOLERANCE))


def one_value_each(energy: np.ndarray) -> np.ndarray:
    """Energies of a list without what rounding has made of them; those of a spectrum as they are.

    Parameters
    ----------
    energy : ndarray, shape (n,)
        Numbers above 0.

    Returns
    -------
    ndarray of float64, shape (n,)
        Of values that are the same energy, the most frequent one (the lowest of several).
    """
    energy = np.asarray(energy, dtype=np.float64).reshape(-1)
    found = _list_of(energy)
    return energy if found is None else found[0][found[1]]


def listed_energies(energy: np.ndarray, most: int = MOST_LISTED) -> np.ndarray | None:
    """The distinct energies of a list, ascending, float64; None for a spectrum, or a list of more than ``most``.

    Energies are a list if they come again: at least half of the showers share theirs with another, and each is well
    apart from the next.  A few showers of a spectrum are few energies, and no list.

    Parameters
    ----------
    energy : ndarray, shape (n,), n > 0
        Numbers above 0.
    most : int
    """
    found = _list_of(np.asarray(energy, dtype=np.float64).reshape(-1))
    return None if found is None or len(found[0]) > most else found[0]


def _list_of(energy: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Distinct energies and the number of each shower's one; None for a spectrum."""
    values, of_value, counts = np.unique(energy, return_inverse=True, return_counts=True)
    starts = np.concatenate([[0], 1 + np.flatnonzero(~same_energy(values[1:], values[:-1]))])
    showers = np.add.reduceat(counts, starts)
    if len(starts) > 1 and 2 * showers[showers > 1].sum() < len(energy):
        return None
    lasts = np.concatenate([starts[1:], [len(values)]]) - 1
    if not same_energy(values[starts], values[lasts]).all():
        # neighbour after neighbour, and far apart in the end: a beam with a spread
        return None
    number = np.repeat(np.arange(len(starts)), lasts - starts + 1)
    # by energy, then from the most frequent value on
    order = np.lexsort((values, -counts, number))
    return values[order[starts]], number[of_value]
