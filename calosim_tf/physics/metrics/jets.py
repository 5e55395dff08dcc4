"""Observables of jet images as metrics: separation powers and earth mover's distances per class (LAGAN's code)."""

from __future__ import annotations

import numpy as np

from calosim_tf.physics.distances.histograms import distance_with_error, linear_edges, separation_with_error
from calosim_tf.physics.metrics.calogan import variable_edges
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import BOOTSTRAP_ERROR
from calosim_tf.physics.observables.jets import OBSERVABLES
from calosim_tf.physics.observables.sample import Sample
from calosim_tf.physics.papers.jet_classes import CLASSES, observables_by_class

NEEDS = frozenset({"jets"})
EMD_BINS = 40  # authors' code
# Our choice: a few seconds
LISTED_JETS = 2_000
THRESHOLD = "Pixels below 0.001 GeV set to 0."

ByClass = dict[str, dict[str, np.ndarray]]


def earth_movers_distance(counts: np.ndarray, reference_counts: np.ndarray) -> np.ndarray | float:
    """Earth mover's distance of histograms of the same bins along the last axis, in bins.

    In one dimension it is the sum of |differences of the cumulative histograms|.
    """
    shares = [np.asarray(item, dtype=np.float64) for item in (counts, reference_counts)]
    first, second = (item / np.maximum(item.sum(axis=-1, keepdims=True), 1.0) for item in shares)
    return np.abs(np.cumsum(first - second, axis=-1)).sum(axis=-1)


def _both(comparison: Comparison) -> tuple[ByClass, ByClass]:
    def measure() -> tuple[ByClass, ByClass]:
        return _observables(comparison.generated), _observables(comparison.reference)

    return comparison.shared("jet_observables", measure)


def _observables(sample: Sample) -> ByClass:
    return observables_by_class(sample.showers.take(sample.at_most(LISTED_JETS).rows))


def _missing(*samples: ByClass) -> Measured | None:
    """Why there is no number, where a class is missing."""
    for name in CLASSES:
        if not all(len(sample[name][OBSERVABLES[0]]) for sample in samples):
            return Measured.missing(f"needs jets of both classes, found none of class {name}")
    return None


def _separations(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    generated, reference = _both(comparison)
    if missing := _missing(generated, reference):
        return {"": missing}
    found = {
        f"{name}_{observable}": Measured(
            *separation_with_error(generated[name][observable], values, variable_edges(observable, values), rng)
        )
        for name in CLASSES
        for observable, values in reference[name].items()
    }
    mean = float(np.mean([item.value for item in found.values()]))
    return {"": Measured(mean, float(np.mean([item.error for item in found.values()]))), **found}


def _distances(comparison: Comparison, rng: np.random.Generator) -> dict[str, Measured]:
    generated, reference = _both(comparison)
    if missing := _missing(generated, reference):
        return {"": missing}
    found = {}
    for observable in OBSERVABLES:
        by_class = []
        for name in CLASSES:
            samples = generated[name][observable], reference[name][observable]
            pooled = np.concatenate(samples)
            low, high = float(pooled.min()), float(pooled.max())
            edges = linear_edges(EMD_BINS, low, high if high > low else low + 1.0)
            counts = (np.histogram(values, edges)[0] for values in samples)
            by_class.append((*distance_with_error(earth_movers_distance, *counts, rng), name))
        value, error, worst = max(by_class)
        found[observable] = Measured(value, error, extra={"class": worst})
    return found


JET_METRICS = (
    Metric(
        "separation_jet",
        "1",
        _separations,
        "Separation power of jet mass, transverse momentum and tau_21 of each class, and their mean; bins between the"
        f" reference's extremes with open ends. {THRESHOLD} {BOOTSTRAP_ERROR} That of the mean takes them as fully"
        " correlated.",
        ideal=0.0,
        scopes=(OVERALL,),
        needs=NEEDS,
        detector_specific=True,
        most=LISTED_JETS,
    ),
    Metric(
        "emd_jet",
        "bins",
        _distances,
        f"Earth mover's distance of an observable, {EMD_BINS} bins of both samples together, larger one of the two"
        f" classes. {THRESHOLD} {BOOTSTRAP_ERROR}",
        ideal=0.0,
        scopes=(OVERALL,),
        needs=NEEDS,
        detector_specific=True,
        most=LISTED_JETS,
    ),
)
