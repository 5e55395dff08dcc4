"""Small files in the CaloChallenge layout, sound and otherwise."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest


@pytest.fixture(scope="session")
def few_showers(photon_showers) -> tuple[np.ndarray, np.ndarray]:
    """130 of the made-up photons, float32."""
    incident, showers = photon_showers
    return incident[:130].astype(np.float32), showers[:130].astype(np.float32)


@pytest.fixture
def write(tmp_path, few_showers) -> Callable[..., Path]:
    """``write(incident=, showers=, name=, attributes=, **options)``: the few showers, or what is given instead.

    ``options`` go to ``create_dataset`` of the showers.
    """

    def write_file(incident=None, showers=None, name="showers.hdf5", attributes=None, **options) -> Path:
        path = tmp_path / name
        with h5py.File(path, "w") as file:
            incident = few_showers[0][:, None] if incident is None else incident
            file.create_dataset("incident_energies", data=incident)
            file.create_dataset("showers", data=few_showers[1] if showers is None else showers, **options)
            for key, value in (attributes or {}).items():
                file.attrs[key] = value
        return path

    return write_file
