"""Maximum mean discrepancies: kernel physics distance (KPD) and one with a Gaussian kernel.

    MMD^2 = mean_{i != j} k(x_i, x_j) + mean_{i != j} k(y_i, y_j) - 2 mean k(x_i, y_j)

is unbiased and may be negative.  KPD is that of the polynomial kernel (x.y / d + 1)^4 (Kansal et al., Phys. Rev. D 107,
076017; CaloChallenge): median and half of the central 68 % of ten draws of 10 000 showers.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.feature_products import mean_moments
from calosim_tf.physics.observables.high_level_features import scaled_by_reference

N_BATCHES, BATCH_SHOWERS = 10, 10_000
DEGREE = 4
# Up to here the moments of a batch are fewer operations than its pairs
MOST_FEATURES_FOR_MOMENTS = 48
CENTRAL_68 = (16.275, 83.725)
BLOCK = 1024
# Square blocks of the Gaussian kernel, 2 MB: small, because those on the diagonal are not halved
MMD_BLOCK = 512
# Showers from which the Gaussian kernel's width is taken
WIDTH_SHOWERS = 1_000

Kernel = Callable[[np.ndarray, np.ndarray], np.ndarray]


def kpd(
    reference: np.ndarray, evaluated: np.ndarray, rng: np.random.Generator, batch_showers: int = BATCH_SHOWERS
) -> tuple[float, float]:
    """KPD and its error; features are divided by the reference's largest absolute value first.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
    rng : numpy.random.Generator
        Draws the batches, with replacement.
    batch_showers : int
    """
    real, made = scaled_by_reference(reference, evaluated)
    values = []
    for _ in range(N_BATCHES):
        rows = [rng.integers(len(sample), size=batch_showers) for sample in (real, made)]
        values.append(drawn_mmd2((real, rows[0]), (made, rows[1])))
    low, high = np.percentile(values, CENTRAL_68)
    return float(np.median(values)), float(high - low) / 2


def polynomial_mmd2(first: np.ndarray, second: np.ndarray) -> float:
    """Unbiased MMD^2 with the kernel (x.y / d + 1)^4; parameters of shape (n, d), (m, d)."""
    return drawn_mmd2(*((sample, np.arange(len(sample))) for sample in (first, second)))


def drawn_mmd2(*drawn: tuple[np.ndarray, np.ndarray]) -> float:
    """:func:`polynomial_mmd2` of rows drawn from two samples.

    The kernel is a product of moments: sum_k C(4, k) <M_k(x), M_k(y)> / d^k, with the moment tensors M_k.  So the means
    over all pairs follow from the mean moments of each sample, and no matrix of pairs is needed; a row that was drawn
    several times is computed once.  With more than 48 features the pairs are cheaper.

    Parameters
    ----------
    *drawn : (ndarray of shape (n, d), ndarray of int of any length)
        Sample and rows, twice.
    """
    d = drawn[0][0].shape[1]
    if d > MOST_FEATURES_FOR_MOMENTS:
        return unbiased_mmd2(*(sample[rows] for sample, rows in drawn), lambda x, y: (x @ y.T / d + 1) ** DEGREE)
    counted = [(sample[kept], times) for sample, rows in drawn for kept, times in [np.unique(rows, return_counts=True)]]
    moments = [mean_moments(*pair) for pair in counted]
    means = {pair: _inner(moments[pair[0]], moments[pair[1]], d) for pair in ((0, 0), (1, 1), (0, 1))}
    value = -2 * means[0, 1]
    for index, (sample, times) in enumerate(counted):
        n = times.sum()
        itself = np.sum(times * (np.einsum("ij,ij->i", sample, sample) / d + 1) ** DEGREE)
        value += (n**2 * means[index, index] - itself) / (n * (n - 1))
    return float(value)


def _inner(first: tuple[np.ndarray, ...], second: tuple[np.ndarray, ...], d: int) -> float:
    """Mean of the kernel over all pairs of showers."""
    products = (1.0, *(float(np.vdot(a, b)) for a, b in zip(first, second, strict=True)))
    return sum(math.comb(DEGREE, order) * product / d**order for order, product in enumerate(products))


def unbiased_mmd2(first: np.ndarray, second: np.ndarray, kernel: Kernel) -> float:
    """Unbiased MMD^2 from all pairs, in blocks of rows.

    Parameters
    ----------
    first, second : ndarray, shape (n, d), (m, d)
    kernel : callable
        ``kernel(x, y)`` of shapes (a, d) and (b, d) gives (a, b).
    """
    value = -2 * sum(kernel(rows, second).sum() for rows in _blocks(first)) / (len(first) * len(second))
    for sample in (first, second):
        n = len(sample)
        total = 0.0
        for start, rows in enumerate(_blocks(sample)):
            block = kernel(rows, sample)
            total += block.sum() - np.trace(block, offset=start * BLOCK)
        value += total / (n * (n - 1))
    return float(value)


@dataclass(frozen=True)
class GaussianMmd:
    """Unbiased MMD^2 with its standard error, and the kernel's width sigma in k = exp(-|x - y|^2 / (2 sigma^2))."""

    value: float
    error: float
    width: float


