"""Metrics of observables of whole showers: separation powers, profiles, occupancy at several thresholds."""

from __future__ import annotations

import math

import numpy as np

from calosim_tf.physics.distances.histograms import linear_edges, separation_with_error, times_drawn
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import Measured, Metric
from calosim_tf.physics.metrics.statistics import BOOTSTRAP_ERROR, MEAN_ERROR, THRESHOLD, mean_with_error
from calosim_tf.physics.observables.shower_shapes import (
    LATERAL_RINGS,
    LATERAL_SHARE,
    SPARSITY_THRESHOLDS,
    VoxelPass,
    lateral_edges_mm,
    longitudinal_profiles,
    shower_shapes,
    voxel_pass,
)

SHAPE_BINS = 50
ONE_LAYER = "the detector has a single layer"


def shape_edges(name: str, reference: np.ndarray) -> np.ndarray:
    """Bins of an observable of :func:`shower_shapes`: 50 over the reference's central 99.8 %, end bins open.

    ``shower_maximum`` has one bin per layer.
    """
    if name == "shower_maximum":
        inner = np.arange(0.5, max(reference.max(), 1.0), 1.0)
    else:
        low, high = np.quantile(reference, (0.001, 0.999))
        inner = linear_edges(SHAPE_BINS, low, high if high > low else low + 1.0)[1:-1]
    return np.concatenate([[-np.inf], inner, [np.inf]])


def shapes_of_both(comparison: Comparison) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Observables of the generated and the reference showers, computed once."""
    return comparison.shared(
        "shower_shapes", lambda: tuple(shower_shapes(s) for s in (comparison.generated, comparison.reference))
    )


def _separations(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    generated, reference = shapes_of_both(comparison)
    found = {
        name: Measured(*separation_with_error(generated[name], values, shape_edges(name, values), rng))
        for name, values in reference.items()
    }
    mean = float(np.mean([item.value for item in found.values()]))
    # correlated observables: the largest error that their mean could have
    return {"": Measured(mean, float(np.mean([item.error for item in found.values()]))), **found}


def _passes(comparison: Comparison) -> tuple[VoxelPass, VoxelPass]:
    edges = lateral_edges_mm(comparison.reference)
    return comparison.shared(
        "voxel_pass", lambda: tuple(voxel_pass(s, edges) for s in (comparison.generated, comparison.reference))
    )


def profile_difference(generated: np.ndarray, reference: np.ndarray, rng: np.random.Generator) -> tuple[float, float]:
    """Half of the summed absolute difference of two mean profiles (0: equal, 1: disjoint) and its bootstrap error.

    Parameters
    ----------
    generated, reference : ndarray, shape (n, b), (m, b)
        Shares of each shower's energy.
    rng : numpy.random.Generator
    """
    means = [sample.mean(axis=0) for sample in (generated, reference)]
    drawn = [times_drawn(len(sample), rng) @ sample / len(sample) for sample in (generated, reference)]
    error = np.std(0.5 * np.abs(drawn[0] - drawn[1]).sum(axis=1))
    return float(0.5 * np.abs(means[0] - means[1]).sum()), float(error)


def _longitudinal(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    if len(comparison.reference.showers.detector.layers) < 2:
        return {"": Measured.missing(ONE_LAYER)}
    profiles = (longitudinal_profiles(s) for s in (comparison.generated, comparison.reference))
    return {"": Measured(*profile_difference(*profiles, rng))}


def _lateral(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    return {"": Measured(*profile_difference(*(found.lateral for found in _passes(comparison)), rng))}


def _occupancy(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    made, real = _passes(comparison)
    found = {}
    for column, threshold in enumerate(SPARSITY_THRESHOLDS):
        value, error = mean_with_error(made.occupancy[:, column])
        reference, reference_error = mean_with_error(real.occupancy[:, column])
        difference = Measured(value - reference, math.hypot(error, reference_error), reference)
        found[f"{threshold:.0f}_thresholds"] = difference
    return found


SHOWER_SHAPE_METRICS = (
    Metric(
        "separation_shower_shape",
        "1",
        _separations,
        "Separation power of observables of whole showers (response, hits, share of the hottest voxel, depth with its"
        f" width and skewness, shower maximum, lateral centre and width), mean and each: {SHAPE_BINS} bins over the"
        f" reference's central 99.8 % with open ends. {THRESHOLD} {BOOTSTRAP_ERROR} That of the mean takes them as"
        " fully correlated.",
        ideal=0.0,
    ),
    Metric(
        "longitudinal_profile_difference",
        "1",
        _longitudinal,
        f"Half of the summed difference of the mean shares of the layers: 0 equal, 1 disjoint. {THRESHOLD}"
        f" {BOOTSTRAP_ERROR}",
        ideal=0.0,
    ),
    Metric(
        "lateral_profile_difference",
        "1",
        _lateral,
        f"The same of the mean shares of {LATERAL_RINGS} rings around the axis up to the radius that holds"
        f" {100 * LATERAL_SHARE:.0f} % of the reference's energy, and one ring beyond. {THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=0.0,
    ),
    Metric(
        "occupancy_difference",
        "1",
        _occupancy,
        "Mean share of voxels at or above 1, 10, 100 and 1000 voxel thresholds, generated minus reference."
        f" {MEAN_ERROR}",
        ideal=0.0,
    ),
)
