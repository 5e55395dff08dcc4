"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from calosim_tf.geometry import PHOTON

# CaloChallenge data set 1, photons: incident energies and published events per file.
PUBLIC_ENERGIES_MEV = 2.0 ** np.arange(8, 23)
PUBLIC_PHOTON_EVENTS = np.array([10_000] * 11 + [5_000, 3_000, 2_000, 1_000])


def made_up_photons(events_per_energy: np.ndarray, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mixed photon showers of the public energies: incident energies (n,) and showers (n, 368), MeV, float64.

    Layer shares move to the back with energy, rings fall off exponentially, and voxels fluctuate as gamma variates
    whose variance is 5 MeV times their mean, so that low energies are sparse and the response is 12 % wide at 256 MeV.
    """
    rng = np.random.default_rng(seed)
    incident = rng.permutation(np.repeat(PUBLIC_ENERGIES_MEV, events_per_energy))
    depth = np.log2(incident / 256) / 14  # 0 at the lowest, 1 at the highest energy
    front, back = np.array([0.12, 0.45, 0.42, 0.005, 0.005]), np.array([0.01, 0.15, 0.80, 0.035, 0.005])
    layer_share = front + depth[:, None] * (back - front)
    response = 0.78 + 0.21 * np.sqrt(depth)
    columns = []
    for layer, share in zip(PHOTON.layers, layer_share.T, strict=True):
        ring = np.exp(-layer.r_mid_mm / 15.0) * np.diff(layer.r_edges_mm)
        ring_share = np.tile(ring / ring.sum() / layer.n_alpha, layer.n_alpha)
        columns.append((response * share * incident)[:, None] * ring_share)
    grain_mev = 5.0
    showers = rng.gamma(np.concatenate(columns, axis=1) / grain_mev, grain_mev)
    showers[showers < 0.01] = 0.0
    return incident, showers


def write_layout(path: Path, incident: np.ndarray, showers: np.ndarray, **options) -> Path:
    """CaloChallenge layout as h5py writes it by default; ``options`` go to ``create_dataset`` of the showers."""
    with h5py.File(path, "w") as file:
        file.create_dataset("incident_energies", data=incident.reshape(-1, 1), compression="gzip")
        file.create_dataset("showers", data=showers, **options)
    return path


@pytest.fixture(scope="session")
def photon_showers() -> tuple[np.ndarray, np.ndarray]:
    """1210 made-up photon showers: the public energies, a hundredth of the public numbers of events."""
    return made_up_photons(PUBLIC_PHOTON_EVENTS // 100, seed=1)


@pytest.fixture(scope="session")
def public_like_file(tmp_path_factory, photon_showers) -> Path:
    """File laid out like the public photon file: float64, gzip, 15 energies, mixed."""
    path = tmp_path_factory.mktemp("public_like") / "dataset_1_photons_1.hdf5"
    return write_layout(path, *photon_showers, compression="gzip")
