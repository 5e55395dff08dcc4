"""Products of two, three and four features of each shower (numpy only).

Features lie along the first axis and showers along the last, so that products are of numbers that lie side by side.
"""

from __future__ import annotations

import math
from functools import cache

import numpy as np

# Showers at a time, 8 MB of pairs of 30 features
BLOCK = 2048
# Second features whose pairs are multiplied with others together: fewer at a time are slow, more do work twice
GROUP = 8


def pair_products(features: np.ndarray) -> np.ndarray:
    """Products of pairs in the order of ``np.triu_indices``: shape (d (d + 1) / 2, n) of features (d, n)."""
    d, n = features.shape
    pairs = np.empty((d * (d + 1) // 2, n))
    first = 0
    for i in range(d):
        np.multiply(features[i], features[i:], out=pairs[first : first + d - i])
        first += d - i
    return pairs


def mean_moments(sample: np.ndarray, times: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean moments of order 1 to 4, weighted so that scalar products are those of the whole tensors.

    Of the products that are equal by symmetry few are computed: of order 4 half of what pairs times pairs would give.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
    times : ndarray, shape (n,)
        How often each row counts.
    """
    d = sample.shape[1]
    root = np.where(np.equal(*np.triu_indices(d)), 1.0, math.sqrt(2.0))
    first, second, third = np.zeros(d), np.zeros(len(root)), np.zeros((len(root), d))
    fourth = [np.zeros(factors.shape) for _, _, factors in _quadruples(d)]
    for start in range(0, len(sample), BLOCK):
        features, weights = np.ascontiguousarray(sample[start : start + BLOCK].T), times[start : start + BLOCK]
        pairs = pair_products(features)
        # the same pairs in the order of their second feature, each row as often as it counts
        weighted = features * weights
        by_second = np.concatenate([features[: j + 1] * weighted[j] for j in range(d)])
        first += weighted.sum(axis=1)
        second += pairs @ weights
        third += pairs @ weighted.T
        for into, (rows, columns, _) in zip(fourth, _quadruples(d), strict=True):
            into += by_second[rows] @ pairs[columns].T
    fourth = [total * factors for total, (_, _, factors) in zip(fourth, _quadruples(d), strict=True)]
    of_order = (first, second * root, third * root[:, None], np.concatenate([part.reshape(-1) for part in fourth]))
    return tuple(moment / times.sum() for moment in of_order)


@cache
def _quadruples(d: int) -> list[tuple[slice, slice, np.ndarray]]:
    """Products of pairs that hold every four of ``d`` features: i <= j of a pair, k <= l of another with k not below
    the lowest j of its group.

    Returns
    -------
    list of (rows, columns, factors)
        Rows of the pairs by their second feature, of the pairs by their first, and the square root of how many entries
        of the tensor each product stands for, over how often it is computed.
    """
    j, i = np.tril_indices(d)
    k, m = np.triu_indices(d)
    parts, keys = [], []
    for lowest in range(0, d, GROUP):
        rows = slice(int(np.searchsorted(j, lowest)), int(np.searchsorted(j, lowest + GROUP)))
        columns = slice(int(np.searchsorted(k, lowest)), len(k))
        parts.append((rows, columns))
        both = [np.broadcast_to(x[rows, None], (rows.stop - rows.start, len(k) - columns.start)) for x in (i, j)]
        both += [np.broadcast_to(x[columns], both[0].shape) for x in (k, m)]
        keys.append(np.sort(np.stack(both), axis=0).reshape(4, -1))
    four = np.concatenate(keys, axis=1)
    _, inverse, computed = np.unique(np.ravel_multi_index(four, (d,) * 4), return_inverse=True, return_counts=True)
    # 4! orders over those of equal features: lengths of runs in the sorted four
    run = np.ones(four.shape[1])
    orders = np.full(four.shape[1], 24.0)
    for place in range(1, 4):
        run = np.where(four[place] == four[place - 1], run + 1, 1)
        orders /= run
    factors = np.split(np.sqrt(orders / computed[inverse]), np.cumsum([key.shape[1] for key in keys])[:-1])
    return [
        (rows, columns, values.reshape(rows.stop - rows.start, -1))
        for (rows, columns), values in zip(parts, factors, strict=True)
    ]
