"""Files of showers in HDF5: datasets that are checked as they are opened (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, open_hdf5, plain_attribute, short_reason
from calosim_tf.data.layouts.hdf5_storage import require_link, storage_files
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector


class Hdf5ShowerFile(ShowerFile):
    """An HDF5 file of showers; a layout says what its datasets are.

    Attributes
    ----------
    expected : str
        Datasets of the layout, in words for messages.
    """

    expected: ClassVar[str]

    def _open(self, detector: VoxelDetector | None) -> None:
        self._files: list[Path] = [self.path]
        self._file = open_hdf5(self.path)
        try:
            self._open_datasets(detector)
            self.attributes = {name: plain_attribute(value) for name, value in self._file.attrs.items()}
        except HDF5_FAILURES as error:
            self.close()
            raise DataError(f"{self.path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error
        except DataError:
            self.close()
            raise

    def _open_datasets(self, detector: VoxelDetector | None) -> None:
        raise TypeError(f"{type(self).__name__} opens no datasets")

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    @property
    def files(self) -> tuple[Path, ...]:
        return tuple(self._files)

    def _read_rows(self, dataset: h5py.Dataset, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
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
        """Dataset of floating-point numbers that can be unpacked here."""
        require_link(self._file, name, self.path)
        if name not in self._file:
            found = ", ".join(ascii(key) for key in sorted(self._file)[:8]) or "nothing"
            raise DataError(f"{self.path}: no dataset {name!r}, found {found}; expected {self.expected}")
        dataset = self._file[name]
        if not isinstance(dataset, h5py.Dataset):
            raise DataError(f"{self.path}: {name!r} is a group, expected a dataset of numbers")
        if dataset.dtype.kind != "f" or dataset.dtype.itemsize not in (4, 8):
            raise DataError(f"{self.path}: {name} holds {dataset.dtype}, expected float32 or float64")
        if dataset.ndim == 0:
            raise DataError(f"{self.path}: {name} has shape (), expected one row per event")
        self._files = list(dict.fromkeys([*self._files, *storage_files(dataset, self.path)]))
        return dataset

    def _column(self, name: str) -> h5py.Dataset:
        """Dataset of one number per event, shape (N,) or (N, 1)."""
        dataset = self._dataset(name)
        if dataset.shape not in ((len(dataset),), (len(dataset), 1)):
            raise DataError(f"{self.path}: {name} has shape {dataset.shape}, expected ({len(dataset)}, 1)")
        return dataset

    def _column_values(self, name: str, dataset: h5py.Dataset) -> np.ndarray:
        """All numbers of a column, float64, shape (N,); :class:`DataError` names the first that is not finite."""
        values = self._read_rows(dataset, 0, len(dataset)).reshape(-1).astype(np.float64)
        if not np.isfinite(values).all():
            row = int(np.argmin(np.isfinite(values)))
            raise DataError(
                f"{self.path}: row {row} of {name} is {values[row]:g}, expected a number; remove this event"
            )
        return values

    def _require_events(self, datasets: dict[str, h5py.Dataset]) -> None:
        """As many rows in all datasets, at least one."""
        lengths = {name: len(dataset) for name, dataset in datasets.items()}
        if len(set(lengths.values())) > 1:
            found = " but ".join(f"{length} {name}" for name, length in _two_that_differ(lengths))
            raise DataError(
                f"{self.path}: {found}, expected equal numbers; "
                "the file was not written to its end or its parts do not belong together"
            )
        if not all(lengths.values()):
            raise DataError(f"{self.path}: holds no events, expected at least one")


def _two_that_differ(lengths: dict[str, int]) -> list[tuple[str, int]]:
    first = next(iter(lengths))
    other = next(name for name, length in lengths.items() if length != lengths[first])
    return [(first, lengths[first]), (other, lengths[other])]
