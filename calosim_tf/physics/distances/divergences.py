"""Distances of one-dimensional samples: Kullback-Leibler, Jensen-Shannon, Wasserstein, Kolmogorov-Smirnov.

Errors come from bin counts redrawn 200 times from a multinomial law, which is what drawing showers with replacement
does to them.
"""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.physics.distances.histograms import redrawn_counts

# Our choice (Jeffreys' prior): keeps the logarithm of a bin that one sample leaves empty finite
KL_PSEUDO_COUNT = 0.5
# Bins of the pooled sample, equally filled, in which the errors of unbinned distances are drawn
FINE_BINS = 100


def kl_divergence(counts: np.ndarray, reference_counts: np.ndarray) -> np.ndarray | float:
    """D(reference || generated) = sum p ln(p / q) in nats of histograms along the last axis.

    Half a count is added to every bin of both, so the value is finite and depends on the number of showers.

    Parameters
    ----------
    counts, reference_counts : ndarray, shape (..., b)
    """
    q, p = (_shares(np.asarray(c, dtype=np.float64) + KL_PSEUDO_COUNT) for c in (counts, reference_counts))
    return np.sum(p * np.log(p / q), axis=-1)


def js_divergence(counts: np.ndarray, reference_counts: np.ndarray) -> np.ndarray | float:
    """Jensen-Shannon divergence in nats of histograms along the last axis: 0 for equal ones, ln 2 at most.

    Parameters
    ----------
    counts, reference_counts : ndarray, shape (..., b)
        Raw counts; an empty and a filled histogram have nothing in common and give ln 2.
    """
    q, p = (_shares(np.asarray(c, dtype=np.float64)) for c in (counts, reference_counts))
    middle = 0.5 * (p + q)
    value = 0.5 * (_relative_entropy(p, middle) + _relative_entropy(q, middle))
    return np.where(p.any(axis=-1) != q.any(axis=-1), math.log(2), value)[()]


def _shares(counts: np.ndarray) -> np.ndarray:
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=np.zeros_like(counts), where=total > 0)


def _relative_entropy(p: np.ndarray, q: np.ndarray) -> np.ndarray:
    ratio = np.divide(p, q, out=np.ones(np.broadcast_shapes(p.shape, q.shape)), where=(p > 0) & (q > 0))
    return np.sum(p * np.log(ratio), axis=-1)


def wasserstein_and_ks(
    values: np.ndarray, reference: np.ndarray, rng: np.random.Generator
) -> tuple[tuple[float, float], tuple[float, float]]:
    """First Wasserstein distance in standard deviations of the reference, and the Kolmogorov-Smirnov distance.

    Parameters
    ----------
    values, reference : ndarray, shape (n,), (m,)
    rng : numpy.random.Generator

    Returns
    -------
    wasserstein, ks : tuple of float
        Value and error; the values are exact, the errors are drawn in 100 equally filled bins.
        NaN for Wasserstein if the reference does not vary.
    """
    pooled = np.sort(np.concatenate([values, reference]))
    # distribution functions at each value, exact: their largest distance, and the area between them
    apart = np.abs(_distribution(values, pooled) - _distribution(reference, pooled))
    ks, area = float(apart.max()), float(apart[:-1] @ np.diff(pooled))
    width = float(reference.std())
    edges = np.unique(np.quantile(pooled, np.linspace(0, 1, FINE_BINS + 1)))
    if len(edges) < 2:
        return (math.nan, math.nan), (ks, 0.0)
    drawn = [redrawn_counts(np.histogram(sample, bins=edges)[0], rng) for sample in (values, reference)]
    made, real = (np.cumsum(counts, axis=1) / counts.sum(axis=1, keepdims=True) for counts in drawn)
    drawn_apart = np.abs(made - real)
    ks_error = float(np.std(drawn_apart.max(axis=1)))
    if width == 0:
        return (math.nan, math.nan), (ks, ks_error)
    return (area / width, float(np.std(drawn_apart @ np.diff(edges))) / width), (ks, ks_error)


def _distribution(sample: np.ndarray, at: np.ndarray) -> np.ndarray:
    return np.searchsorted(np.sort(sample), at, side="right") / len(sample)
