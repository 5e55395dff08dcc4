"""What every file of showers offers, whatever its layout (no TensorFlow).

Opening is cheap and looks at the structure; the numbers are checked by
:func:`calosim_tf.data.contents.check_contents` while they are read.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from functools import cached_property
from os import PathLike
from pathlib import Path
from typing import ClassVar

import numpy as np

from calosim_tf.data.layouts.hit_cells import HitCells
from calosim_tf.data.units import HIGHEST_LOGARITHM
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import VoxelDetector
from calosim_tf.same_energy import one_value_each

# Small enough to stay near the processor between reading and checking, large enough to hide the cost of a call.
BLOCK_BYTES = 4 * 2**20
# A compressed chunk is unpacked as a whole, so blocks follow the chunks unless those are out of all proportion.
MAX_CHUNK_BAND_BYTES = 512 * 2**20


def incident_energies_mev(files: Sequence[ShowerFile]) -> np.ndarray:
    """Incident energies of all files, MeV, float64, shape (n,); those that differ by rounding are made equal.

    Raises
    ------
    DataError
        As ``incident_energy_mev`` of each file.
    """
    return one_value_each(np.concatenate([file.incident_energy_mev for file in files]))


class ShowerFile(ABC):
    """One open file of showers; use as a context manager or :meth:`close` it.

    Parameters
    ----------
    path : path
    detector : VoxelDetector or None
        Whose voxels the file must have; ``None`` accepts any number.
    keys : sequence of (str, str), optional
        As ``file_keys`` of a detector, which are taken unless given.

    Attributes
    ----------
    path : Path
    attributes : dict
        Attributes of the file.
    layout : str
        The layout in words.
    energies_name, showers_name : str
        Names of the energies and of the deposits in the file, for messages.
    names : tuple of str
        What the layout calls its datasets, optional ones included.
    keys : dict of str to str
        Name of the layout to name in the file, where that is another.

    Raises
    ------
    DataError
        The file is missing, unreadable, cut, or not in the layout.
    ConfigError
        ``keys`` has a name that the layout does not have.
    """

    layout: ClassVar[str]
    energies_name: ClassVar[str]
    showers_name: ClassVar[str]
    names: ClassVar[tuple[str, ...]] = ()

    path: Path
    attributes: dict
    keys: dict[str, str]

    def __init__(
        self,
        path: str | PathLike,
        detector: VoxelDetector | None = None,
        keys: Sequence[tuple[str, str]] | None = None,
    ):
        self.path = Path(path)
        self.keys = dict(keys or (detector.file_keys if detector is not None else ()))
        known = (*self.names, *(detector.attributes if detector is not None else ()))
        for name in self.keys:
            if name not in known:
                raise ConfigError(f"keys: found {name!r}, expected names of the layout: {', '.join(known)}")
        self._open(detector)

    def __enter__(self) -> ShowerFile:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    @abstractmethod
    def _open(self, detector: VoxelDetector | None) -> None:
        """Open ``path`` and check its structure."""

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    @property
    @abstractmethod
    def n_events(self) -> int:
        """Showers in the file."""

    @property
    @abstractmethod
    def n_voxels(self) -> int:
        """Numbers of one shower."""

    @property
    @abstractmethod
    def dtype(self) -> np.dtype:
        """Of what :meth:`read` returns."""

    @property
    @abstractmethod
    def compression(self) -> str | None:
        """Name of the compression of the deposits, or None."""

    @property
    @abstractmethod
    def chunk_rows(self) -> int:
        """Showers that are unpacked together."""

    @abstractmethod
    def read(self, start: int, stop: int, out: np.ndarray | None = None) -> np.ndarray:
        """Showers ``start`` ... ``stop - 1``, MeV, in the voxel order of the detector.

        Parameters
        ----------
        start, stop : int
        out : ndarray of ``dtype``, C-contiguous, shape (stop - start, n_voxels), optional
            Where to put them.

        Returns
        -------
        ndarray, shape (stop - start, n_voxels), native byte order

        Raises
        ------
        DataError
            These rows are damaged (a corrupt compressed chunk shows only here).
        """

    @abstractmethod
    def _read_incident_energy_mev(self) -> np.ndarray:
        """Incident energies as they are, MeV, float64, shape (n_events,)."""

    @abstractmethod
    def wrong_units(self, fraction: float | None) -> str | None:
        """What is in another unit than the layout's, how that shows and what to do; None when all looks right.

        Parameters
        ----------
        fraction : float or None
            Median of deposited over incident energy, None if it is not known yet.
        """

    def wrong_units_of(self, fraction: float | None, cells: HitCells | None) -> str | None:
        """As :meth:`wrong_units`, where some showers are known; for layouts whose units the cells tell.

        Parameters
        ----------
        fraction : float or None
        cells : HitCells or None
            Of the first showers, None if they are empty.
        """
        del cells
        return self.wrong_units(fraction)

    @property
    def files(self) -> tuple[Path, ...]:
        """All files that the showers come from, ``path`` first; more than one where it refers to others."""
        return (self.path,)

    @property
    def n_bytes(self) -> int:
        """Size of all ``files`` in bytes."""
        return sum(file.stat().st_size for file in self.files)

    @cached_property
    def incident_energy_mev(self) -> np.ndarray:
        """Incident energies, MeV, float64, shape (n_events,); all finite and positive.

        Raises
        ------
        DataError
            Names the first row that is not a positive number.
        """
        values = self._read_incident_energy_mev()
        bad = ~(np.isfinite(values) & (values > 0))
        if bad.any():
            row = int(np.argmax(bad))
            finite = values[np.isfinite(values)]
            small = len(finite) and np.abs(finite).max() <= HIGHEST_LOGARITHM
            advice = "take the power of their base if these are logarithms" if small else "remove these rows"
            raise DataError(
                f"{self.path}: row {row} of {self.energies_name} is {values[row]:g}, expected a positive energy in MeV "
                f"({int(bad.sum())} of {self.n_events} rows are bad); {advice} or write the file again"
            )
        return values

    @cached_property
    def particle_attributes(self) -> np.ndarray:
        """What the file says of each incident particle besides its energy, float64, shape (n_events, attributes).

        Columns are ``attributes`` of the detector; none unless a layout has them.
        """
        return np.empty((self.n_events, 0))

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
        if self.chunk_rows * row_bytes <= MAX_CHUNK_BAND_BYTES:
            rows = math.ceil(rows / self.chunk_rows) * self.chunk_rows
        return rows
