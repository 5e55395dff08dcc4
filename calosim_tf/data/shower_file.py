"""One file in the CaloChallenge HDF5 layout (no TensorFlow).

A file holds ``incident_energies`` (N, 1) and ``showers`` (N, n_voxels), both in MeV, float64 in the public files and
float32 in most others, with any compression.  Opening is cheap and looks at the structure; the numbers are checked
by :func:`calosim_tf.data.contents.check_contents` while they are read.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from functools import cached_property
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, open_hdf5, plain_attribute, short_reason
from calosim_tf.errors import DataError
from calosim_tf.geometry import DETECTORS, VoxelDetector

ENERGIES = "incident_energies"
SHOWERS = "showers"

# Voxel counts of the published CaloChallenge layouts (https://calochallenge.github.io/homepage/).
PUBLISHED_VOXEL_COUNTS = {
    368: "CaloChallenge data set 1, photons",
    533: "CaloChallenge data set 1, pions",
    6480: "CaloChallenge data set 2",
    40500: "CaloChallenge data set 3",
}

# Small enough to stay near the processor between reading and checking, large enough to hide the cost of a call.
BLOCK_BYTES = 4 * 2**20
# A compressed chunk is unpacked as a whole, so blocks follow the chunks unless those are out of all proportion.
MAX_CHUNK_BAND_BYTES = 512 * 2**20


class ShowerFile:
    """One open file in the CaloChallenge layout; use as a context manager or :meth:`close` it.

    Parameters
    ----------
    path : path
    detector : VoxelDetector or None
        Whose voxels the file must have; ``None`` accepts any number.

    Attributes
    ----------
    path : Path
    n_events, n_voxels : int
    dtype : numpy.dtype
        Of ``showers`` in the file.
    attributes : dict
        Attributes of the file.

    Raises
    ------
    DataError
        The file is missing, unreadable, cut, no HDF5, or not in the layout.
    """

    def __init__(self, path: str | PathLike, detector: VoxelDetector | None = None):
        self.path = Path(path)
        self._file = open_hdf5(self.path)
        try:
            self._energies = self._dataset(ENERGIES)
            self._showers = self._dataset(SHOWERS)
            self._check_structure(detector)
            self.attributes = {name: plain_attribute(value) for name, value in self._file.attrs.items()}
        except HDF5_FAILURES as error:
            self.close()
            raise DataError(f"{self.path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error
        except DataError:
            self.close()
            raise

    def __enter__(self) -> ShowerFile:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        self._file.close()

    @property
    def n_events(self) -> int:
        return self._showers.shape[0]

    @property
    def n_voxels(self) -> int:
        return self._showers.shape[1]

    @property
    def dtype(self) -> np.dtype:
        return self._showers.dtype

    @property
    def compression(self) -> str | None:
        """Name of the compression of ``showers``, or None."""
        return self._showers.compression

    @property
    def n_bytes(self) -> int:
        """Size of the file in bytes."""
        return self.path.stat().st_size

    @cached_property
    def incident_energy_mev(self) -> np.ndarray:
        """Incident energies, float64, shape (n_events,), as in the file; all finite and positive.

        Raises
        ------
        DataError
            Names the first row that is not a positive number.
        """
        values = self._read(self._energies, 0, self.n_events)[:, 0].astype(np.float64)
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row = int(np.argmax(bad))
            raise DataError(
                f"{self.path}: row {row} of {ENERGIES} is {values[row]:g}, expected a positive energy in MeV "
                f"({int(bad.sum())} of {self.n_events} rows are bad); remove these rows or write the file again"
            )
        return values

    def block_ranges(self, start: int = 0, stop: int | None = None) -> Iterator[tuple[int, int]]:
        """Row ranges (first, behind the last) that cover ``start`` ... ``stop`` and follow the compressed chunks."""
        stop = self.n_events if stop is None else stop
        while start < stop:
            end = min(stop, (start // self.block_rows + 1) * self.block_rows)
            yield start, end
            start = end

    @cached_property
    def block_rows(self) -> int:
        """Rows per block of :meth:`block_ranges`."""
        row_bytes = self.n_voxels * self.dtype.itemsize
        rows = max(1, BLOCK_BYTES // row_bytes)
        chunk_rows = self._showers.chunks[0] if self._showers.chunks else 1
        if chunk_rows * row_bytes <= MAX_CHUNK_BAND_BYTES:
            rows = math.ceil(rows / chunk_rows) * chunk_rows
        return rows

    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """Rows ``start`` ... ``stop - 1`` of ``showers``, MeV, in the precision of the file.

        Parameters
        ----------
        start, stop : int
        out : ndarray of the file's dtype, C-contiguous, shape (stop - start, n_voxels), optional
            Where to put them.

        Returns
        -------
        ndarray, shape (stop - start, n_voxels), native byte order

        Raises
        ------
        DataError
            These rows are damaged (a corrupt compressed chunk shows only here).
        """
        return self._read(self._showers, start, stop, out)

    def _read(self, dataset: h5py.Dataset, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        try:
            if out is None:
                out = np.empty((stop - start, *dataset.shape[1:]), dtype=dataset.dtype.newbyteorder("="))
            if out.size:
                dataset.read_direct(out, np.s_[start:stop])
        except HDF5_FAILURES as error:
            name = dataset.name.strip("/")
            raise DataError(
                f"{self.path}: rows {start} to {stop - 1} of {name} cannot be read ({short_reason(error)}); {GET_AGAIN}"
            ) from error
        return out

    def _dataset(self, name: str) -> h5py.Dataset:
        if name not in self._file:
            found = ", ".join(ascii(key) for key in sorted(self._file)[:8]) or "nothing"
            raise DataError(f"{self.path}: no dataset {name!r}, found {found}; expected {ENERGIES} and {SHOWERS}")
        dataset = self._file[name]
        if not isinstance(dataset, h5py.Dataset):
            raise DataError(f"{self.path}: {name!r} is a group, expected a dataset of numbers")
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (4, 8):
            raise DataError(f"{self.path}: {name} holds {dataset.dtype}, expected float32 or float64 in MeV")
        creation = dataset.id.get_create_plist()
        for code, *_settings in (creation.get_filter(index) for index in range(creation.get_nfilters())):
            if not h5py.h5z.filter_avail(code):
                raise DataError(
                    f"{self.path}: {name} is packed with HDF5 filter {code}, which is not installed; expected gzip: "
                    "rewrite the file with 'h5repack -f GZIP=1'"
                )
        return dataset

    def _check_structure(self, detector: VoxelDetector | None) -> None:
        energies, showers = self._energies, self._showers
        if showers.ndim != 2:
            raise DataError(f"{self.path}: {SHOWERS} has shape {showers.shape}, expected (events, voxels)")
        if energies.ndim != 2 or energies.shape[1] != 1:
            raise DataError(f"{self.path}: {ENERGIES} has shape {energies.shape}, expected ({len(showers)}, 1)")
        if len(energies) != len(showers):
            raise DataError(
                f"{self.path}: {len(energies)} {ENERGIES} but {len(showers)} {SHOWERS}, expected equal numbers; "
                "the file was not written to its end or its parts do not belong together"
            )
        if len(showers) == 0:
            raise DataError(f"{self.path}: holds no events, expected at least one")
        if detector is not None and self.n_voxels != detector.n_voxels:
            raise DataError(
                f"{self.path}: {self.n_voxels} voxels per shower{describe_voxel_count(self.n_voxels)}, "
                f"expected {detector.n_voxels} for detector {detector.name!r}; use the file with its own detector"
            )
        for dataset in (energies, showers):
            self._check_written(dataset)

    def _check_written(self, dataset: h5py.Dataset) -> None:
        """Room that was reserved and never filled reads as zeros: the job that made the file was stopped."""
        name = dataset.name.strip("/")
        if dataset.chunks is None:
            if dataset.id.get_storage_size() == 0 and not dataset.external and not dataset.is_virtual:
                raise DataError(f"{self.path}: {name} was never written; {GET_AGAIN}")
            return
        expected = math.prod(math.ceil(n / chunk) for n, chunk in zip(dataset.shape, dataset.chunks, strict=True))
        written = dataset.id.get_num_chunks()
        if written < expected:
            raise DataError(f"{self.path}: only {written} of {expected} chunks of {name} were written; {GET_AGAIN}")


def describe_voxel_count(n_voxels: int) -> str:
    """`` (that is detector 'photon')`` for a known number of voxels, otherwise an empty string."""
    for detector in DETECTORS.values():
        if detector.n_voxels == n_voxels:
            return f" (that is detector {detector.name!r})"
    if n_voxels in PUBLISHED_VOXEL_COUNTS:
        return f" (that is {PUBLISHED_VOXEL_COUNTS[n_voxels]})"
    return ""
