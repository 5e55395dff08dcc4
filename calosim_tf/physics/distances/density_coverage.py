"""Precision, recall, density and coverage from nearest neighbours.

Naeem et al., "Reliable fidelity and diversity metrics for generative models" (ICML 2020); precision and recall after
Kynkaanniemi et al. (2019).  Every point of a sample has a ball that reaches to its k-th nearest neighbour in the same
sample, itself not counted:

* precision: share of the evaluated points inside some ball of the reference;
* recall: share of the reference points inside some ball of the evaluated sample;
* density: mean number of balls of the reference around an evaluated point, over k (may exceed 1);
* coverage: share of the balls of the reference with an evaluated point inside.

A point on the surface of a ball is outside.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import ConfigError, DataError

N_NEIGHBOURS = 5
# Rows of distances at a time: with 10 000 points on the other side 10 MB in single precision, near the processor
BLOCK = 256
# Steps in which a row of distances is looked through for its smallest ones
STRIPS = 64


@dataclass(frozen=True)
class DensityCoverage:
    """The four numbers, each with the standard error of the mean over the points it averages.

    The errors hold the other sample, with its balls, fixed: they are lower bounds.
    """

    precision: float
    recall: float
    density: float
    coverage: float
    precision_error: float
    recall_error: float
    density_error: float
    coverage_error: float
    n_reference: int
    n_evaluated: int
    n_neighbours: int


def density_coverage(
    reference: np.ndarray,
    evaluated: np.ndarray,
    n_neighbours: int = N_NEIGHBOURS,
    dtype: type = np.float64,
    overwrite: bool = False,
) -> DensityCoverage:
    """Compare an evaluated sample with a reference by Euclidean distance.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
        One row per shower; the columns are taken as they are.
    n_neighbours : int
    dtype : type
        Of the distances; single precision takes half of the time.
    overwrite : bool
        The memory of samples of this type may be used: no copies are made.

    Raises
    ------
    ConfigError
        If ``n_neighbours`` is below 1.
    DataError
        If a sample has no ``n_neighbours`` neighbours, or the columns differ.
    """
    if n_neighbours < 1:
        raise ConfigError(f"density and coverage: found {n_neighbours} neighbours, expected 1 or more")
    samples = [np.asarray(sample, dtype=dtype) for sample in (reference, evaluated)]
    for sample in samples:
        if sample.ndim != 2 or sample.shape[1] != samples[0].shape[1] or len(sample) <= n_neighbours:
            raise DataError(
                f"density and coverage: found samples of shape {samples[0].shape} and {samples[1].shape}, expected the"
                f" same columns and more than {n_neighbours} showers"
            )
    # distances come from scalar products, which lose digits far away from the origin
    centre = samples[0].mean(axis=0, dtype=np.float64).astype(dtype)
    real, made = (np.subtract(sample, centre, out=sample if overwrite else None) for sample in samples)
    real_radius, made_radius = (_squared_radius(sample, n_neighbours) for sample in (real, made))
    balls_around = np.zeros(len(made))
    covered, recalled = np.zeros(len(real), dtype=bool), np.zeros(len(real), dtype=bool)
    for rows, squared in _squared_distances(real, made):
        inside = squared < real_radius[rows, None]
        balls_around += inside.sum(axis=0)
        covered[rows] = inside.any(axis=1)
        recalled[rows] = (squared < made_radius).any(axis=1)
    terms = (balls_around > 0, recalled, balls_around / n_neighbours, covered)
    return DensityCoverage(
        *(float(np.mean(term)) for term in terms),
        *(float(np.std(term, ddof=1) / math.sqrt(len(term))) for term in terms),
        n_reference=len(real),
        n_evaluated=len(made),
        n_neighbours=n_neighbours,
    )


def _squared_distances(rows_of: np.ndarray, columns_of: np.ndarray) -> Iterator[tuple[slice, np.ndarray]]:
    """Blocks of rows with their squared distances to all of ``columns_of``; each block takes the memory of the last."""
    memory = np.empty((BLOCK, len(columns_of)), dtype=columns_of.dtype)
    squared_norm = np.einsum("ij,ij->i", columns_of, columns_of)
    for start in range(0, len(rows_of), BLOCK):
        rows = slice(start, min(start + BLOCK, len(rows_of)))
        block = rows_of[rows]
        # in place: these matrices are larger than the innermost caches
        squared = np.matmul(-2 * block, columns_of.T, out=memory[: len(block)])
        squared += squared_norm
        squared += np.einsum("ij,ij->i", block, block)[:, None]
        yield rows, np.maximum(squared, 0.0, out=squared)


def _squared_radius(sample: np.ndarray, n_neighbours: int) -> np.ndarray:
    """Squared distance of each point to its ``n_neighbours``-th nearest other point, shape (n,)."""
    radius = np.empty(len(sample), dtype=sample.dtype)
    for rows, squared in _squared_distances(sample, sample):
        inner = np.arange(rows.start, rows.stop)
        squared[inner - rows.start, inner] = np.inf
        radius[rows] = _kth_smallest(squared, n_neighbours)
    return radius


def _kth_smallest(values: np.ndarray, k: int) -> np.ndarray:
    """The ``k``-th smallest number of each row, shape (n,).

    Every ``width``-th number is one class.  The k smallest numbers are in the k classes with the smallest minima, which
    are found several times faster than the numbers themselves.

    Parameters
    ----------
    values : ndarray, shape (n, m)
    k : int
        At most m.
    """
    width = values.shape[1] // STRIPS
    if width < k:
        return np.partition(values, k - 1, axis=1)[:, k - 1]
    classes = values[:, : STRIPS * width].reshape(len(values), STRIPS, width)
    nearest = np.argpartition(classes.min(axis=1), k - 1, axis=1)[:, :k]
    inside = np.take_along_axis(classes, nearest[:, None, :], axis=2).reshape(len(values), -1)
    candidates = np.concatenate([inside, values[:, STRIPS * width :]], axis=1)
    return np.partition(candidates, k - 1, axis=1)[:, k - 1]
