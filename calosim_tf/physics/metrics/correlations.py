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


def pearson_matrix(values: np.ndarray) -> np.ndarray:
    """Correlations of the columns, shape (d, d); NaN for a column that does not vary.

    Parameters
    ----------
    values : ndarray, shape (n, d)
    """
    return _correlation(np.atleast_2d(np.cov(values, rowvar=False)))


def _correlation(covariance: np.ndarray) -> np.ndarray:
    # a variance of nearly nothing may be rounded below 0
    width = np.sqrt(np.maximum(np.diagonal(covariance, axis1=-2, axis2=-1), 0.0))
    scale = width[..., :, None] * width[..., None, :]
    return np.divide(covariance, scale, out=np.full(covariance.shape, np.nan), where=scale > 0)


def _correlations(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    layer_ids = comparison.reference.layers_with("energy_thresholded")
    if len(layer_ids) < 2:
        return {"": Measured.missing(ONE_LAYER)}
    energies = [layer_energies(sample) for sample in (comparison.generated, comparison.reference)]
    matrices = [pearson_matrix(values) for values in energies]
    sizes = [np.full(BOOTSTRAP_RESAMPLES, len(values)) for values in energies]
    drawn = [_correlation(resampled_moments(*pair, rng)[1]) for pair in zip(energies, sizes, strict=True)]
    above = np.triu_indices(len(layer_ids), 1)
    difference = (matrices[0] - matrices[1])[above]
    drawn_difference = (drawn[0] - drawn[1])[:, above[0], above[1]]
    known = np.isfinite(difference)
    if not known.any():
        return {"": Measured.missing("no two layers vary")}
    value = _root_mean_square(difference[known])
    error = np.nanstd(_root_mean_square(drawn_difference[:, known]))
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
