"""Writer of the CaloChallenge HDF5 layout, block by block and all or nothing (no TensorFlow)."""

from __future__ import annotations

import os
import zlib
from collections import deque
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.calochallenge_file import ENERGIES, SHOWERS
from calosim_tf.data.hdf5 import PatientFile
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import flush_to_disk

COMPRESSIONS = ("gzip", "none")

# Of the order of a megabyte: small enough to stay near the processor, and 1024 rows of 368 voxels.
CHUNK_BYTES = 1024 * 368 * 4
GZIP_LEVEL = 1
MAX_THREADS = 4


class ShowerWriter:
    """Showers and their incident energies to a new file; use as a context manager.

    The file appears under its name when the ``with`` block ends with all events written, and not at all otherwise.

    Chunks are shuffled and compressed by threads of our own, because HDF5 compresses in one.  Only runs are searched
    for (``Z_RLE``): mantissas do not repeat, so this takes about half the time of the usual level 1 and gives smaller
    files.  The result is the ordinary shuffle + gzip of HDF5, and zlib adds a checksum (Adler-32) to each chunk.
    Uncompressed chunks get HDF5's Fletcher-32 instead.

    Parameters
    ----------
    path : Path
    n_voxels, n_events : int
        Shape of ``showers``.
    compression : {"gzip", "none"}
    attributes : mapping of str to str or number, optional
        Attributes of the file; ``source`` is what readers show beside numbers.
    overwrite : bool
        Replace an existing file.

    Raises
    ------
    ConfigError
        The file exists, its folder does not, or the compression is unknown.
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
    ):
        self.path = Path(path)
        if compression not in COMPRESSIONS:
            raise ConfigError(f"compression {compression!r} is unknown, expected one of {', '.join(COMPRESSIONS)}")
        if n_events < 1:
            raise ConfigError(f"{self.path}: {n_events} showers to write, expected at least one")
        if self.path.is_dir():
            raise ConfigError(f"{self.path}: is a folder, expected the name of a file to write")
        if self.path.exists() and not overwrite:
            raise ConfigError(f"{self.path}: exists already; give another name or --force to replace it")
        if not self.path.parent.is_dir():
            raise ConfigError(f"{self.path}: its folder {self.path.parent} does not exist; create it first")
        self._shape = (n_events, n_voxels)
        self._gzip = compression == "gzip"
        self._attributes = dict(attributes or {})
        self._partial = self.path.with_name(f".{self.path.name}.partial-{os.getpid()}")
        self._chunk = np.zeros((max(1, min(n_events, CHUNK_BYTES // (4 * n_voxels))), n_voxels), dtype=np.float32)
        self._n_energies = self._n_showers = 0
        self._n_threads = min(MAX_THREADS, os.cpu_count() or 1)
        self._pending: deque[tuple[int, Future]] = deque()

    def __enter__(self) -> ShowerWriter:
        with ExitStack() as clean_up:
            try:
                self._sink = clean_up.enter_context(PatientFile(self._partial))
            except OSError as error:
                raise self._cannot_write(error) from error
            clean_up.callback(self._partial.unlink, missing_ok=True)
            self._threads = clean_up.enter_context(ThreadPoolExecutor(self._n_threads))
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

    def append(self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray) -> None:
        """Add showers behind those already written.

        Parameters
        ----------
        incident_energy_mev : ndarray, shape (n,)
        showers_mev : ndarray, shape (n, n_voxels)
            MeV, stored as float32.
        """
        n_new = len(showers_mev)
        if len(incident_energy_mev) != n_new or showers_mev.shape[1:] != self._shape[1:]:
            raise ValueError(f"got {len(incident_energy_mev)} energies and showers of shape {showers_mev.shape}")
        if self._n_showers + n_new > self._shape[0]:
            raise ValueError(f"{self._n_showers + n_new} showers appended, {self._shape[0]} announced")
        self._file[ENERGIES][self._n_showers : self._n_showers + n_new, 0] = incident_energy_mev
        self._append_showers(showers_mev)
        self._check_written()

    def _create_datasets(self) -> None:
        # track_times is off in h5py: the same showers give the same bytes
        filters: dict[str, object] = {"fletcher32": True}
        if self._gzip:
            filters = {"compression": "gzip", "compression_opts": GZIP_LEVEL, "shuffle": True}
        n_events = self._shape[0]
        energy_chunk = (min(n_events, CHUNK_BYTES // 4), 1)
        energies = self._file.create_dataset(ENERGIES, (n_events, 1), np.float32, chunks=energy_chunk, **filters)
        showers = self._file.create_dataset(SHOWERS, self._shape, np.float32, chunks=self._chunk.shape, **filters)
        for dataset in (energies, showers):
            dataset.attrs["units"] = "MeV"

    def _append_showers(self, showers_mev: np.ndarray) -> None:
        taken = 0
        while taken < len(showers_mev):
            at = self._n_showers % len(self._chunk)
            part = showers_mev[taken : taken + len(self._chunk) - at]
            self._chunk[at : at + len(part)] = part
            taken += len(part)
            self._n_showers += len(part)
            if self._n_showers % len(self._chunk) == 0:
                self._write_chunk()

    def _write_chunk(self) -> None:
        """Hand the full (or last) chunk on; memory is bounded by the number of chunks under way."""
        first = (self._n_showers - 1) // len(self._chunk) * len(self._chunk)
        if not self._gzip:
            self._file[SHOWERS][first : self._n_showers] = self._chunk[: self._n_showers - first]
            return
        self._pending.append((first, self._threads.submit(_shuffle_and_compress, self._chunk)))
        self._chunk = np.zeros_like(self._chunk)
        while len(self._pending) > 2 * self._n_threads:
            self._store_oldest()

    def _store_oldest(self) -> None:
        first, compressed = self._pending.popleft()
        self._file[SHOWERS].id.write_direct_chunk((first, 0), compressed.result())

    def _finish(self) -> None:
        if self._n_showers != self._shape[0]:
            raise ValueError(f"{self._n_showers} showers appended, {self._shape[0]} announced")
        if self._n_showers % len(self._chunk):
            self._write_chunk()
        while self._pending:
            self._store_oldest()
        self._file.close()
        self._check_written()
        try:
            flush_to_disk(self._partial)
            self._partial.replace(self.path)
        except OSError as error:
            raise self._cannot_write(error) from error

    def _check_written(self) -> None:
        if self._sink.error is not None:
            raise self._cannot_write(self._sink.error) from self._sink.error

    def _cannot_write(self, error: OSError) -> DataError:
        reason = (error.strerror or str(error)).lower()
        return DataError(f"{self.path}: cannot be written ({reason}); free space or choose another folder")


def _shuffle_and_compress(chunk: np.ndarray) -> bytes:
    """What HDF5's shuffle and gzip filters make of a float32 chunk: first bytes of all numbers, second bytes, ..."""
    shuffled = np.ascontiguousarray(chunk.view(np.uint8).reshape(-1, chunk.itemsize).T)
    packer = zlib.compressobj(GZIP_LEVEL, strategy=zlib.Z_RLE)
    return packer.compress(shuffled) + packer.flush()
