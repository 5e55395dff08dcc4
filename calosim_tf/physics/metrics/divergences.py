"""Kullback-Leibler, Jensen-Shannon, Wasserstein and Kolmogorov-Smirnov distances of every high-level feature."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np

from calosim_tf.physics.distances.divergences import js_divergence, kl_divergence, wasserstein_and_ks
from calosim_tf.physics.distances.histograms import distance_with_error, response_edges
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.layer_shapes import layer_edges, thresholded_response
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import BOOTSTRAP_ERROR, THRESHOLD, MetricFunction
from calosim_tf.physics.observables.bootstrap import bootstrap_rng

LEAST_SHOWERS = 100
_AXES = ("eta", "phi", "r", "x", "y")
QUANTITIES = ("energy_thresholded", "sparsity", *(f"{kind}_{x}" for kind in ("centre", "width") for x in _AXES))
RESPONSE = "e_tot_over_e_inc"


def observables(comparison: Comparison) -> Iterator[tuple[str, np.ndarray, np.ndarray, np.ndarray]]:
    """Name, generated values, reference values and official bins of each high-level feature."""
    samples = (comparison.generated, comparison.reference)
    generated, reference = (thresholded_response(sample) for sample in samples)
    detector = comparison.reference.showers.detector
    yield RESPONSE, generated, reference, response_edges(detector, comparison.energy_mev, reference)
    for quantity in QUANTITIES:
        for layer_id in comparison.reference.layers_with(quantity):
            values = (sample.layer(quantity, layer_id) for sample in samples)
            name = f"{quantity.removesuffix('_thresholded')}_layer_{layer_id}"
            yield name, *values, layer_edges(comparison, quantity, layer_id)


def _with_mean(found: dict[str, Measured]) -> dict[str, Measured]:
    """The single distances and in front of them their mean, as if fully correlated; NaN ones are left out of it."""
    defined = [item for item in found.values() if math.isfinite(item.value)]
    if not defined:
        return {"": Measured.missing("no feature of the reference varies")}
    mean, error = (float(np.mean([getattr(item, key) for item in defined])) for key in ("value", "error"))
    return {"": Measured(mean, error), **found}


def _binned(distance) -> MetricFunction:
    def measured(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
        found = {}
        for name, generated, reference, edges in observables(comparison):
            counts = (np.histogram(values, bins=edges)[0] for values in (generated, reference))
            found[name] = Measured(*distance_with_error(distance, *counts, rng))
        return _with_mean(found)

    return measured


def _unbinned(comparison: Comparison) -> tuple[dict[str, Measured], dict[str, Measured]]:
    wasserstein, ks = {}, {}
    # a separate stream, so that neither metric depends on which of them was requested
    rng = bootstrap_rng(len(comparison.generated), len(comparison.reference))
    for name, generated, reference, _ in observables(comparison):
        first, second = wasserstein_and_ks(generated, reference, rng)
        constant = "" if math.isfinite(first[0]) else "the reference has a single value"
        wasserstein[name], ks[name] = Measured(*first, reason=constant), Measured(*second)
    return wasserstein, ks


def _of_unbinned(index: int) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        return _with_mean(comparison.shared("unbinned", lambda: _unbinned(comparison))[index])

    return measured


def _metric(name: str, function: MetricFunction, about: str) -> Metric:
    return Metric(
        name,
        "1",
        function,
        f"{about} of each high-level feature, and their mean. {THRESHOLD} {BOOTSTRAP_ERROR} That of the mean takes the"
        " features as fully correlated.",
        ideal=0.0,
        scopes=(OVERALL,),
        least=LEAST_SHOWERS,
    )


DIVERGENCE_METRICS = (
    _metric(
        "kl_divergence",
        _binned(kl_divergence),
        "Kullback-Leibler divergence D(reference || generated) in nats, official bins, half a count added to each bin,",
    ),
    _metric(
        "js_divergence", _binned(js_divergence), "Jensen-Shannon divergence in nats (at most ln 2), official bins,"
    ),
    _metric("wasserstein", _of_unbinned(0), "First Wasserstein distance in standard deviations of the reference"),
    _metric("ks_statistic", _of_unbinned(1), "Kolmogorov-Smirnov distance"),
)
