"""Pearson correlations of the layer energies (CaloChallenge)."""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.physics.distances.frechet import resampled_moments
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.shower_shapes import ONE_LAYER
from calosim_tf.physics.metrics.statistics import BOOTSTRAP_ERROR, THRESHOLD
from calosim_tf.physics.observables.bootstrap import BOOTSTRAP_RESAMPLES
from calosim_tf.physics.observables.shower_shapes import layer_energies

LEAST_SHOWERS = 20
# Numbers whose spread is below this share of the largest one differ by rounding; so do draws, against their sample
LEAST_SPREAD = 1e-12


def pearson_matrix(values: np.ndarray) -> np.ndarray:
    """Correlations of the columns, shape (d, d); NaN for a column that does not vary.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    """
    least = (LEAST_SPREAD * np.abs(values).max(axis=0)) ** 2
    return _correlation(np.atleast_2d(np.cov(values, rowvar=False)), least)


def _correlation(covariance: np.ndarray, least_variance: np.ndarray) -> np.ndarray:
    """From covariances (..., d, d); NaN for variances that are not above ``least_variance``, shape (d,)."""
    variance = np.diagonal(covariance, axis1=-2, axis2=-1)
    varies = np.isfinite(variance) & (variance > np.maximum(least_variance, np.finfo(np.float64).tiny))
    width = np.sqrt(np.where(varies, variance, 0.0))
    scale = width[..., :, None] * width[..., None, :]
    return np.divide(covariance, scale, out=np.full(covariance.shape, np.nan), where=scale > 0)


def _correlations(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    layer_ids = comparison.reference.layers_with("energy_thresholded")
    if len(layer_ids) < 2:
        return {"": Measured.missing(ONE_LAYER)}
    energies = [layer_energies(sample) for sample in (comparison.generated, comparison.reference)]
    matrices = [pearson_matrix(values) for values in energies]
    sizes = [np.full(BOOTSTRAP_RESAMPLES, len(values)) for values in energies]
    drawn = [
        _correlation(resampled_moments(values, size, rng)[1], LEAST_SPREAD * values.var(axis=0))
        for values, size in zip(energies, sizes, strict=True)
    ]
    above = np.triu_indices(len(layer_ids), 1)
    difference = (matrices[0] - matrices[1])[above]
    drawn_difference = (drawn[0] - drawn[1])[:, above[0], above[1]]
    known = np.isfinite(difference)
    if not known.any():
        return {"": Measured.missing("no two layers vary")}
    value = _root_mean_square(difference[known])
    draws = _root_mean_square(drawn_difference[:, known])
    # a layer that few showers reach does not vary in every draw
    draws = draws[np.isfinite(draws)]
    error = draws.std() if len(draws) else math.nan
    names = ("matrix", "reference_matrix")
    extra = {name: _plain(matrix) for name, matrix in zip(names, matrices, strict=True)} | {
        "layer_ids": list(layer_ids)
    }
    return {"": Measured(value, float(error), extra=extra)}


def _root_mean_square(values: np.ndarray) -> np.ndarray | float:
    return np.sqrt(np.mean(values**2, axis=-1))


def _plain(matrix: np.ndarray) -> list[list[float | None]]:
    return [[round(float(x), 6) if math.isfinite(x) else None for x in row] for row in matrix]


CORRELATION_METRICS = (
    Metric(
        "layer_correlation_difference",
        "1",
        _correlations,
        "Root mean square difference of the Pearson correlations of layer energies, over all pairs of layers that vary;"
        f" both matrices stand beside it. {THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_SHOWERS,
    ),
)
