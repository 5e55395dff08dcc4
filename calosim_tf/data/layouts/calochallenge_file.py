"""One file in the CaloChallenge HDF5 layout (no TensorFlow).

A file holds ``incident_energies`` (N, 1) or (N,) and ``showers`` (N, n_voxels), both in MeV, float64 in the public
files and float32 in most others (float16 and integers are read too), with any compression.  Files of a custom detector
may be in other units, given in its record.  They may hold a dataset (N,) or (N, 1) for each attribute of the incident
particle, under its name.
"""

from __future__ import annotations

from functools import cached_property

import h5py
import numpy as np

from calosim_tf.data.hdf5_shower_file import Hdf5ShowerFile, floating_type
from calosim_tf.data.units import describe_wrong_units
from calosim_tf.errors import DataError
from calosim_tf.geometry import DETECTORS, VoxelDetector

LAYOUT = "calochallenge"
ENERGIES = "incident_energies"
SHOWERS = "showers"

# Our choice: from the thinnest sampling calorimeter to twice what any shower can deposit
PLAUSIBLE_FRACTION = (1e-3, 3.0)

# Voxel counts of the published CaloChallenge layouts (https://calochallenge.github.io/homepage/).
PUBLISHED_VOXEL_COUNTS = {
    368: "CaloChallenge data set 1, photons",
    533: "CaloChallenge data set 1, pions",
    6480: "CaloChallenge data set 2",
    40500: "CaloChallenge data set 3",
}


class CaloChallengeFile(Hdf5ShowerFile):
    """One open file in the CaloChallenge layout."""

    layout = "CaloChallenge HDF5"
    energies_name = ENERGIES
    showers_name = SHOWERS
    expected = f"{ENERGIES} and {SHOWERS}"
    names = (ENERGIES, SHOWERS)

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        energies = self._energies = self._column(ENERGIES)
        showers = self._showers = self._dataset(SHOWERS)
        if showers.ndim != 2:
            raise DataError(f"{self.path}: {SHOWERS} has shape {showers.shape}, expected (events, voxels)")
        record = detector or _record_of(self._file, showers.shape[1])
        self._units = (1.0, 1.0) if record is None else (record.energy_unit_mev, record.cell_unit_mev)
        self._particle = {} if record is None else {name: self._column(name) for name in record.attributes}
        self._require_events({ENERGIES: energies, SHOWERS: showers} | self._particle)
        if detector is not None and self.n_voxels != detector.n_voxels:
            raise DataError(
                f"{self.path}: {self.n_voxels} voxels per shower{describe_voxel_count(self.n_voxels)}, "
                f"expected {detector.n_voxels} for detector {detector.name!r}; use the file with its own detector"
            )

    @property
    def n_events(self) -> int:
        return self._showers.shape[0]

    @property
    def n_voxels(self) -> int:
        return self._showers.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return floating_type(self._showers)

    @property
    def compression(self) -> str | None:
        return self._showers.compression

    @property
    def chunk_rows(self) -> int:
        return self._showers.chunks[0] if self._showers.chunks else 1

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`, in the precision of the file."""
        values = self._read_rows(self._showers, start, stop, out)
        if self._units[1] != 1.0:
            # what overflows is infinite and found as that
            with np.errstate(over="ignore"):
                values *= self._units[1]
        return values

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """As :attr:`ShowerFile.particle_attributes`; :class:`DataError` for a number that is not finite."""
        columns = [self._column_values(name, dataset) for name, dataset in self._particle.items()]
        return np.stack(columns, axis=1) if columns else super().particle_attributes

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: energies or showers in GeV, or not in the units of the record."""
        if self._units == (1.0, 1.0):
            return describe_wrong_units(self.incident_energy_mev, fraction)
        low, high = PLAUSIBLE_FRACTION
        if fraction is None or low < fraction < high:
            return None
        energy_unit, cell_unit = self._units
        return (
            f"deposited / incident is {fraction:.3g} with energies in units of {energy_unit:g} MeV and cells in units "
            f"of {cell_unit:g} MeV, expected {low:g} to {high:g}; correct the file or the record of the detector"
        )

    def _read_incident_energy_mev(self) -> np.ndarray:
        return self._units[0] * self._read_rows(self._energies, 0, self.n_events).reshape(-1).astype(np.float64)


def _record_of(file: h5py.File, n_voxels: int) -> VoxelDetector | None:
    """First detector of this layout with this many voxels whose attributes are in a file opened without a detector."""
    fitting = (item for item in DETECTORS.values() if item.file_layout == LAYOUT and item.n_voxels == n_voxels)
    return next((item for item in fitting if set(item.attributes) <= set(file)), None)


def describe_voxel_count(n_voxels: int) -> str:
    """`` (that is detector 'photon')`` for a known number of voxels, otherwise an empty string."""
    for detector in DETECTORS.values():
        if detector.n_voxels == n_voxels:
            return f" (that is detector {detector.name!r})"
    if n_voxels in PUBLISHED_VOXEL_COUNTS:
        return f" (that is {PUBLISHED_VOXEL_COUNTS[n_voxels]})"
    return ""
