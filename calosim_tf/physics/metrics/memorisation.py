"""Memorisation: do generated showers lie nearer to the training sample than real showers do?"""

from __future__ import annotations

import math
from hashlib import blake2b

import numpy as np

from calosim_tf.data.schema import ShowerSet, holdout_rows
from calosim_tf.physics.distances.nearest_neighbours import (
    SUSPICIOUS_QUANTILE,
    Memorisation,
    in_blocks,
    memorisation,
    nearest,
    per_incident_energy,
)
from calosim_tf.physics.metrics.comparison import Comparison
from calosim_tf.physics.metrics.metric import OVERALL, Measured, Metric
from calosim_tf.physics.metrics.statistics import MetricFunction, binomial_error
from calosim_tf.physics.observables.bootstrap import bootstrap_rng
from calosim_tf.physics.observables.sample import Sample

# Generated showers looked up, our choice; each is compared with all training showers
LOOKED_UP = 2_000
# Equal showers of reference and training sample beyond which the reference cannot be held out
MOST_SHARED = 0.005
# Showers read at a time for their keys
KEY_ROWS = 1_000
# Voxels of the showers that are looked up, 320 MB in double precision
MOST_VOXELS = 40_000_000


def _distances(sample: Sample, training: ShowerSet, rows: np.ndarray) -> np.ndarray:
    """Distance of each shower to the nearest training shower, in units of the incident energy."""
    blocks = (
        per_incident_energy(training.showers_mev[block], training.incident_energy_mev[block])
        for block in in_blocks(rows, training.detector.n_voxels)
    )
    return nearest(per_incident_energy(sample.voxels_mev(), sample.incident_mev), blocks).distance


def _memorisation(comparison: Comparison) -> Memorisation | str:
    """The test, or why it is not possible.

    Without known training showers one half of the reference replaces them, and the other half for held-out showers: a
    generator that was trained on the reference is detected as well.
    """
    reference = comparison.reference
    if comparison.training is not None:
        training, rows, held_out = comparison.training, np.arange(len(comparison.training)), reference
    else:
        first = holdout_rows(reference.incident_mev, 0.5)
        training, rows = reference.showers, reference.rows[first]
        held_out = reference.take(np.flatnonzero(~first))
    most = min(LOOKED_UP, MOST_VOXELS // training.detector.n_voxels)
    # an empty shower is no copy of another
    samples = [sample.take(np.flatnonzero(sample.total_mev > 0.0)) for sample in (comparison.generated, held_out)]
    if not all(len(sample) for sample in samples):
        return "all showers of a sample are empty"
    generated, real = (_distances(sample.at_most(most), training, rows) for sample in samples)
    if np.mean(real == 0) > MOST_SHARED:
        return f"{100 * np.mean(real == 0):.1f} % of the reference showers are training showers: none are held out"
    return memorisation(generated, real, bootstrap_rng(len(generated), len(real)))


def _metric_function(value: str, error: str, expected: str | None = None) -> MetricFunction:
    def measured(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
        found = comparison.shared("memorisation", lambda: _memorisation(comparison))
        if isinstance(found, str):
            return {"": Measured.missing(found)}
        extra = {"n_held_out": found.n_held_out, "training_known": comparison.training is not None}
        total = getattr(found, error)
        if expected is not None:
            total = math.hypot(total, getattr(found, expected))
        number = getattr(found, value)
        return {"": Measured(number, total, extra=extra, reason="" if math.isfinite(number) else "distances of 0")}

    return measured


def shower_keys(showers_mev: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """A number per shower that two showers share only if all their voxels are equal, shape (n,); 0 for an empty one.

    Parameters
    ----------
    showers_mev : ndarray, shape (m, n_voxels)
    rows : ndarray of int, shape (n,)
        Take these.
    """
    keys = np.zeros(len(rows), dtype=np.uint64)
    for first in range(0, len(rows), KEY_ROWS):
        part = slice(first, first + KEY_ROWS)
        block = np.ascontiguousarray(showers_mev[rows[part]], dtype=np.float32)
        digests = [blake2b(row.tobytes(), digest_size=8).digest() for row in block]
        keys[part] = np.where(block.any(axis=1), np.frombuffer(b"".join(digests), dtype=np.uint64), 0)
    return keys


def _keys_of(sample: Sample) -> np.ndarray:
    if "keys" not in sample.whole:
        everything = np.arange(len(sample.showers))
        sample.whole["keys"] = shower_keys(sample.showers.showers_mev, everything)
    return sample.whole["keys"][sample.rows]


def _copies(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    made, known = _keys_of(comparison.generated), _keys_of(comparison.reference)
    if comparison.training is not None:
        training = comparison.training
        known = np.concatenate([known, shower_keys(training.showers_mev, np.arange(len(training)))])
    _, place, counts = np.unique(made, return_inverse=True, return_counts=True)
    copied = (made != 0) & ((counts[place] > 1) | np.isin(made, known))
    n, count = len(made), int(np.count_nonzero(copied))
    return {"": Measured(count / n, binomial_error(count, n), extra={"copies": count})}


_WORDS = (
    "Distance of a shower to the nearest training shower, 2-norm of the voxels over the incident energy; training"
    " showers are those of the run or of --training, else one half of the reference stands for them and the other half"
    f" for held-out ones. At most {LOOKED_UP} showers that are not empty. No voxel threshold."
)

MEMORISATION_METRICS = (
    Metric(
        "exact_copies",
        "1",
        _copies,
        "Share of generated showers with all voxels equal to those of another generated, a reference or a known"
        " training shower; empty showers are none. Error: binomial.",
        ideal=0.0,
        scopes=(OVERALL,),
    ),
    Metric(
        "nearest_training_ratio",
        "1",
        _metric_function("ratio", "ratio_error"),
        f"{_WORDS} Median of the generated showers over that of held-out real ones: far below 1 for copies. Error:"
        " bootstrap over both.",
        ideal=1.0,
        scopes=(OVERALL,),
        least=100,
        most=LOOKED_UP,
    ),
    Metric(
        "nearest_training_below",
        "1",
        _metric_function("fraction_below", "fraction_below_error", "expected_fraction_error"),
        f"{_WORDS} Share of generated showers nearer than the nearest {100 * SUSPICIOUS_QUANTILE:g} % of held-out real"
        " ones. Error: binomial, and that of the quantile.",
        ideal=SUSPICIOUS_QUANTILE,
        scopes=(OVERALL,),
        least=1000,
        most=LOOKED_UP,
    ),
)
