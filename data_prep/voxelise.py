"""Energies of voxels from their means, as sums of a finite number of spots (no TensorFlow)."""

from __future__ import annotations

import numpy as np


def sample_spots(expected_mev: np.ndarray, spot_mev: float, shape: float, rng: np.random.Generator) -> np.ndarray:
    """Energies of voxels whose means are ``expected_mev``: same shape, MeV.

    A voxel receives a Poisson number of spots, and each spot a gamma-distributed energy of mean ``spot_mev``: the exact
    distribution of a voxel when a Poisson number of such spots is thrown over the whole shower.  So voxels that expect
    less than a spot are mostly 0, and the variance of a sum of voxels is ``spot_mev * (1 + 1 / shape)`` times its mean.

    Parameters
    ----------
    expected_mev : ndarray
        Means, 0 or more.
    spot_mev : float
        Mean energy of a spot.
    shape : float
        Shape of the gamma distribution; its relative variance is ``1 / shape``.
    """
    spots = rng.poisson(expected_mev / spot_mev)
    energy = np.zeros(expected_mev.shape)
    hit = spots > 0
    energy[hit] = rng.standard_gamma(shape * spots[hit]) * (spot_mev / shape)
    return energy
