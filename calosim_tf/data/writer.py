"""Files of showers, written block by block and all or nothing (no TensorFlow)."""

from __future__ import annotations

import os
from abc import ABC, abstractmethod
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import flush_to_disk, move
from calosim_tf.geometry import VoxelDetector

COMPRESSIONS = ("gzip", "none")
GZIP_LEVEL = 1


class ShowerWriter(ABC):
    """Showers and their incident particles to a new HDF5 file; use as a context manager.

    The file appears under its name when the ``with`` block ends with all events written, and not at all otherwise.

    Parameters
    ----------
    path : Path
    n_voxels, n_events : int
    compression : {"gzip", "none"}
        Every chunk gets HDF5's Fletcher-32 checksum, so that a flipped bit shows when it is read.
    attributes : mapping of str to str or number, optional
        Attributes of the file; ``source`` is what readers show beside numbers.
    overwrite : bool
        Replace an existing file.
    detector : VoxelDetector, optional
        Whose record says units and attributes; without one they are MeV and none.

    Raises
    ------
    ConfigError
        The file exists or is to be npz, its folder does not exist, or the compression is unknown.
    DataError
        The file cannot be written (disk full, no permission).
    """

    def __init__(
        self,
        path: str | os.PathLike,
        n_voxels: int,
        n_events: int,
        compression: str = "gzip",
        attributes: Mapping[str, object] | None = None,
        *,
        overwrite: bool = False,
        detector: VoxelDetector | None = None,
    ):
        self.path = Path(path)
        if compression not in COMPRESSIONS:
            raise ConfigError(f"compression {compression!r} is unknown, expected one of {', '.join(COMPRESSIONS)}")
        if n_events < 1:
            raise ConfigError(f"{self.path}: {n_events} showers to write, expected at least one")
        if self.path.suffix.lower() == ".npz":
            raise ConfigError(
                f"{self.path}: showers are written as HDF5, expected a name that ends in .hdf5; `calosim data convert "
                "FILE.hdf5 --to lhcb --out FILE.npz` makes npz of LHCb files"
            )
        if self.path.is_dir():
            raise ConfigError(f"{self.path}: is a folder, expected the name of a file to write")
        if self.path.exists() and not overwrite:
            raise ConfigError(f"{self.path}: exists already; give another name or --force to replace it")
        if not self.path.parent.is_dir():
            raise ConfigError(f"{self.path}: its folder {self.path.parent} does not exist; create it first")
        self._shape = (n_events, n_voxels)
        self._detector = detector
        self._gzip = compression == "gzip"
        self._attributes = dict(attributes or {})
        self._partial = self.path.with_name(f".{self.path.name}.partial-{os.getpid()}")
        self._n_showers = 0

    def __enter__(self) -> ShowerWriter:
        with ExitStack() as clean_up:
            try:
                self._sink = clean_up.enter_context(PatientFile(self._partial))
            except OSError as error:
                raise self._cannot_write(error) from error
            clean_up.callback(self._partial.unlink, missing_ok=True)
            self._enter_more(clean_up)
            self._file = clean_up.enter_context(h5py.File(self._sink, "w"))
            self._create_datasets()
            for name, value in self._attributes.items():
                self._file.attrs[name] = value
            self._clean_up = clean_up.pop_all()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_rest: object) -> None:
        with self._clean_up:
            if kind is None:
                self._finish()

    def set_attribute(self, name: str, value: object) -> None:
        """Set an attribute of the file."""
        self._file.attrs[name] = value

    def append(
        self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray, attributes: np.ndarray | None = None
    ) -> None:
        """Add showers behind those already written.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        showers_mev : ndarray, shape (n, n_voxels)
            MeV, stored as float32.
        attributes : ndarray, shape (n, attributes of the detector), optional
            Of the incident particles, for layouts that hold them.
        """
        n_new = len(showers_mev)
        if len(incident_energy_mev) != n_new or showers_mev.shape[1:] != self._shape[1:]:
            raise ValueError(f"got {len(incident_energy_mev)} energies and showers of shape {showers_mev.shape}")
        if self._n_showers + n_new > self._shape[0]:
            raise ValueError(f"{self._n_showers + n_new} showers appended, {self._shape[0]} announced")
        self._append(incident_energy_mev, showers_mev, attributes)
        self._check_written()

    def _enter_more(self, clean_up: ExitStack) -> None:
        """What a layout needs while the file is open; nothing by default."""
        return

    @abstractmethod
    def _create_datasets(self) -> None:
        """Make the empty datasets of the layout in ``self._file``."""

    @abstractmethod
    def _append(self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray, attributes: np.ndarray | None) -> None:
        """Write checked rows and count them in ``self._n_showers``."""

    def _finish_datasets(self) -> None:
        """Write what is still held back; nothing unless a layout holds something."""
        return

    def _filters(self) -> dict[str, object]:
        packed = {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True} if self._gzip else {}
        return packed | {"fletcher32": True}

    def _finish(self) -> None:
        if self._n_showers != self._shape[0]:
            raise ValueError(f"{self._n_showers} showers appended, {self._shape[0]} announced")
        self._finish_datasets()
        self._file.close()
        self._check_written()
        try:
            flush_to_disk(self._partial)
            move(self._partial, self.path)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _check_written(self) -> None:
        error = self._sink.error
        if isinstance(error, OSError):
            raise self._cannot_write(error) from error
        if error is not None:
            raise error

    def _cannot_write(self, error: OSError) -> DataError:
        reason = (error.strerror or str(error)).lower()
        return DataError(f"{self.path}: cannot be written ({reason}); free space or choose another folder")
