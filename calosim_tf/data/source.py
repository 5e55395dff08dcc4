"""Random access to showers, in memory or on disk, split into training and held-out rows (no TensorFlow)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from os import PathLike

import numpy as np

from calosim_tf.data.batches.order import BLOCK_ROWS, ShuffledRows
from calosim_tf.data.contents import check_contents
from calosim_tf.data.memory import memory_bytes
from calosim_tf.data.readers import close_showers, open_showers, particle_attributes, source_label
from calosim_tf.data.schema import ShowerSet, holdout_rows
from calosim_tf.data.shower_file import ShowerFile, incident_energies_mev
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.same_energy import within

__all__ = ["ShowerSource", "ShuffledRows", "load_source", "memory_bytes"]

# Half of the memory is left to the networks and half of the rest to other programs: our choice.
MEMORY_FRACTION = 0.25
# Showers that are read from disk together take at most this much: 4096 pions do, cubes of 25^3 cells are fewer.
MAX_BLOCK_BYTES = 10 * 2**20
# Showers shuffled together when they come from disk: 32 blocks of 4096, as many as the whole public photon file.
MAX_GROUP_ROWS = 32 * 4096
# An error names the energies present up to this number of them.
_MAX_LISTED = 20


class ShowerSource:
    """Selected showers with random access; rows are counted within the selection.  Made by :func:`load_source`.

    Attributes
    ----------
    detector : VoxelDetector
    incident_energy_mev : ndarray of float64, shape (n,)
        As in the files, MeV.
    attributes : ndarray of float64, shape (n, len(detector.attributes))
        What the files say of the incident particles besides their energy.
    train_rows, holdout_rows : ndarray of int64
        Ascending, disjoint, together all rows.
    files : list of dict
        ``path``, ``sha256``, ``bytes``, ``events``.
    source_label : str
        Provenance label, shown next to numbers.
    group_rows : int or None
        To hand to :class:`ShuffledRows`; None when the showers are in memory.

    Notes
    -----
    The argument ``rows`` names the rows of ``showers`` that are selected, all of them unless given.
    """

    def __init__(
        self,
        detector: VoxelDetector,
        incident_energy_mev: np.ndarray,
        holdout: np.ndarray,
        showers: np.ndarray | StreamedRows,
        files: list[dict],
        source_label: str,
        attributes: np.ndarray | None = None,
        rows: np.ndarray | None = None,
    ):
        self.detector = detector
        self.incident_energy_mev = incident_energy_mev
        self.holdout_rows = np.flatnonzero(holdout)
        self.train_rows = np.flatnonzero(~holdout)
        self.files = files
        self.source_label = source_label
        self.attributes = np.empty((len(incident_energy_mev), 0)) if attributes is None else attributes
        self._showers = showers
        self._rows = rows

    def __len__(self) -> int:
        return len(self.incident_energy_mev)

    @property
    def in_memory(self) -> bool:
        return isinstance(self._showers, np.ndarray)

    @property
    def group_rows(self) -> int | None:
        return None if self.in_memory else self._showers.group_blocks * self.block_rows

    @property
    def block_rows(self) -> int:
        """Training showers per block, to hand to :class:`ShuffledRows`."""
        return rows_per_block(self.detector.n_voxels)

    def read(self, rows: np.ndarray) -> np.ndarray:
        """Showers of ``rows`` in that order, MeV, float32, shape (len(rows), n_voxels)."""
        return self._showers.take(rows if self._rows is None else self._rows[rows], axis=0)

    def total_energy_mev(self, rows: np.ndarray) -> np.ndarray:
        """Sum over the voxels of each shower of ``rows``, MeV, float64."""
        blocks = (self.read(rows[i : i + self.block_rows]) for i in range(0, len(rows), self.block_rows))
        return np.concatenate([block.sum(axis=1, dtype=np.float64) for block in blocks])

    def within(self, energy_min_mev: float | None, energy_max_mev: float | None) -> ShowerSource:
        """Showers of a range of incident energy, both ends included, on the same data.

        What is held out here is held out there: the part is cut from this selection, not chosen again.

        Raises
        ------
        DataError
            No event in the range.
        """
        rows = np.flatnonzero(_select(self.incident_energy_mev, energy_min_mev, energy_max_mev))
        holdout = np.isin(rows, self.holdout_rows, assume_unique=True)
        energy = self.incident_energy_mev[rows]
        if self.in_memory:
            showers, chosen = self._showers, rows if self._rows is None else self._rows[rows]
        else:
            showers, chosen = self._showers.part(rows, np.flatnonzero(~holdout)[:: self.block_rows]), None
        return ShowerSource(
            self.detector, energy, holdout, showers, self.files, self.source_label, self.attributes[rows], chosen
        )

    def holdout_set(self, max_events: int | None = None) -> ShowerSet:
        """Showers that are never trained on; at most ``max_events``, then evenly over the energies."""
        return self._set(self.holdout_rows, max_events)

    def train_set(self, max_events: int | None = None) -> ShowerSet:
        """Showers that are trained on; at most ``max_events``, then evenly over the energies."""
        return self._set(self.train_rows, max_events)

    def _set(self, rows: np.ndarray, max_events: int | None) -> ShowerSet:
        if max_events is not None and max_events < len(rows):
            rows = rows[holdout_rows(self.incident_energy_mev[rows], max_events / len(rows))]
        return ShowerSet(
            self.incident_energy_mev[rows], self.read(rows), self.detector, self.source_label, self.attributes[rows]
        )


def default_memory_limit(processes: int = 1) -> int:
    """Bytes of showers that each of this many processes on this machine may keep in memory."""
    return int(MEMORY_FRACTION * memory_bytes()) // processes


def load_source(
    paths: str | PathLike | Sequence[str | PathLike],
    detector: VoxelDetector,
    *,
    energy_min_mev: float | None = None,
    energy_max_mev: float | None = None,
    holdout_fraction: float = 0.2,
    memory_limit_bytes: int | None = None,
) -> ShowerSource:
    """Check the files in one pass and give random access to the showers of an energy range.

    Parameters
    ----------
    paths : path or sequence of paths
        Files in the layout of the detector.
    detector : VoxelDetector
    energy_min_mev, energy_max_mev : float, optional
        Range of incident energy, both ends included.
    holdout_fraction : float
        Part of the selection that is never trained on, in [0, 1).
    memory_limit_bytes : int, optional
        Showers that need more are streamed from disk; a quarter of the memory unless given.

    Raises
    ------
    DataError
        Bad file, or no event in the range.
    """
    limit = default_memory_limit() if memory_limit_bytes is None else memory_limit_bytes
    files = open_showers(paths, detector)
    streamed = False
    try:
        incident = incident_energies_mev(files)
        selected = _select(incident, energy_min_mev, energy_max_mev)
        streamed = int(selected.sum()) * _row_bytes(detector.n_voxels) > limit
        contents = check_contents(files, keep=None if streamed else selected)
        holdout = holdout_rows(incident[selected], holdout_fraction)
        showers = contents.showers_mev
        if streamed:
            block_starts = np.flatnonzero(~holdout)[:: rows_per_block(detector.n_voxels)]
            showers = StreamedRows(files, np.flatnonzero(selected), block_starts, limit)
        attributes = particle_attributes(files, detector)[selected]
        return ShowerSource(
            detector, incident[selected], holdout, showers, contents.files, source_label(files), attributes
        )
    finally:
        if not streamed:
            close_showers(files)


class StreamedRows:
    """Rows read from disk block by block; the blocks used last stay in memory.

    Parameters
    ----------
    files : sequence of ShowerFile
        Stay open.
    selected : ndarray of int64
        Row numbers over all files, ascending.
    block_starts : ndarray of int64
        Positions in ``selected`` where blocks begin.  They are the blocks of :class:`ShuffledRows`, so that a group of
        blocks in training is the same number of blocks here.
    limit_bytes : int
        Memory for blocks; at least two are kept.
    """

    def __init__(self, files: Sequence[ShowerFile], selected: np.ndarray, block_starts: np.ndarray, limit_bytes: int):
        self._files = files
        self._file_starts = np.concatenate([[0], np.cumsum([file.n_events for file in files])])
        self._selected = selected
        self._edges = np.concatenate([[0], block_starts[1:], [len(selected)]])
        self._limit_bytes = limit_bytes
        block_bytes = int(np.diff(self._edges).max()) * _row_bytes(files[0].n_voxels)
        self._capacity = max(2, limit_bytes // block_bytes)
        self._blocks: OrderedDict[int, np.ndarray] = OrderedDict()

    @property
    def group_blocks(self) -> int:
        """Blocks to shuffle together: two groups fit into memory, since a batch may span two."""
        most = max(1, MAX_GROUP_ROWS // rows_per_block(self._files[0].n_voxels))
        return min(most, self._capacity // 2)

    def part(self, rows: np.ndarray, block_starts: np.ndarray) -> StreamedRows:
        """Some of these rows, with separate blocks."""
        return StreamedRows(self._files, self._selected[rows], block_starts, self._limit_bytes)

    def take(self, rows: np.ndarray, axis: int = 0) -> np.ndarray:
        """Like ``ndarray.take`` along axis 0."""
        rows = np.asarray(rows)
        result = np.empty((len(rows), self._files[0].n_voxels), dtype=np.float32)
        block_of_row = np.searchsorted(self._edges, rows, side="right") - 1
        for block in np.unique(block_of_row):
            wanted = block_of_row == block
            result[wanted] = self._block(int(block))[rows[wanted] - self._edges[block]]
        return result

    def _block(self, block: int) -> np.ndarray:
        if block in self._blocks:
            self._blocks.move_to_end(block)
            return self._blocks[block]
        while len(self._blocks) >= self._capacity:
            self._blocks.popitem(last=False)
        self._blocks[block] = self._load(self._selected[self._edges[block] : self._edges[block + 1]])
        return self._blocks[block]

    def _load(self, rows: np.ndarray) -> np.ndarray:
        """Read ascending row numbers (over all files)."""
        result = np.empty((len(rows), self._files[0].n_voxels), dtype=np.float32)
        for file, file_start in zip(self._files, self._file_starts[:-1], strict=True):
            first, last = np.searchsorted(rows, (file_start, file_start + file.n_events))
            if first == last:
                continue
            in_file = rows[first:last] - file_start
            for start, stop in file.block_ranges(int(in_file[0]), int(in_file[-1]) + 1):
                a, b = np.searchsorted(in_file, (start, stop))
                if a < b:
                    result[first + a : first + b] = file.read(start, stop)[in_file[a:b] - start]
        return result


def rows_per_block(n_voxels: int) -> int:
    """Training showers of ``n_voxels`` that are read from disk together."""
    return max(1, min(BLOCK_ROWS, MAX_BLOCK_BYTES // _row_bytes(n_voxels)))


def _row_bytes(n_voxels: int) -> int:
    return n_voxels * np.dtype(np.float32).itemsize


def _select(incident_mev: np.ndarray, minimum: float | None, maximum: float | None) -> np.ndarray:
    low = -np.inf if minimum is None else minimum
    high = np.inf if maximum is None else maximum
    selected = within(incident_mev, low, high)
    if not selected.any():
        present = np.unique(incident_mev)
        if len(present) <= _MAX_LISTED:
            listed = ", ".join(f"{energy:g}" for energy in present)
        else:
            listed = f"{present[0]:g} to {present[-1]:g}"
        raise DataError(
            f"no event has an incident energy of {low:g} to {high:g} MeV; the data hold {listed} MeV: "
            "give data of that range, or change data.energy_min_mev or data.energy_max_mev"
        )
    return selected
