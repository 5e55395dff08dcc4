"""Showers that stay in their file: for sets that do not fit into memory (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike

import numpy as np

from calosim_tf.data.contents import check_contents
from calosim_tf.data.readers import open_showers, particle_attributes, read_showers, source_label
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.geometry import VoxelDetector

# Our choice: in single precision, 350 000 showers of 368 voxels fit, 3 300 of 40 500 do not
MEMORY_BYTES = 2**29
# Rows of one read: neighbours in the file are cheaper to read and drop than to look for one by one
READ_ROWS = 512


class StreamedShowers:
    """Rows of shower files that are read on demand; takes the place of an array (n, n_voxels).

    ``len``, ``shape``, ``dtype`` and reading by a slice, a mask or an array of row numbers; the result of reading is an
    array in memory.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
    """

    def __init__(self, files: Sequence[ShowerFile], rows: np.ndarray | None = None):
        self._files = tuple(files)
        self._starts = np.cumsum([0, *(file.n_events for file in self._files)])
        self._rows = np.arange(self._starts[-1]) if rows is None else rows
        self.shape = (len(self._rows), self._files[0].n_voxels)
        self.dtype = np.dtype(np.float32)

    def __len__(self) -> int:
        return self.shape[0]

    def view(self, rows: slice | np.ndarray) -> StreamedShowers:
        """A part of the showers, not read yet; ``rows`` as for reading."""
        return StreamedShowers(self._files, self._rows[rows])

    def __getitem__(self, rows: slice | np.ndarray) -> np.ndarray:
        wanted = self._rows[rows]
        order = np.argsort(wanted, kind="stable")
        found = np.empty((len(wanted), self.shape[1]), dtype=self.dtype)
        ordered = wanted[order]
        start = 0
        while start < len(ordered):
            file = int(np.searchsorted(self._starts, ordered[start], side="right")) - 1
            first = ordered[start] - self._starts[file]
            last = min(first + READ_ROWS, self._files[file].n_events)
            stop = int(np.searchsorted(ordered, self._starts[file] + last))
            inside = ordered[start:stop] - self._starts[file]
            block = self._files[file].read(int(first), int(inside[-1]) + 1)
            found[order[start:stop]] = block[inside - first]
            start = stop
        return found


def read_or_stream(
    paths: str | PathLike | Sequence[str | PathLike], detector: VoxelDetector, *, physical: bool = True
) -> ShowerSet:
    """All showers of the files, checked: in memory up to 512 MB, else left in their files.

    Parameters and errors are those of :func:`~calosim_tf.data.readers.read_showers`.  Files that are left open are
    closed with the process.
    """
    files = open_showers(paths, detector)
    n_bytes = sum(file.n_events for file in files) * files[0].n_voxels * np.dtype(np.float32).itemsize
    if n_bytes <= MEMORY_BYTES:
        for file in files:
            file.close()
        return read_showers(paths, detector, physical=physical)
    contents = check_contents(files, physical=physical)
    showers = StreamedShowers(files)
    return ShowerSet(
        contents.incident_energy_mev, showers, detector, source_label(files), particle_attributes(files, detector)
    )
