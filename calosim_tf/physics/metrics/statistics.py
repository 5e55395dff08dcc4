"""Means, ratios and differences with errors: the building blocks of the simple metrics."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Measured

NO_THRESHOLD = "No voxel threshold."
THRESHOLD = "Voxels below the detector's threshold set to 0."
MEAN_ERROR = "Error: standard deviation over the square root of N."
BOOTSTRAP_ERROR = "Error: bootstrap over showers, 200 resamples."

MetricFunction = Callable[[Comparison, np.random.Generator], dict[str, Measured]]


def mean_with_error(values: np.ndarray) -> tuple[float, float]:
    """Mean and its standard error (NaN below 2 values)."""
    n = len(values)
    return float(values.mean()), float(values.std(ddof=1) / math.sqrt(n)) if n > 1 else math.nan


def binomial_error(count: int, n: int) -> float:
    """Error of ``count / n``, from (count + 1)/(n + 2), so that it is not 0 for none or all."""
    likely = (count + 1) / (n + 2)
    return math.sqrt(likely * (1 - likely) / n)


def ratio_with_error(value: float, error: float, reference: float, reference_error: float) -> Measured:
    """value / reference with the relative errors added in quadrature; no number if the reference is 0."""
    if reference == 0:
        return Measured.missing("the reference is 0")
    ratio = value / reference
    return Measured(ratio, math.hypot(error / reference, ratio * reference_error / reference))


def layer_mean_ratio(quantity: str) -> MetricFunction:
    """Metric function: mean of a quantity per layer, generated over reference."""

    def ratio(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        return {
            f"layer_{layer_id}": ratio_with_error(
                *mean_with_error(comparison.generated.layer(quantity, layer_id)),
                *mean_with_error(comparison.reference.layer(quantity, layer_id)),
            )
            for layer_id in comparison.reference.layers_with(quantity)
        }

    return ratio


def layer_mean_difference(quantity: str) -> MetricFunction:
    """Metric function: mean of a quantity per layer, generated minus reference."""

    def difference(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        result = {}
        for layer_id in comparison.reference.layers_with(quantity):
            generated, error = mean_with_error(comparison.generated.layer(quantity, layer_id))
            reference, reference_error = mean_with_error(comparison.reference.layer(quantity, layer_id))
            result[f"layer_{layer_id}"] = Measured(generated - reference, math.hypot(error, reference_error), reference)
        return result

    return difference
