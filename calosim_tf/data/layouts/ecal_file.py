"""One file in the HDF5 layout of 3DGAN (no TensorFlow).

Fixed angle: ``ECAL`` (N, 25, 25, 25) in GeV, axes x, y, z.  The energy in GeV is column 1 of ``target`` (N, 5) or (N,
1, 5), or ``energy`` (N,) or (N, 1).  Variable angle: ``ECAL`` (N, 51, 51, 25) in units of 1/50 GeV (the public files
hold 50 x GeV), ``energy`` in GeV and ``mtheta`` or ``theta`` in rad.
"""

from __future__ import annotations

from functools import cached_property
from typing import ClassVar

import h5py
import numpy as np

from calosim_tf.data.hdf5_shower_file import Hdf5ShowerFile
from calosim_tf.data.layouts.hit_cells import HitCells, MostPerCell
from calosim_tf.data.units import DepositScale
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.detectors import CLIC, CLIC_ANGLE

ECAL, TARGET, ENERGY = "ECAL", "target", "energy"
ENERGY_COLUMN = 1
# Silicon only: 0.019 in the public set, 0.024 in the EGSnrc sample
USUAL_FRACTION = (0.004, 0.1)
# Electrons of 2 to 60 GeV in the EGSnrc sample: half of the cells hit hold less than 0.5 MeV, which a particle that
# passes leaves too, and the largest 0.002 of the energy or less.  Our choice: five times that; a hit as in the authors'
# reader (1e-6 GeV).
MOST_PER_CELL = MostPerCell(hit_mev=1e-3, median_mev=2.5, largest_share=0.01)


class EcalFile(Hdf5ShowerFile):
    """One open file of showers of normal incidence."""

    layout = "3DGAN HDF5"
    energies_name = "the energies"
    showers_name = ECAL
    expected = f"{ECAL} and {TARGET} or {ENERGY}"
    names = (ECAL, TARGET, ENERGY)
    # cells and units of a file that was opened without a detector
    record: ClassVar[VoxelDetector] = CLIC
    scale: ClassVar[DepositScale] = DepositScale(
        USUAL_FRACTION, ECAL, "GeV", {"MeV": 1e3, "50 x GeV": 50.0}, MOST_PER_CELL
    )

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        detector = detector or self.record
        self.cells, self._cell_unit_mev, self._energy_unit_mev = (
            detector.cube,
            detector.cell_unit_mev,
            detector.energy_unit_mev,
        )
        self._ecal = self._dataset(ECAL)
        if self._ecal.shape[1:] not in (self.cells, (*self.cells, 1)):
            cells = ", ".join(map(str, self.cells))
            raise DataError(
                f"{self.path}: {ECAL} has shape {self._ecal.shape}, expected (events, {cells}){self._hint()}"
            )
        self.energies_name = ENERGY if self._has(ENERGY) and not self._has(TARGET) else TARGET
        self._energies = self._dataset(self.energies_name)
        n = len(self._energies)
        shapes = {TARGET: ((n, 5), (n, 1, 5)), ENERGY: ((n,), (n, 1))}[self.energies_name]
        if self._energies.shape not in shapes:
            expected = " or ".join(map(str, shapes))
            raise DataError(f"{self.path}: {self.energies_name} has shape {self._energies.shape}, expected {expected}")
        self._require_events({ECAL: self._ecal, self.energies_name: self._energies} | self._particle_datasets())

    def _hint(self) -> str:
        return "; showers of variable angle have 51 x 51 x 25 cells: use detector 'clic_angle'"

    def _particle_datasets(self) -> dict[str, h5py.Dataset]:
        return {}

    @property
    def n_events(self) -> int:
        return len(self._ecal)

    @property
    def n_voxels(self) -> int:
        return int(np.prod(self.cells))

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def compression(self) -> str | None:
        return self._ecal.compression

    @property
    def chunk_rows(self) -> int:
        return self._ecal.chunks[0] if self._ecal.chunks else 1

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`: layer (z) after layer, rows count x."""
        if out is None:
            out = np.empty((stop - start, self.n_voxels), dtype=self.dtype)
        cubes = self._read_rows(self._ecal, start, stop).reshape(-1, *self.cells)
        x, y, z = self.cells
        layers = out.reshape(-1, z, x, y)
        # overflow gives infinity, and a missing number NaN: both are found later
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(cubes.transpose(0, 3, 1, 2), self._cell_unit_mev, out=layers, casting="same_kind")
        return out

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: cells in MeV, GeV or 50 x GeV, energies in MeV."""
        return self.wrong_units_of(fraction, None)

    def wrong_units_of(self, fraction: float | None, cells: HitCells | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units_of`."""
        return self.scale.describe_wrong(self.incident_energy_mev, fraction, self.energies_name, cells)

    def _read_incident_energy_mev(self) -> np.ndarray:
        values = self._read_rows(self._energies, 0, self.n_events).reshape(self.n_events, -1).astype(np.float64)
        return self._energy_unit_mev * values[:, ENERGY_COLUMN if self.energies_name == TARGET else 0]


class EcalAngleFile(EcalFile):
    """One open file of showers of variable angle."""

    layout = "3DGAN HDF5, variable angle"
    expected = f"{ECAL}, {ENERGY} and mtheta or theta"
    names = (*EcalFile.names, "mtheta", "theta")
    record = CLIC_ANGLE
    scale = DepositScale(USUAL_FRACTION, ECAL, "50 x GeV", {"MeV": 20.0, "GeV": 0.02}, MOST_PER_CELL)

    def _hint(self) -> str:
        return "; showers of normal incidence have 25 x 25 x 25 cells: use detector 'clic'"

    def _particle_datasets(self) -> dict[str, h5py.Dataset]:
        # the authors train on the measured angle
        name = "mtheta" if self._has("mtheta") else "theta"
        self._theta = self._dataset(name)
        n = len(self._ecal)
        if self._theta.shape[1:] not in ((), (1,)):
            raise DataError(f"{self.path}: {name} has shape {self._theta.shape}, expected {(n,)} or {(n, 1)}")
        return {name: self._theta}

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """Polar angle in rad, shape (n, 1).

        Raises
        ------
        DataError
            One is not finite, or most are no angles in rad (the measured angle of an empty shower is none: 100).
        """
        name = self._theta.name.strip("/")
        values = self._read_rows(self._theta, 0, self.n_events).reshape(self.n_events, 1).astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values[:, 0])))
            raise DataError(
                f"{self.path}: row {row} of {name} is {values[row, 0]:g}, expected an angle in rad; remove this event"
            )
        middle = float(np.median(values))
        if not 0 < middle < np.pi:
            raise DataError(
                f"{self.path}: {name} has median {middle:g}, expected polar angles in rad, between 0 and pi; "
                "multiply degrees by pi / 180"
            )
        return values