def gaussian_mmd2(reference: np.ndarray, evaluated: np.ndarray, width: float | None = None) -> GaussianMmd:
    """Unbiased MMD^2 with a Gaussian kernel, on as many showers as the smaller sample has.

    The error is that of a U-statistic of h(i, j) = k(x_i, x_j) + k(y_i, y_j) - k(x_i, y_j) - k(x_j, y_i): 4/n of the
    variance of its row means' expectations, plus 2/n^2 of the mean of its squares.  Where the samples
    agree, it is up to twice too large.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
        The columns are taken as they are.
    width : float, optional
        Median distance of reference showers if not given.

    Raises
    ------
    DataError
        Fewer than 3 showers.
    """
    n = min(len(reference), len(evaluated))
    if n < 3:
        raise DataError(f"MMD: found {n} showers, expected at least 3")
    width = width or median_distance(reference)
    x, y = reference[:n], evaluated[:n]
    within = across = square_sum = 0.0
    row_sum = np.zeros(n)
    # h is symmetric: of each pair of blocks only one is computed, and counts twice
    starts = range(0, n, MMD_BLOCK)
    for rows, columns in itertools.combinations_with_replacement([slice(i, i + MMD_BLOCK) for i in starts], 2):
        times = 1 if rows == columns else 2
        same = _gaussian(x[rows], x[columns], width) + _gaussian(y[rows], y[columns], width)
        crossed = _gaussian(x[rows], y[columns], width), _gaussian(y[rows], x[columns], width)
        h = same - crossed[0] - crossed[1]
        across += crossed[0].sum() if rows == columns else crossed[0].sum() + crossed[1].sum()
        if rows == columns:
            within -= np.trace(same)
            np.fill_diagonal(h, 0.0)
        else:
            row_sum[columns] += h.sum(axis=0)
        within += times * same.sum()
        row_sum[rows] += h.sum(axis=1)
        square_sum += times * float(np.sum(h**2))
    pairs = n * (n - 1)
    mean_square = square_sum / pairs
    # the row means of n values vary by mean_square / n even where their expectations are equal
    variance_of_rows = max(np.var(row_sum / (n - 1), ddof=1) - mean_square / (n - 1), 0.0)
    variance = 4 / n * variance_of_rows + 2 / pairs * mean_square
    return GaussianMmd(float(within / pairs - 2 * across / n**2), float(math.sqrt(variance)), width)


def _gaussian(x: np.ndarray, y: np.ndarray, width: float) -> np.ndarray:
    squared = np.einsum("ij,ij->i", x, x)[:, None] + np.einsum("ij,ij->i", y, y) - 2 * x @ y.T
    return np.exp(np.maximum(squared, 0.0, out=squared) / (-2 * width**2))


def median_distance(sample: np.ndarray) -> float:
    """Median Euclidean distance of the first 1000 rows; 1 if that is 0."""
    rows = sample[:WIDTH_SHOWERS]
    squared = np.einsum("ij,ij->i", rows, rows)
    distances = squared[:, None] + squared - 2 * rows @ rows.T
    found = np.sqrt(np.maximum(distances[np.triu_indices(len(rows), 1)], 0.0))
    return float(np.median(found)) or 1.0


def _blocks(sample: np.ndarray) -> list[np.ndarray]:
    return [sample[start : start + BLOCK] for start in range(0, len(sample), BLOCK)]
