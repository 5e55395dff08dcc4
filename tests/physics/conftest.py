"""Small made-up photon showers shared by the tests of physics and of reports."""

from __future__ import annotations

import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON

ENERGIES_MEV = (1024.0, 4096.0, 16384.0)


def made_up_showers(seed: int, per_energy: int = 80, scale: float = 1.0, energies=ENERGIES_MEV) -> ShowerSet:
    """Sparse showers whose response has mean ``0.95 * scale`` and standard deviation 0.05; energies are interleaved."""
    rng = np.random.default_rng(seed)
    incident = np.tile(np.asarray(energies, dtype=np.float32), per_energy)
    layer_share = np.concatenate(
        [
            np.full(layer.n_voxels, share / layer.n_voxels)
            for layer, share in zip(PHOTON.layers, (0.05, 0.3, 0.6, 0.04, 0.01), strict=True)
        ]
    )
    showers = rng.gamma(0.5, 1.0, size=(len(incident), PHOTON.n_voxels)) * layer_share
    response = rng.normal(0.95 * scale, 0.05, size=len(incident))
    showers *= (response * incident / showers.sum(axis=1))[:, None]
    return ShowerSet(incident, showers.astype(np.float32), PHOTON, "made-up sample")


@pytest.fixture(scope="session")
def make_showers():
    """The function itself, for tests that need other seeds, sizes or scales."""
    return made_up_showers


@pytest.fixture(scope="session")
def reference() -> ShowerSet:
    return made_up_showers(1)


@pytest.fixture(scope="session")
def generated() -> ShowerSet:
    return made_up_showers(2)
