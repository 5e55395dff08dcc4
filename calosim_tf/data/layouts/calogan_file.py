"""One file in the CaloGAN HDF5 layout (no TensorFlow).

``layer_0`` (N, 3, 96), ``layer_1`` (N, 12, 12), ``layer_2`` (N, 12, 6) and ``overflow`` (N, 3) in MeV, ``energy`` (N,
1) in GeV.  Sets with variable angle and position also hold ``x0``, ``y0`` in mm and ``px``, ``py``, ``pz`` in GeV, each
(N, 1).  Angles are those of the authors, in the frame of a barrel detector: ``theta = arccos(py / p)``, ``phi =
arctan(-px / pz)``, so that a perpendicular particle has theta = pi/2 and phi = 0.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from calosim_tf.data.hdf5_shower_file import Hdf5ShowerFile, floating_type
from calosim_tf.data.units import DepositScale
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector

LAYERS = {"layer_0": (3, 96), "layer_1": (12, 12), "layer_2": (12, 6)}
OVERFLOW, ENERGY = "overflow", "energy"
POSITION, MOMENTUM = ("x0", "y0"), ("px", "py", "pz")
# Energies in absorber and argon are counted: 0.99 (electrons), less for pions
SCALE = DepositScale((0.1, 3.0), "layer_0..2", "MeV", {"GeV": 1e-3})


class CaloGanFile(Hdf5ShowerFile):
    """One open file in the CaloGAN layout, with or without angles and positions."""

    layout = "CaloGAN HDF5"
    energies_name = ENERGY
    showers_name = "the layers"
    expected = f"{', '.join(LAYERS)}, {OVERFLOW} and {ENERGY}"
    names = (*LAYERS, OVERFLOW, ENERGY, *POSITION, *MOMENTUM)

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        self._layers = [self._shaped(name, *shape) for name, shape in LAYERS.items()]
        self._overflow = self._shaped(OVERFLOW, 3)
        self._energy = self._column(ENERGY)
        present = [name for name in (*POSITION, *MOMENTUM) if self._has(name)]
        self._particle = {name: self._column(name) for name in present}
        self._require_events(
            dict(zip(LAYERS, self._layers, strict=True))
            | {OVERFLOW: self._overflow, ENERGY: self._energy}
            | self._particle
        )
        missing = [name for name in (*POSITION, *MOMENTUM) if name not in self._particle]
        if detector is not None and detector.attributes and missing:
            raise DataError(
                f"{self.path}: no dataset {missing[0]!r}, expected {', '.join((*POSITION, *MOMENTUM))} for detector "
                f"{detector.name!r}; files without them fit detector 'calogan_central'"
            )

    @property
    def n_events(self) -> int:
        return len(self._energy)

    @property
    def n_voxels(self) -> int:
        return sum(rows * columns for rows, columns in LAYERS.values())

    @property
    def dtype(self) -> np.dtype:
        return np.result_type(*map(floating_type, self._layers))

    @property
    def compression(self) -> str | None:
        return self._layers[0].compression

    @property
    def chunk_rows(self) -> int:
        return max(layer.chunks[0] if layer.chunks else 1 for layer in self._layers)

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`: the layers one after another."""
        parts = [self._read_rows(layer, start, stop).reshape(stop - start, -1) for layer in self._layers]
        return np.concatenate(parts, axis=1, out=out, dtype=None if out is not None else self.dtype)

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """theta and phi in rad, x0 and y0 in mm, shape (n, 4); shape (n, 0) where the file has no angles.

        Raises
        ------
        DataError
            A number is not finite, or a momentum is 0.
        """
        if len(self._particle) < len(POSITION) + len(MOMENTUM):
            return np.empty((self.n_events, 0))
        columns = {name: self._column_values(name, dataset) for name, dataset in self._particle.items()}
        px, py, pz = (columns[name] for name in MOMENTUM)
        momentum = np.sqrt(px**2 + py**2 + pz**2)
        if not (momentum > 0).all() or (pz == 0).any():
            row = int(np.argmax(~(momentum > 0) | (pz == 0)))
            raise DataError(
                f"{self.path}: row {row} of px, py, pz is ({px[row]:g}, {py[row]:g}, {pz[row]:g}), expected a particle "
                "that moves along z; remove this event"
            )
        return np.stack([np.arccos(py / momentum), np.arctan(-px / pz), columns["x0"], columns["y0"]], axis=1)

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: layers in GeV, or energies in MeV."""
        return SCALE.describe_wrong(self.incident_energy_mev, fraction, ENERGY)

    def _read_incident_energy_mev(self) -> np.ndarray:
        return 1e3 * self._read_rows(self._energy, 0, self.n_events).reshape(-1).astype(np.float64)

    def _shaped(self, name: str, *shape: int):
        dataset = self._dataset(name)
        if dataset.shape[1:] != shape:
            raise DataError(f"{self.path}: {name} has shape {dataset.shape}, expected {(len(dataset), *shape)}")
        return dataset
