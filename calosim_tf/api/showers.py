"""Showers as a Python program sees them: arrays in MeV, in memory or read from files on demand (no TensorFlow)."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from calosim_tf.api.particles import numbers, require_energies
from calosim_tf.data.streamed import StreamedShowers
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.geometry import VoxelDetector, get_detector
from calosim_tf.messages import in_a_program

if TYPE_CHECKING:
    from types import TracebackType

    from numpy.typing import ArrayLike, NDArray

    from calosim_tf.data.schema import ShowerSet
    from calosim_tf.data.shower_file import ShowerFile

# Our choice: 6 MB of 368 voxels in single precision
BLOCK_SHOWERS = 4096


@dataclass
class _OpenFiles:
    """Files that showers, and parts of them, are read from."""

    files: tuple[ShowerFile, ...] = ()
    closed: bool = False


class Showers:
    """Showers of one detector with their incident particles.

    Parameters
    ----------
    energies_mev : array_like, shape (n,)
        Incident energies, MeV, as files of the detector hold them.
    voxels_mev : array_like, shape (n, n_voxels)
        Deposited energy of each voxel, MeV, layer after layer.
    detector : str or VoxelDetector or None
        Whose showers they are; a name is one of ``calosim info`` and :data:`calosim_tf.geometry.DETECTORS`.
    conditions : mapping of str to array_like, shape (n,), optional
        Attributes of the incident particles besides their energy, all of those that the detector has; those of
        perpendicular particles in the middle unless given.
    source : str
        What they are, in words: shown beside numbers.

    Attributes
    ----------
    energies_mev : ndarray of float64, shape (n,)
    conditions : dict of str to ndarray of float64, shape (n,)
    detector : VoxelDetector or None
        None for a file whose detector is not known.
    source : str
    record : dict
        What a file of them says: generator, seed, back end, or the attributes of the file they were read from.

    Raises
    ------
    ConfigError
        Shapes that differ, energies that are not above 0, or an unknown detector or condition.

    Examples
    --------
    >>> import numpy as np
    >>> showers = Showers([1024.0, 2048.0], np.ones((2, 368)), detector="photon")
    >>> len(showers), showers.voxels_mev.shape, showers.layer_energies_mev[0].tolist()
    (2, (2, 368), [8.0, 160.0, 190.0, 5.0, 5.0])
    >>> showers[1:].energies_mev.tolist()
    [2048.0]
    """

    energies_mev: NDArray[np.float64]
    conditions: dict[str, NDArray[np.float64]]
    detector: VoxelDetector | None
    source: str
    record: dict[str, Any]

    def __init__(
        self,
        energies_mev: ArrayLike,
        voxels_mev: ArrayLike,
        *,
        detector: str | VoxelDetector | None,
        conditions: Mapping[str, ArrayLike] | None = None,
        source: str = "own showers",
    ):
        record = get_detector(detector) if isinstance(detector, str) else detector
        energy = numbers(energies_mev, "energies_mev", "incident energies in MeV")
        require_energies(energy.reshape(-1), "energies_mev")
        voxels = single_precision(voxels_mev)
        n_voxels = voxels.shape[-1] if record is None else record.n_voxels
        if energy.ndim != 1 or voxels.shape != (len(energy), n_voxels):
            raise ConfigError(
                f"showers: found energies_mev of shape {energy.shape} and voxels_mev of shape {voxels.shape}, expected "
                f"(n,) and (n, {n_voxels})"
            )
        self._fill(energy, voxels, _conditions(record, energy, conditions or {}), record, source, {})

    def _fill(
        self,
        energy: NDArray[np.float64],
        voxels: NDArray[np.float32] | StreamedShowers,
        conditions: dict[str, NDArray[np.float64]],
        detector: VoxelDetector | None,
        source: str,
        record: dict[str, Any],
        files: _OpenFiles | None = None,
    ) -> None:
        self.energies_mev, self.conditions, self.detector = energy, conditions, detector
        self.source, self.record = source, record
        self._voxels, self._files = voxels, files or _OpenFiles()

    @classmethod
    def _of(cls, *parts: Any, **more: Any) -> Showers:
        """From parts that are known to fit, as :meth:`_fill` takes them."""
        made = cls.__new__(cls)
        made._fill(*parts, **more)
        return made

    def __len__(self) -> int:
        """Number of showers."""
        return len(self.energies_mev)

    def __repr__(self) -> str:
        """In one line."""
        name = "unknown detector" if self.detector is None else self.detector.name
        return f"<{len(self)} showers of {name}, {self._voxels.shape[1]} voxels: {self.source}>"

    def __getitem__(self, rows: int | slice | NDArray[Any] | Sequence[int]) -> Showers:
        """Some of the showers, by number, slice, mask or list of numbers; what is in a file stays there."""
        chosen = rows if isinstance(rows, slice) else np.atleast_1d(np.asarray(rows))
        voxels = self._voxels
        part = voxels.view(chosen) if isinstance(voxels, StreamedShowers) else voxels[chosen]
        conditions = {name: values[chosen] for name, values in self.conditions.items()}
        return Showers._of(
            self.energies_mev[chosen], part, conditions, self.detector, self.source, self.record, files=self._files
        )

    def __enter__(self) -> Showers:
        """For ``with``: closes the files at the end."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """As :meth:`close`."""
        self.close()

    def close(self) -> None:
        """Close the files that showers are still to be read from; nothing for showers in memory."""
        self._files.closed = True
        for file in self._files.files:
            file.close()

    @property
    def voxels_mev(self) -> NDArray[np.float32]:
        """Deposited energy, MeV, float32, shape (n, n_voxels); from a file all of it is read now, and kept."""
        if isinstance(self._voxels, StreamedShowers):
            if self._files.closed:
                raise DataError(f"{self.source}: the file of these showers is closed: read voxels_mev before that")
            self._voxels = self._voxels[:]
        return self._voxels

    @property
    def total_energies_mev(self) -> NDArray[np.float64]:
        """Sum of the voxels of each shower, MeV, float64, shape (n,); a file is read in blocks."""
        sums = [block.voxels_mev.sum(axis=1, dtype=np.float64) for block in self.blocks()]
        return np.concatenate([np.empty(0), *sums])

    @property
    def layer_energies_mev(self) -> NDArray[np.float64]:
        """Sum of the voxels in each layer, MeV, float64, shape (n, layers); a file is read in blocks.

        Raises
        ------
        DataError
            The detector is not known.
        """
        starts = list(self._known_detector().offsets[:-1])
        sums = [np.add.reduceat(block.voxels_mev.astype(np.float64), starts, axis=1) for block in self.blocks()]
        return np.concatenate([np.empty((0, len(starts))), *sums])

    def blocks(self, size: int = BLOCK_SHOWERS) -> Iterator[Showers]:
        """The showers in order, ``size`` at a time, each block in memory and none kept."""
        for first in range(0, len(self), size):
            block = self[first : first + size]
            _ = block.voxels_mev
            yield block

    def save(self, path: str | os.PathLike[str], *, compression: str = "gzip", overwrite: bool = False) -> None:
        """Write a file in the public layout of the detector, which appears whole or not at all.

        Parameters
        ----------
        path : path
        compression : {"gzip", "none"}
        overwrite : bool
            Replace an existing file.

        Raises
        ------
        ConfigError
            The file exists, or its folder does not, or the layout has no writer.
        DataError
            The detector is not known, or the file cannot be written.
        """
        from calosim_tf.data.writers import shower_writer

        record = {"source": self.source} | self.record
        with shower_writer(path, self._known_detector(), len(self), compression, record, overwrite=overwrite) as writer:
            for block in self.blocks():
                writer.append(block.energies_mev, block.voxels_mev, block.attributes)

    @property
    def attributes(self) -> NDArray[np.float64]:
        """``conditions`` as columns, shape (n, conditions)."""
        return np.stack([*self.conditions.values()], axis=1) if self.conditions else np.empty((len(self), 0))

    def _known_detector(self) -> VoxelDetector:
        if self.detector is None:
            raise DataError(
                f"{self.source}: showers of {self._voxels.shape[1]} voxels are of no known detector, expected the name "
                "of one: give detector=NAME"
            )
        return self.detector

    def _as_set(self) -> ShowerSet:
        """As the rest of the package takes them."""
        from calosim_tf.data.schema import ShowerSet

        voxels: Any = self._voxels
        return ShowerSet(self.energies_mev, voxels, self._known_detector(), self.source, self.attributes)


def single_precision(voxels_mev: ArrayLike) -> NDArray[np.float32]:
    """Voxels as float32, without a copy where they are; :class:`ConfigError` where they are no numbers."""
    try:
        return np.atleast_1d(np.asarray(voxels_mev, dtype=np.float32))
    except (TypeError, ValueError) as error:
        raise ConfigError("voxels_mev: found no array of numbers, expected energies in MeV") from error


def _conditions(
    detector: VoxelDetector | None, energy_mev: NDArray[np.float64], given: Mapping[str, ArrayLike]
) -> dict[str, NDArray[np.float64]]:
    """Attributes of the particles of a detector by name, central where not given."""
    names = () if detector is None else detector.attributes
    for name in given:
        if name not in names:
            raise ConfigError(f"condition: found {name!r}, expected one of: {', '.join(names) or 'none'}")
    central = np.empty((0, 0)) if detector is None else detector.central_attributes(energy_mev).T
    found = {}
    for name, column in zip(names, central, strict=True):
        values = numbers(given.get(name, column), f"condition {name}", "a number for each shower")
        if values.shape not in ((), energy_mev.shape):
            raise ConfigError(f"condition {name}: found shape {values.shape}, expected {energy_mev.shape}")
        found[name] = np.broadcast_to(values, energy_mev.shape).copy()
    return found


def open_showers(
    path: str | os.PathLike[str] | Sequence[str | os.PathLike[str]],
    detector: str | VoxelDetector | None = None,
    *,
    keys: Mapping[str, str] | None = None,
    check: bool = False,
) -> Showers:
    """Open one file of showers, or several as one, in any layout that ``calosim data check`` reads.

    Energies and conditions are read now, voxels when they are asked for: ``showers[:100].voxels_mev`` reads 100
    showers.  Files stay open until :meth:`Showers.close`, the end of a ``with`` block or of the process.

    Parameters
    ----------
    path : path or sequence of paths
    detector : str or VoxelDetector, optional
        Whose showers they are; told from layout and number of voxels unless given.
    keys : mapping of str to str, optional
        Datasets that have other names than in the layout: the layout's name and that in the file.
    check : bool
        Read everything once and make sure that the numbers are what the layout says, as ``calosim data check`` does.

    Returns
    -------
    Showers

    Raises
    ------
    DataError
        A file is missing, damaged, or not in the layout.
    ConfigError
        An unknown detector or key.

    Examples
    --------
    >>> from calosim_tf.data.bundled import bundled_sample
    >>> with open_showers(bundled_sample("photon")) as showers:
    ...     print(showers)
    ...     print(showers[:3].voxels_mev.shape)
    <17550 showers of photon, 368 voxels: EGSnrc sample>
    (3, 368)
    """
    from calosim_tf.data.checks import fitting_detector
    from calosim_tf.data.contents import check_contents
    from calosim_tf.data.readers import close_showers, particle_attributes, source_label
    from calosim_tf.data.readers import open_showers as open_files
    from calosim_tf.data.shower_file import incident_energies_mev

    known = get_detector(detector) if isinstance(detector, str) else detector
    with in_a_program(progress=False):
        files = open_files(path, known, tuple((keys or {}).items()))
        try:
            energy = incident_energies_mev(files)
            if check:
                check_contents(files)
            for wrong in (f"{file.path}: {words}" for file in files if (words := file.wrong_units(None))):
                raise DataError(wrong)
            known = known or fitting_detector(files)
            columns = () if known is None else particle_attributes(files, known).T
        except BaseException:
            close_showers(files)
            raise
    names = () if known is None else known.attributes
    conditions = {name: np.ascontiguousarray(column) for name, column in zip(names, columns, strict=True)}
    record = {name: value for name, value in files[0].attributes.items() if len(files) == 1}
    voxels = StreamedShowers(files)
    return Showers._of(energy, voxels, conditions, known, source_label(files), record, files=_OpenFiles(files))
