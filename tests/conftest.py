"""Fixtures shared by all tests."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from calosim_tf.data.schema import ShowerSet
from calosim_tf.geometry import PHOTON, get_detector

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


# Deposited over incident energy: scintillator only, everything, silicon only
DEPOSITED_FRACTION = {"lhcb": 0.16, "calogan": 0.97, "calogan_central": 0.97, "clic": 0.024, "clic_angle": 0.024}


def made_up_cells(layout: str, events: int, seed: int) -> ShowerSet:
    """Showers in rectangular cells: 2 to 50 GeV, a round spot in the middle of every layer, cells that fluctuate.

    Angles and positions spread a little around those of a perpendicular particle in the middle.
    """
    rng = np.random.default_rng(seed)
    detector = get_detector(layout)
    incident = rng.uniform(2e3, 50e3, events)
    columns = []
    for layer in detector.layers:
        rows, cells = ((np.arange(n) - (n - 1) / 2) * width for n, width in zip(
            layer.shape, (layer.row_mm, layer.column_mm), strict=True
        ))  # fmt: skip
        columns.append(np.exp(-np.hypot(rows[:, None], cells) / 20.0).ravel())
    share = np.concatenate(columns)
    mean = DEPOSITED_FRACTION[layout] * incident[:, None] * share / share.sum()
    grain_mev = DEPOSITED_FRACTION[layout] * 5.0
    showers = rng.gamma(mean / grain_mev, grain_mev).astype(np.float32)
    attributes = detector.central_attributes(incident)
    if "pz_gev" in detector.attributes:
        attributes[:, :2] = rng.normal(0.0, 0.1, (events, 2))
        attributes[:, 3:] = rng.uniform(-1.0, 1.0, (events, 2))
        attributes[:, 2] = np.sqrt((incident / 1e3) ** 2 - (attributes[:, :2] ** 2).sum(axis=1))
    elif detector.attributes:
        spread = np.array([0.1, 0.1, 20.0, 20.0])[: len(detector.attributes)]
        attributes += rng.uniform(-1.0, 1.0, attributes.shape) * spread
    return ShowerSet(incident, showers, detector, "made up", attributes)


@pytest.fixture(scope="session")
def cell_showers():
    """``cell_showers(layout, events, seed=1)``: made-up showers of a detector of rectangular cells."""
    return lambda layout, events, seed=1: made_up_cells(layout, events, seed)
