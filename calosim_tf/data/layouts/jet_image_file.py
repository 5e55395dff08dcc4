"""One file of jet images in the layout of the public LAGAN data (no TensorFlow).

``image`` (N, 25, 25) in GeV, transverse momentum of each pixel: rows count the azimuth from +1.2 down, columns the
pseudorapidity from -1.2 up.  ``signal`` (N,): 1 for jets of a W boson, 0 for others.  Public files also hold
``jet_pt``, ``jet_mass``, ``tau_21`` and more of the jets before they became images; they are not read.

The spline that turned the public images left small negative pixels; they are read as 0.
"""

from __future__ import annotations

from functools import cached_property

import numpy as np

from calosim_tf.data.hdf5_shower_file import Hdf5ShowerFile, floating_type
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.geometry.detectors import JET_IMAGE

IMAGE, SIGNAL = "image", "signal"
PIXELS = JET_IMAGE.layers[0].shape
# Sum of the pixels over the nominal transverse momentum: about 1 in GeV (our choice of a factor ten either way)
USUAL = (0.1, 10.0)


class JetImageFile(Hdf5ShowerFile):
    """One open file of jet images; their incident energy is that of the detector's record, the same for all."""

    layout = "jet image HDF5"
    energies_name = "the nominal transverse momentum"
    showers_name = IMAGE
    expected = f"{IMAGE} and {SIGNAL}"
    names = (IMAGE, SIGNAL)

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        self._image, self._signal = self._dataset(IMAGE), self._column(SIGNAL)
        if self._image.shape[1:] not in (PIXELS, (*PIXELS, 1)):
            raise DataError(
                f"{self.path}: {IMAGE} has shape {self._image.shape}, expected {(len(self._image), *PIXELS)}"
            )
        self._require_events({IMAGE: self._image, SIGNAL: self._signal})

    @property
    def n_events(self) -> int:
        return len(self._signal)

    @property
    def n_voxels(self) -> int:
        return JET_IMAGE.n_voxels

    @property
    def dtype(self) -> np.dtype:
        return floating_type(self._image)

    @property
    def compression(self) -> str | None:
        return self._image.compression

    @property
    def chunk_rows(self) -> int:
        return self._image.chunks[0] if self._image.chunks else 1

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """As :meth:`ShowerFile.read`; pixels below 0 are 0."""
        pixels = self._read_rows(self._image, start, stop).reshape(stop - start, -1)
        # NaN stays, and is found when the contents are checked
        return np.multiply(np.maximum(pixels, 0), 1e3, out=out, dtype=self.dtype)

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """Class of each jet, shape (n, 1); :class:`DataError` for other numbers than 0 and 1."""
        classes = self._column_values(SIGNAL, self._signal)
        wrong = ~np.isin(classes, (0.0, 1.0))
        if wrong.any():
            row = int(np.argmax(wrong))
            raise DataError(
                f"{self.path}: row {row} of {SIGNAL} is {classes[row]:g}, expected 0 (QCD) or 1 (W boson); remove this "
                "event or write the file again"
            )
        return classes[:, None]

    def wrong_units(self, fraction: float | None) -> str | None:
        """As :meth:`ShowerFile.wrong_units`: pixels in another unit than GeV."""
        low, high = USUAL
        if fraction is None or low < fraction < high:
            return None
        total_gev = fraction * JET_IMAGE.nominal_energy_mev / 1e3
        return (
            f"the pixels of a jet add up to {total_gev:.3g} (median), expected its transverse momentum in GeV, about "
            f"{JET_IMAGE.nominal_energy_mev / 1e3:g}; write {IMAGE} in GeV"
        )

    def _read_incident_energy_mev(self) -> np.ndarray:
        return np.full(self.n_events, JET_IMAGE.nominal_energy_mev)
