"""Writer of the CaloChallenge HDF5 layout (no TensorFlow)."""

from __future__ import annotations

import os
import zlib
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import numpy as np

from calosim_tf.data.layouts.calochallenge_file import ENERGIES, SHOWERS
from calosim_tf.data.writer import GZIP_LEVEL, ShowerWriter

# Of the order of a megabyte: small enough to stay near the processor, and 1024 rows of 368 voxels.
CHUNK_BYTES = 1024 * 368 * 4
MAX_THREADS = 4
UNITS = {1.0: "MeV", 1e3: "GeV"}


class CaloChallengeWriter(ShowerWriter):
    """Writer of ``incident_energies`` and ``showers``, and of the attributes that the detector's record names.

    Chunks are shuffled and compressed by our own threads, because HDF5 compresses in one.  Only runs are searched for
    (``Z_RLE``): mantissas do not repeat, so this takes about half the time of the usual level 1 and gives smaller
    files.  The result is the ordinary shuffle + gzip + Fletcher-32 of HDF5.
    """

    def _enter_more(self, clean_up: ExitStack) -> None:
        n_events, n_voxels = self._shape
        self._chunk = np.zeros((max(1, min(n_events, CHUNK_BYTES // (4 * n_voxels))), n_voxels), dtype=np.float32)
        self._n_threads = min(MAX_THREADS, os.cpu_count() or 1)
        self._pending: deque[tuple[int, Future]] = deque()
        self._threads = clean_up.enter_context(ThreadPoolExecutor(self._n_threads))

    @property
    def _columns(self) -> tuple[str, ...]:
        return () if self._detector is None else self._detector.attributes

    @property
    def _energy_unit_mev(self) -> float:
        return 1.0 if self._detector is None else self._detector.energy_unit_mev

    @property
    def _cell_unit_mev(self) -> float:
        return 1.0 if self._detector is None else self._detector.cell_unit_mev

    def _create_datasets(self) -> None:
        # track_times is off in h5py: the same showers give the same bytes
        n_events, filters = self._shape[0], self._filters()
        energy_chunk = (min(n_events, CHUNK_BYTES // 4), 1)
        energies = self._file.create_dataset(ENERGIES, (n_events, 1), np.float32, chunks=energy_chunk, **filters)
        showers = self._file.create_dataset(SHOWERS, self._shape, np.float32, chunks=self._chunk.shape, **filters)
        for dataset, unit in ((energies, self._energy_unit_mev), (showers, self._cell_unit_mev)):
            dataset.attrs["units"] = UNITS.get(unit, f"{unit:g} MeV")
        for name in self._columns:
            self._file.create_dataset(name, (n_events, 1), np.float32, chunks=energy_chunk, **filters)

    def _append(self, incident_energy_mev: np.ndarray, showers_mev: np.ndarray, attributes: np.ndarray | None) -> None:
        rows = slice(self._n_showers, self._n_showers + len(showers_mev))
        self._file[ENERGIES][rows, 0] = incident_energy_mev / self._energy_unit_mev
        for index, name in enumerate(self._columns):
            self._file[name][rows, 0] = attributes[:, index]
        if self._cell_unit_mev != 1.0:
            showers_mev = showers_mev / self._cell_unit_mev
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
        """Pass the full (or last) chunk on; memory is bounded by the number of chunks under way."""
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

    def _finish_datasets(self) -> None:
        if self._n_showers % len(self._chunk):
            self._write_chunk()
        while self._pending:
            self._store_oldest()


def _shuffle_and_compress(chunk: np.ndarray) -> bytes:
    """What HDF5's shuffle and gzip filters make of a float32 chunk: first bytes of all numbers, second bytes, ..."""
    shuffled = np.ascontiguousarray(chunk.view(np.uint8).reshape(-1, chunk.itemsize).T)
    packer = zlib.compressobj(GZIP_LEVEL, strategy=zlib.Z_RLE)
    packed = packer.compress(shuffled) + packer.flush()
    return packed + fletcher32(packed).to_bytes(4, "little")


def fletcher32(data: bytes) -> int:
    """Fletcher's checksum of 32 bits as HDF5 forms it: of big-endian 16-bit words, an odd last byte is a high one."""
    words = np.frombuffer(data + b"\0" * (len(data) % 2), dtype=">u2").astype(np.uint64)
    # the second sum counts a word once for itself and for each word behind it
    plain, weighted = int(words.sum()), int(words @ np.arange(len(words), 0, -1, dtype=np.uint64))
    # sums in ones' complement: a multiple of 65535 is 65535 and not 0, which only zeros alone give
    low, high = ((value - 1) % 65535 + 1 if value else 0 for value in (plain, weighted))
    return high << 16 | low
