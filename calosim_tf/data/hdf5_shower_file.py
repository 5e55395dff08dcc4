"""Files of showers in HDF5: datasets that are checked as they are opened (no TensorFlow)."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import h5py
import numpy as np

from calosim_tf.data.hdf5 import (
    GET_AGAIN,
    HDF5_FAILURES,
    dataset_paths,
    key_in,
    open_hdf5,
    plain_attribute,
    short_reason,
)
from calosim_tf.data.layouts.hdf5_storage import require_link, storage_files
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector

# Datasets that a message lists at most
MOST_NAMED = 8


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
                out = np.empty((stop - start, *dataset.shape[1:]), dtype=floating_type(dataset))
            if out.size:
                dataset.read_direct(out, np.s_[start:stop])
        except HDF5_FAILURES as error:
            name = dataset.name.strip("/")
            raise DataError(
                f"{self.path}: rows {start} to {stop - 1} of {name} cannot be read ({short_reason(error)}); {GET_AGAIN}"
            ) from error
        return out

    def _dataset(self, name: str) -> h5py.Dataset:
        """Dataset of numbers that can be unpacked here, under its name in the layout."""
        key = key_in(self._file, name, self.keys)
        require_link(self._file, key, self.path)
        if key not in self._file:
            paths = dataset_paths(self._file)
            found = ", ".join(ascii(path) for path in paths[:MOST_NAMED]) or "nothing"
            raise DataError(
                f"{self.path}: no dataset {key!r}, found {found}; expected {self.expected}; other names are given with "
                f"--keys {self._keys_to_give(name, paths)} (training: data.keys)"
            )
        dataset = self._file[key]
        if not isinstance(dataset, h5py.Dataset):
            raise DataError(f"{self.path}: {key!r} is a group, expected a dataset of numbers")
        if dataset.dtype.kind not in "fiu" or dataset.dtype.itemsize > np.dtype(np.float64).itemsize:
            raise DataError(f"{self.path}: {name} holds {dataset.dtype}, expected float32 or float64")
        if dataset.ndim == 0:
            raise DataError(f"{self.path}: {name} has shape (), expected one row per event")
        self._files = list(dict.fromkeys([*self._files, *storage_files(dataset, self.path)]))
        return dataset

    def _has(self, name: str) -> bool:
        """Whether there is a dataset or group that the layout calls ``name``."""
        return key_in(self._file, name, self.keys) in self._file

    def _keys_to_give(self, missing: str, paths: list[str]) -> str:
        """``NAME=DATASET`` for datasets whose last part is a name of the layout but for case and underscores."""
        plain = {_plain(path.rpartition("/")[2]): path for path in paths}
        given = {name: plain[_plain(name)] for name in self.names if name not in paths and _plain(name) in plain}
        words = {missing: "NAME"} | given
        return " ".join(f"{name}={ascii(path).strip(chr(39))}" for name, path in words.items())

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


def floating_type(dataset: h5py.Dataset) -> np.dtype:
    """What the numbers of a dataset are read as: float32 where that holds all of them, otherwise float64."""
    return np.result_type(dataset.dtype.newbyteorder("="), np.float32)


def _plain(name: str) -> str:
    return name.lower().replace("_", "")


def _two_that_differ(lengths: dict[str, int]) -> list[tuple[str, int]]:
    first = next(iter(lengths))
    other = next(name for name, length in lengths.items() if length != lengths[first])
    return [(first, lengths[first]), (other, lengths[other])]
