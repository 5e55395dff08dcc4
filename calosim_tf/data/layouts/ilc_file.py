"""One file in the HDF5 layout of "Getting High" (no TensorFlow).

Group ``30x30``: ``layers`` (N, 30, 30, 30) in MeV, axes layer, x, z, and ``energy`` (N, 1) or (N,) in GeV.
"""

from __future__ import annotations

import numpy as np

from calosim_tf.data.hdf5_shower_file import Hdf5ShowerFile
from calosim_tf.data.layouts.hit_cells import HitCells, MostPerCell
from calosim_tf.data.units import DepositScale
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.detectors import ILC

ENERGY, LAYERS = "30x30/energy", "30x30/layers"
# Silicon only: 0.02 in the public set (18 to 20 MeV per GeV)
USUAL_FRACTION = (0.004, 0.1)
# Our choice, as for 3DGAN: half of the cells hit hold about one minimum-ionising particle, 0.2 MeV
MOST_PER_CELL = MostPerCell(hit_mev=1e-3, median_mev=2.5, largest_share=0.02)
SCALE = DepositScale(USUAL_FRACTION, LAYERS, "MeV", {"GeV": 1e-3, "keV": 1e3}, MOST_PER_CELL)


class IlcFile(Hdf5ShowerFile):
    """One open file of photons in the calorimeter of the ILD."""

    layout, energies_name, showers_name = "ILD HDF5", ENERGY, LAYERS
    expected = f"{LAYERS} and {ENERGY}"
    names = (LAYERS, ENERGY)
    dtype = np.dtype(np.float32)
    # known once the file is open
    compression: str | None = None
    n_events = n_voxels = chunk_rows = 0

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        record = detector or ILC
        shape = (len(record.layers), *record.layers[0].shape)
        self._cell_unit_mev, self._energy_unit_mev = record.cell_unit_mev, record.energy_unit_mev
        self._layers, self._energies = self._dataset(LAYERS), self._column(ENERGY)
        if self._layers.shape[1:] != shape:
            cells = ", ".join(map(str, shape))
            raise DataError(f"{self.path}: {LAYERS} has shape {self._layers.shape}, expected (events, {cells})")
        self._require_events({LAYERS: self._layers, ENERGY: self._energies})
        self.n_events, self.n_voxels = len(self._layers), int(np.prod(shape))
        self.compression = self._layers.compression
        self.chunk_rows = self._layers.chunks[0] if self._layers.chunks else 1

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`: layer after layer, rows count x."""
        if out is None:
            out = np.empty((stop - start, self.n_voxels), dtype=self.dtype)
        cells = self._read_rows(self._layers, start, stop).reshape(stop - start, -1)
        # overflow gives infinity, and a missing number NaN: both are found later
        with np.errstate(over="ignore", invalid="ignore"):
            np.multiply(cells, self._cell_unit_mev, out=out, casting="same_kind")
        return out

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: cells in MeV, GeV or keV, energies in MeV."""
        return self.wrong_units_of(fraction, None)

    def wrong_units_of(self, fraction: float | None, cells: HitCells | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units_of`."""
        return SCALE.describe_wrong(self.incident_energy_mev, fraction, self.energies_name, cells)

    def _read_incident_energy_mev(self) -> np.ndarray:
        return self._energy_unit_mev * self._column_values(ENERGY, self._energies)
