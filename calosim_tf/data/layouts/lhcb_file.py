"""One file of LHCb-like showers, npz or HDF5 (no TensorFlow).

``EnergyDeposit`` (N, 30, 30, 1), (N, 30, 30) or (N, 900) in MeV, ``ParticleMomentum`` (N, 3) in GeV, ``ParticlePoint``
(N, 2 or 3) in cm, ``ParticlePDG`` (N,) or (N, 1).

Axes: the direct output of the public generator counts x along the first axis of an image, the files of the challenge
that followed count y (and x along the second).  Inside this package rows count y.  Files written here say which with
the attribute (npz: array) ``axes``, ``yx`` or ``xy``.  For files that do not say, the detectors ``lhcb_yx`` and
``lhcb_xy`` do, and for ``lhcb`` the showers decide: their centres follow the impact point of the particle.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path

import numpy as np

from calosim_tf.data.layouts.lhcb_arrays import (
    ARRAYS,
    AXES,
    AXES_KEY,
    DEPOSITS,
    checked,
    describe_hdf5,
    describe_npz,
    is_npz,
    read_hdf5,
    read_npz,
)
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.data.units import DepositScale
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector

CELLS = (30, 30)
MOMENTUM, POINT, PDG = "ParticleMomentum", "ParticlePoint", "ParticlePDG"
# Scintillator only: 0.16 in the public set, 0.17 in the EGSnrc sample
SCALE = DepositScale((0.03, 0.6), DEPOSITS, "MeV", {"GeV": 1e-3})
# Between the front face and the shower maximum of these energies; the choice of axis does not depend on it
IMPACT_DEPTH_CM = 10.0
# Enough showers to identify the axes, and the difference of correlations required: 0.8 in the EGSnrc sample
AXIS_EVENTS = 2000
AXIS_DIFFERENCE = 0.25
# Few showers must differ by this many times 1 / sqrt(showers): more than chance gives
AXIS_SIGNIFICANCE = 5.0


class LhcbFile(ShowerFile):
    """One open file in the LHCb-like layout; the arrays are in memory.

    Attributes
    ----------
    axes : {'yx', 'xy'}
        What the two axes of an image count in the file.
    """

    layout = "LHCb npz or HDF5"
    energies_name = MOMENTUM
    showers_name = DEPOSITS
    names = tuple(ARRAYS)

    def _open(self, detector: VoxelDetector | None) -> None:
        self._axes_of_record = "" if detector is None else detector.file_axes
        if is_npz(self.path):
            self._arrays = checked(self.path, *read_npz(self.path, self.keys))
            self.attributes, self._compression = describe_npz(self.path), "npz"
            self._files = (self.path,)
        else:
            self._arrays = checked(self.path, *read_hdf5(self.path, self.keys))
            self.attributes, self._compression, self._files = describe_hdf5(self.path, self.keys)
        forward = self._arrays[MOMENTUM][:, 2] > 0
        if not forward.all():
            row = int(np.argmin(forward))
            raise DataError(
                f"{self.path}: row {row} of {MOMENTUM} has pz = {self._arrays[MOMENTUM][row, 2]:g} GeV, expected "
                f"pz > 0: the particle does not reach the calorimeter ({int((~forward).sum())} of {len(forward)} rows);"
                " remove these rows"
            )
        self._require_one_species(detector)

    def _require_one_species(self, detector: VoxelDetector | None) -> None:
        if detector is None or PDG not in self._arrays:
            return
        species = np.unique(self._arrays[PDG])
        if len(species) > 1:
            raise DataError(
                f"{self.path}: {PDG} holds {', '.join(str(code) for code in species)}, expected one particle species; "
                "write one file per species"
            )

    def close(self) -> None:
        """Give the memory back."""
        self._arrays = {}

    @property
    def files(self) -> tuple[Path, ...]:
        return self._files

    @property
    def n_events(self) -> int:
        return len(self._arrays[DEPOSITS])

    @property
    def n_voxels(self) -> int:
        return CELLS[0] * CELLS[1]

    @property
    def dtype(self) -> np.dtype:
        return np.dtype(np.float32)

    @property
    def compression(self) -> str | None:
        return self._compression

    @property
    def chunk_rows(self) -> int:
        return 1

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """Momentum in GeV and point in cm: (n, 5) in the order px, py, pz, x, y."""
        return np.concatenate([self._arrays[MOMENTUM], self._arrays[POINT][:, :2]], axis=1).astype(np.float64)

    @cached_property
    def axes(self) -> str:
        if self.attributes.get(AXES_KEY) in AXES:
            return str(self.attributes[AXES_KEY])
        return self._axes_of_record or axes_from_arrays(self._arrays) or "yx"

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`; rows count y."""
        pictures = self._arrays[DEPOSITS][start:stop, ..., 0]
        if self.axes == "xy":
            pictures = pictures.transpose(0, 2, 1)
        if out is None:
            out = np.empty((stop - start, self.n_voxels), dtype=self.dtype)
        # what overflows is infinite and found as that
        with np.errstate(over="ignore"):
            out.reshape(-1, *CELLS)[...] = pictures
        return out

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: deposits in GeV, or momenta in MeV."""
        return SCALE.describe_wrong(self.incident_energy_mev, fraction, MOMENTUM)

    def _read_incident_energy_mev(self) -> np.ndarray:
        return 1e3 * np.linalg.norm(self._arrays[MOMENTUM].astype(np.float64), axis=1)


def axes_from_arrays(arrays: Mapping[str, np.ndarray]) -> str | None:
    """Which axis follows x: ``xy`` if it is the first one, ``yx`` if it is the second, None if it cannot be told.

    Parameters
    ----------
    arrays : mapping of str to ndarray
        As :func:`~calosim_tf.data.layouts.lhcb_arrays.checked` returns them.
    """
    pictures = arrays[DEPOSITS][:AXIS_EVENTS, ..., 0]
    momentum, point = arrays[MOMENTUM][:AXIS_EVENTS], arrays[POINT][:AXIS_EVENTS]
    total = pictures.sum(axis=(1, 2), dtype=np.float64)
    usable = (total > 0) & np.isfinite(total) & (momentum[:, 2] > 0)
    n_usable = int(usable.sum())
    least = max(AXIS_DIFFERENCE, AXIS_SIGNIFICANCE / np.sqrt(max(1, n_usable)))
    if least > 1:
        return None
    impact = point[usable, 0] + IMPACT_DEPTH_CM * momentum[usable, 0] / momentum[usable, 2]
    cells = np.arange(CELLS[0])
    first, second = (pictures[usable].sum(axis=axis, dtype=np.float64) @ cells / total[usable] for axis in (2, 1))
    difference = _correlation(first, impact) - _correlation(second, impact)
    if abs(difference) < least:
        return None
    return "xy" if difference > 0 else "yx"


def _correlation(centre: np.ndarray, impact: np.ndarray) -> float:
    return abs(float(np.corrcoef(centre, impact)[0, 1])) if centre.std() > 0 and impact.std() > 0 else 0.0
