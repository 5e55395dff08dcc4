"""Spots against the moments of a compound Poisson distribution."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data_prep.voxelise import sample_spots


def test_mean_variance_and_zeros(rng):
    """Breaks if energies are biased, their variance is not 3 (1 + 1/1.5) = 5 MeV times the mean, or zeros are lost."""
    expected = np.repeat([[0.6, 30.0, 3000.0]], 40_000, axis=0)
    energy = sample_spots(expected, 3.0, 1.5, rng)
    np.testing.assert_allclose(energy.mean(axis=0), expected[0], rtol=0.03)
    np.testing.assert_allclose(energy.var(axis=0), 5.0 * expected[0], rtol=0.05)
    # no spot in a voxel that expects a fifth of one
    assert (energy[:, 0] == 0).mean() == pytest.approx(np.exp(-0.2), abs=0.01)
    assert (energy[:, 2] > 0).all()


def test_nothing_expected_gives_nothing(rng):
    """Breaks if empty voxels get noise."""
    assert not sample_spots(np.zeros((5, 7)), 3.0, 1.5, rng).any()
