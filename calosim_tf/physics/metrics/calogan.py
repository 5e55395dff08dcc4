"""CaloGAN's shower-shape variables as metrics (authors' analysis code; arXiv:1705.02355, section 4)."""

from __future__ import annotations

import numpy as np

from calosim_tf.physics.distances.histograms import linear_edges, separation_with_error
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Measured, Metric
from calosim_tf.physics.metrics.statistics import (
    BOOTSTRAP_ERROR,
    MEAN_ERROR,
    NO_THRESHOLD,
    mean_with_error,
    ratio_with_error,
)
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.calogan_variables import calogan_variables

NEEDS = frozenset({"calogan"})
# Our choice: the paper shows these variables as histograms without a number
SEPARATION_BINS = 50
# Takes whole numbers only: one bin each
DEEPEST_LAYER = "deepest_layer"


def variable_edges(name: str, reference: np.ndarray) -> np.ndarray:
    """Bins of one variable: 50 between the reference's extremes, beyond which the end bins are open.

    Parameters
    ----------
    name : str
        Key of :func:`calosim_tf.physics.papers.calogan_variables.calogan_variables`.
    reference : ndarray, shape (n,)
    """
    if name == DEEPEST_LAYER:
        inner = np.array([0.5, 1.5])
    else:
        low, high = float(reference.min()), float(reference.max())
        inner = linear_edges(SEPARATION_BINS, low, high if high > low else low + 1.0)[1:-1]
    return np.concatenate([[-np.inf], inner, [np.inf]])


def _variables(sample: Sample) -> dict[str, np.ndarray]:
    return calogan_variables(sample.showers.showers_mev[sample.rows])


def _separations(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    generated, reference = _variables(comparison.generated), _variables(comparison.reference)
    found = {
        name: Measured(*separation_with_error(generated[name], values, variable_edges(name, values), rng))
        for name, values in reference.items()
    }
    mean = float(np.mean([item.value for item in found.values()]))
    # the variables are correlated: the largest error of all that their mean could have
    return {"": Measured(mean, float(np.mean([item.error for item in found.values()]))), **found}


def _mean_ratios(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    generated, reference = _variables(comparison.generated), _variables(comparison.reference)
    return {
        name: ratio_with_error(*mean_with_error(generated[name]), *mean_with_error(values))
        for name, values in reference.items()
    }


CALOGAN_METRICS = (
    Metric(
        "separation_calogan",
        "1",
        _separations,
        f"Separation power of CaloGAN's shower shapes, mean and per variable, {SEPARATION_BINS} bins between the"
        f" reference's extremes with open ends. {NO_THRESHOLD} {BOOTSTRAP_ERROR} That of the mean takes the variables"
        " as fully correlated.",
        ideal=0.0,
        needs=NEEDS,
        detector_specific=True,
    ),
    Metric(
        "calogan_mean_ratio",
        "1",
        _mean_ratios,
        f"Mean of each of CaloGAN's shower shapes, generated over reference. {NO_THRESHOLD} {MEAN_ERROR}",
        ideal=1.0,
        needs=NEEDS,
        detector_specific=True,
    ),
)
