"""Comparisons to draw, with matplotlib's settings restored."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON
from calosim_tf.physics.metrics.comparison import Comparison, compare, make_baseline
from calosim_tf.physics.metrics.listed import METRICS
from calosim_tf.physics.metrics.metric import Results, measure


def flat_showers(seed: int, scale: float = 1.0) -> ShowerSet:
    """40 showers at each of 2.048 and 8.192 GeV with exponential voxels and a response of about 0.9."""
    rng = np.random.default_rng(seed)
    incident = np.tile([2048.0, 8192.0], 40)
    showers = rng.exponential(size=(80, PHOTON.n_voxels))
    showers *= (scale * rng.normal(0.9, 0.05, 80) * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers, PHOTON, f"sample {seed} with $ign")


@pytest.fixture(scope="session")
def comparison() -> Comparison:
    return compare(flat_showers(1, scale=1.03), flat_showers(2))


@pytest.fixture(scope="session")
def results(comparison) -> Results:
    return measure(METRICS.values(), comparison, make_baseline(comparison, flat_showers(3)))
