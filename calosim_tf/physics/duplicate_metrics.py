"""Showers that are equal to the last bit: a generator with a small memory, or a file in which something was copied."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator

import numpy as np

from calosim_tf.physics.comparison import Comparison, Sample
from calosim_tf.physics.metrics import OVERALL, Measured, Metric


def fingerprints(showers_mev: np.ndarray, rows: Iterable[int]) -> Iterator[bytes]:
    """A hash of each shower in single precision; showers without any energy are left out, they are all alike."""
    for row in rows:
        shower = np.ascontiguousarray(showers_mev[row], dtype=np.float32)
        if shower.any():
            yield hashlib.blake2b(shower, digest_size=16).digest()


def copied_fraction(sample: Sample, known: set[bytes] | None = None) -> tuple[float, float]:
    """Share of the showers that equal a known one in every voxel, and its binomial error.

    Parameters
    ----------
    sample : Sample
    known : set of bytes, optional
        From :func:`fingerprints`; the earlier showers of the sample itself unless given.
    """
    seen = set() if known is None else known
    copies = filled = 0
    for fingerprint in fingerprints(sample.showers.showers_mev, sample.rows):
        filled += 1
        copies += fingerprint in seen
        if known is None:
            seen.add(fingerprint)
    if filled == 0:
        return math.nan, math.nan
    # (k + 1)/(n + 2) keeps an error where no copy or nothing but copies were found
    likely = (copies + 1) / (filled + 2)
    return copies / filled, math.sqrt(likely * (1 - likely) / filled)


def _duplicates(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    value, error = copied_fraction(comparison.generated)
    reason = "" if math.isfinite(value) else "all generated showers are empty"
    return {"": Measured(value, error, copied_fraction(comparison.reference)[0], reason=reason)}


def _training_copies(comparison: Comparison, _: np.random.Generator) -> dict[str, Measured]:
    training = comparison.training
    if training is None:
        return {"": Measured.missing("needs the training showers: those of a run, or --training")}
    known = set(fingerprints(training.showers_mev, range(len(training))))
    value, error = copied_fraction(comparison.generated, known)
    reason = "" if math.isfinite(value) else "all generated showers are empty"
    return {"": Measured(value, error, copied_fraction(comparison.reference, known)[0], reason=reason)}


_WORDS = "in every voxel (single precision); empty showers are left out. Error: binomial."
DUPLICATE_METRICS = (
    Metric(
        "exact_duplicates",
        "1",
        _duplicates,
        f"Share of the generated showers that equal an earlier one {_WORDS}",
        ideal=0.0,
        scopes=(OVERALL,),
        matched=False,
    ),
    Metric(
        "exact_training_copies",
        "1",
        _training_copies,
        f"Share of the generated showers that equal a training shower {_WORDS}",
        ideal=0.0,
        scopes=(OVERALL,),
        matched=False,
    ),
)
