"""Products of two, three and four features of each shower (numpy only).

Features lie along the first axis and showers along the last, so that products are of numbers that lie side by side.
"""

from __future__ import annotations

import math

import numpy as np

# Showers at a time, 8 MB of pairs of 30 features
BLOCK = 2048


def pair_products(features: np.ndarray) -> np.ndarray:
    """Products of pairs in the order of ``np.triu_indices``: shape (d (d + 1) / 2, n) of features (d, n)."""
    d, n = features.shape
    pairs = np.empty((d * (d + 1) // 2, n))
    first = 0
    for i in range(d):
        np.multiply(features[i], features[i:], out=pairs[first : first + d - i])
        first += d - i
    return pairs


def mean_moments(sample: np.ndarray) -> tuple[np.ndarray, ...]:
    """Mean moments of order 1 to 4; pairs of features once each, weighted so that scalar products are right.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
    """
    n, d = sample.shape
    root = np.where(np.equal(*np.triu_indices(d)), 1.0, math.sqrt(2.0))
    second, third, fourth = np.zeros(len(root)), np.zeros((len(root), d)), np.zeros((len(root), len(root)))
    for start in range(0, n, BLOCK):
        block = sample[start : start + BLOCK]
        pairs = pair_products(np.ascontiguousarray(block.T))
        second += pairs.sum(axis=1)
        third += pairs @ block
        fourth += pairs @ pairs.T
    weighted = (second * root, third * root[:, None], fourth * root * root[:, None])
    return sample.mean(axis=0), *(moment / n for moment in weighted)
