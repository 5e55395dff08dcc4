"""Birthday-paradox estimate of how many different showers a sample is drawn from (Arora and Zhang, arXiv 1706.08224).

Of a uniform set of N showers, s draws hold at least one duplicate with probability 1/2 at N = s(s - 1)/(2 ln 2).
Showers have continuous energies, so duplicates have to be defined: pairs whose distance lies below a limit.  The limit
is chosen so that Monte Carlo itself has a given support size.  The result for a generator then says how much smaller or
larger its support is by the same rule, and depends on the rule.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

# Orders in which the showers are drawn: an error of 3 % of N
N_ORDERS = 2_000
# More duplicates than this among the few thousand showers that pairs are made of: batches of this many draws hold one
MANY_DUPLICATES, FIRST_DRAWS = 20_000, 100
# Groups of showers left out in turn for the error
JACKKNIFE_GROUPS = 20


@dataclass(frozen=True, eq=False)
class PairDistances:
    """Distances of pairs of showers of one sample.

    Attributes
    ----------
    pairs : ndarray of int, shape (p, 2)
        Places in the sample. Pairs that are not listed (other incident energies) are no duplicates.
    distance : ndarray, shape (p,)
        Any measure that is small for showers alike.
    n : int
        Showers of the sample.
    """

    pairs: np.ndarray
    distance: np.ndarray
    n: int

    def duplicates(self, limit: float) -> np.ndarray:
        """Pairs not further apart than ``limit``, shape (k, 2)."""
        return self.pairs[self.distance <= limit]


@dataclass(frozen=True)
class Support:
    """Estimated support.

    Attributes
    ----------
    size, error : float
        N and its error, from leaving out groups of showers; NaN without duplicates.
    half_batch : float
        Showers in a batch that holds a duplicate in half of the cases, the s of the formula.
    duplicates : int
        Duplicate pairs among all.
    """

    size: float
    error: float
    half_batch: float
    duplicates: int


def support_size(half_batch: float) -> float:
    """N = s(s - 1) / (2 ln 2) of a uniform support."""
    return half_batch * (half_batch - 1) / (2 * math.log(2))


def calibrated_limit(distances: PairDistances, size: float) -> float:
    """Limit below which a fraction 1/size of all pairs of the sample are duplicates, NaN if that is no pair.

    Parameters
    ----------
    distances : PairDistances
        Of Monte Carlo.
    size : float
        The support assigned to Monte Carlo.
    """
    wanted = round(distances.n * (distances.n - 1) / 2 / size)
    if wanted < 1 or wanted > len(distances.distance):
        return math.nan
    return float(np.partition(distances.distance, wanted - 1)[wanted - 1])


def support(duplicates: np.ndarray, n: int, rng: np.random.Generator) -> Support:
    """Support from the duplicate pairs of a sample.

    The showers are put into random orders, and the number of draws up to the first duplicate is counted.  Its median
    over 2000 orders is the batch that holds a duplicate with probability 1/2.

    Parameters
    ----------
    duplicates : ndarray of int, shape (k, 2)
        Places of the pairs.
    n : int
        Showers of the sample.
    rng : numpy.random.Generator
    """
    if len(duplicates) == 0:
        return Support(math.nan, math.nan, math.nan, 0)
    half_batch = float(np.median(_first_duplicates(duplicates, n, rng)))
    size = support_size(half_batch)
    return Support(size, size * _relative_error(duplicates, n), half_batch, len(duplicates))


def _first_duplicates(duplicates: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    """Draws up to and with the first that completes a duplicate, for each order: shape (2000,)."""
    if len(duplicates) <= MANY_DUPLICATES:
        places = (rng.permutation(n) for _ in range(N_ORDERS))
        return np.array([place[duplicates].max(axis=1).min() + 1 for place in places])
    # so many that the first few draws hold one
    alike = np.zeros((n, n), dtype=bool)
    alike[duplicates[:, 0], duplicates[:, 1]] = alike[duplicates[:, 1], duplicates[:, 0]] = True
    first = np.full(N_ORDERS, FIRST_DRAWS)
    for index in range(N_ORDERS):
        drawn = rng.permutation(n)[:FIRST_DRAWS]
        completed = np.triu(alike[np.ix_(drawn, drawn)], 1).any(axis=0)
        if completed.any():
            first[index] = completed.argmax() + 1
    return first


def _relative_error(duplicates: np.ndarray, n: int) -> float:
    """Relative error of the rate of duplicate pairs, by leaving out groups of showers, not below Poisson's."""
    group = np.arange(n) % JACKKNIFE_GROUPS
    in_group = np.bincount(group, minlength=JACKKNIFE_GROUPS)
    first, second = group[duplicates].T
    touched = np.bincount(first, minlength=JACKKNIFE_GROUPS) + np.bincount(
        second[first != second], minlength=JACKKNIFE_GROUPS
    )
    left = n - in_group
    rates = (len(duplicates) - touched) / (left * (left - 1) / 2)
    spread = math.sqrt((JACKKNIFE_GROUPS - 1) * np.var(rates)) / (len(duplicates) / (n * (n - 1) / 2))
    return max(spread, 1 / math.sqrt(len(duplicates)))
