"""Frechet physics distance (FPD), Frechet distance of two Gaussians, and moments of many resamples at once.

Kansal et al., "Evaluating generative models in high energy physics" (Phys. Rev. D 107, 076017), as used by the
CaloChallenge: the Frechet distance between Gaussians fitted to the features of both samples is biased by about 1/N, so
it is measured for several N and extrapolated to infinite samples.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from calosim_tf.errors import DataError
from calosim_tf.physics.distances.feature_products import pair_products
from calosim_tf.physics.observables.high_level_features import scaled_by_reference

# CaloChallenge's evaluation and the defaults of the reference implementation
LEAST_SHOWERS, MOST_SHOWERS = 10_000, 50_000
N_SIZES, N_DRAWS = 10, 20
# Products of features held at a time, 64 MB
BLOCK_NUMBERS = 8_000_000


@dataclass(frozen=True)
class Fpd:
    """Extrapolated distance.

    Attributes
    ----------
    value : float
        Intercept of the fit in 1/N, not below 0.
    fit_error : float
        Of the intercept, from the scatter of the points around the line: what the reference implementation gives.
    error : float
        ``fit_error`` and in quadrature the spread of single draws at the smallest size, scaled to the number of showers
        at hand.  The fit alone ignores that all draws come from finite samples.
    """

    value: float
    fit_error: float
    error: float


def fpd(reference: np.ndarray, evaluated: np.ndarray, rng: np.random.Generator) -> Fpd:
    """FPD of two feature matrices; features are divided by the reference's largest absolute value first.

    Parameters
    ----------
    reference, evaluated : ndarray, shape (n, d), (m, d)
    rng : numpy.random.Generator

    Raises
    ------
    DataError
        A sample has fewer than 10 000 showers: the extrapolation would start outside of the data.
    """
    if min(len(reference), len(evaluated)) < LEAST_SHOWERS:
        raise DataError(f"FPD: found {len(reference)} and {len(evaluated)} showers, expected at least {LEAST_SHOWERS}")
    # integer sizes, evenly spaced in 1/N
    sizes = (1 / np.linspace(1 / LEAST_SHOWERS, 1 / MOST_SHOWERS, N_SIZES)).astype(int)
    moments = [
        resampled_moments(sample, np.repeat(sizes, N_DRAWS), rng)
        for sample in scaled_by_reference(reference, evaluated)
    ]
    draws = frechet_distance(*moments[0], *moments[1]).reshape(N_SIZES, N_DRAWS)
    value, fit_error = _intercept(1 / sizes, draws.mean(axis=1))
    spread = draws[0].std(ddof=1) * math.sqrt(LEAST_SHOWERS / min(len(reference), len(evaluated)))
    return Fpd(value, fit_error, math.hypot(fit_error, spread))


def resampled_moments(sample: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Mean and covariance of draws with replacement.

    A draw is a number of times for each row, so all draws are one product of matrices.

    Parameters
    ----------
    sample : ndarray, shape (n, d)
    sizes : ndarray of int, shape (k,)
        Rows per draw.
    rng : numpy.random.Generator

    Returns
    -------
    mean : ndarray, shape (k, d)
    covariance : ndarray, shape (k, d, d)
        Unbiased.
    """
    n, d = sample.shape
    times = np.stack([np.bincount(rng.integers(n, size=size), minlength=n) for size in sizes]).astype(np.float64)
    centre = sample.mean(axis=0)
    upper = np.triu_indices(d)
    first, second = np.zeros((len(sizes), d)), np.zeros((len(sizes), len(upper[0])))
    step = max(1, BLOCK_NUMBERS // len(upper[0]))
    for start in range(0, n, step):
        features = np.ascontiguousarray((sample[start : start + step] - centre).T)
        first += times[:, start : start + step] @ features.T
        second += times[:, start : start + step] @ pair_products(features).T
    mean = first / sizes[:, None]
    covariance = np.empty((len(sizes), d, d))
    covariance[:, upper[0], upper[1]] = second / sizes[:, None] - mean[:, upper[0]] * mean[:, upper[1]]
    covariance[:, upper[1], upper[0]] = covariance[:, upper[0], upper[1]]
    return mean + centre, covariance * (sizes / (sizes - 1))[:, None, None]


def frechet_distance(
    mean: np.ndarray, covariance: np.ndarray, other_mean: np.ndarray, other_covariance: np.ndarray
) -> np.ndarray | float:
    """Squared Frechet (2-Wasserstein) distance of Gaussians, |m1 - m2|^2 + Tr(C1 + C2 - 2 (C1 C2)^(1/2)).

    Parameters
    ----------
    mean, other_mean : ndarray, shape (..., d)
    covariance, other_covariance : ndarray, shape (..., d, d)

    Returns
    -------
    ndarray, shape (...), or float
    """
    root = _square_root(covariance)
    # C1 C2 and C1^(1/2) C2 C1^(1/2) have the same eigenvalues, and the latter is symmetric
    eigenvalues = np.linalg.eigvalsh(root @ other_covariance @ root)
    trace_of_root = np.sqrt(np.maximum(eigenvalues, 0.0)).sum(axis=-1)
    traces = np.trace(covariance, axis1=-2, axis2=-1) + np.trace(other_covariance, axis1=-2, axis2=-1)
    return np.sum((mean - other_mean) ** 2, axis=-1) + traces - 2 * trace_of_root


def _square_root(matrix: np.ndarray) -> np.ndarray:
    values, vectors = np.linalg.eigh(matrix)
    return (vectors * np.sqrt(np.maximum(values, 0.0))[..., None, :]) @ np.swapaxes(vectors, -1, -2)


def _intercept(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Intercept and its error of a straight line with intercept and slope of at least 0."""
    from scipy.optimize import curve_fit

    values, covariance = curve_fit(lambda x, intercept, slope: intercept + slope * x, x, y, bounds=(0, np.inf))
    return float(values[0]), float(math.sqrt(covariance[0, 0]))
