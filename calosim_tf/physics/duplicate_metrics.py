"""Showers that are equal to the last bit: a generator with a small memory, or a file in which something was copied."""

from __future__ import annotations

import hashlib
import math

import numpy as np

from calosim_tf.physics.comparison import Comparison, Sample
from calosim_tf.physics.metrics import OVERALL, Measured, Metric


def duplicate_fraction(sample: Sample) -> tuple[float, float]:
    """Share of the showers that equal an earlier one in every voxel, and its binomial error.

    Showers without any energy are not counted: they are all alike in Monte Carlo too.
    """
    seen: set[bytes] = set()
    copies = filled = 0
    for row in sample.rows:
        shower = np.ascontiguousarray(sample.showers.showers_mev[row])
        if not shower.any():
            continue
        filled += 1
        fingerprint = hashlib.blake2b(shower, digest_size=16).digest()
        copies += fingerprint in seen
        seen.add(fingerprint)
    if filled == 0:
        return math.nan, math.nan
    # (k + 1)/(n + 2) keeps an error where no copy or nothing but copies were found
    likely = (copies + 1) / (filled + 2)
    return copies / filled, math.sqrt(likely * (1 - likely) / filled)


def _exact_duplicates(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    value, error = duplicate_fraction(comparison.generated)
    reason = "" if math.isfinite(value) else "all generated showers are empty"
    return {"": Measured(value, error, duplicate_fraction(comparison.reference)[0], reason=reason)}


DUPLICATE_METRICS = (
    Metric(
        "exact_duplicates",
        "1",
        _exact_duplicates,
        "Share of the generated showers that equal an earlier one in every voxel; empty showers are left out. Error:"
        " binomial.",
        ideal=0.0,
        scopes=(OVERALL,),
    ),
)
