"""One streamed pass over shower files that checks the numbers, adds them up and can keep the rows (no TensorFlow)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from calosim_tf.data.layouts.hit_cells import HitCells, hit_cells
from calosim_tf.data.shower_file import ShowerFile, incident_energies_mev
from calosim_tf.data.units import describe_logarithm, logarithm_by_deposits, median_deposited_fraction
from calosim_tf.errors import DataError
from calosim_tf.progress import progress

# Our choice: sampling fluctuations of a 256 MeV photon reach 1.5 in the EGSnrc sample, hadronic showers somewhat more.
MAX_DEPOSITED_FRACTION = 10.0

_FLOAT32_MAX = float(np.finfo(np.float32).max)
_DIGEST_BYTES = 2**20


@dataclass(frozen=True)
class Contents:
    """Result of :func:`check_contents`; rows of several files follow one another.

    Attributes
    ----------
    incident_energy_mev : ndarray of float64, shape (n,)
    deposited_mev : ndarray of float64, shape (n,)
        Sum over the voxels of each shower.
    files : list of dict
        ``path``, ``events``, ``bytes`` and one entry per digest, for example ``sha256``.
    showers_mev : ndarray of float32, shape (n_kept, n_voxels), or None
        The rows that were to be kept.
    """

    incident_energy_mev: np.ndarray
    deposited_mev: np.ndarray
    files: list[dict]
    showers_mev: np.ndarray | None

    @property
    def n_empty(self) -> int:
        """Showers without any energy."""
        return int((self.deposited_mev == 0).sum())


def check_contents(
    files: Sequence[ShowerFile],
    *,
    keep: np.ndarray | None = None,
    physical: bool = True,
    digests: Sequence[str] = ("sha256",),
    on_block: Callable[[np.ndarray], None] | None = None,
) -> Contents:
    """Read all showers once and make sure that they are what the layout says.

    Parameters
    ----------
    files : sequence of ShowerFile
    keep : ndarray of bool, shape (events of all files,), optional
        Rows to return in memory.
    physical : bool
        False for generated showers, whose quality is to be measured: negative voxels, deposits that do not fit the
        incident energy and a file of empty showers are then not errors.
    digests : sequence of str
        Names for :mod:`hashlib`; computed while the file is read.
    on_block : callable, optional
        Called with every block of rows, in the precision of the file.

    Raises
    ------
    DataError
        Not finite, negative, wrong units, far above the incident energy, damaged: file, row and voxel are named.
    """
    incident = incident_energies_mev(files)
    deposited = np.empty(len(incident))
    showers = None if keep is None else np.empty((int(keep.sum()), files[0].n_voxels), dtype=np.float32)
    records = []
    first_row = n_kept = 0
    for file in files:
        rows = slice(first_row, first_row + file.n_events)
        kept_here = None if keep is None else keep[rows]
        n_kept_here = 0 if keep is None else int(kept_here.sum())
        into = None if keep is None else showers[n_kept : n_kept + n_kept_here]
        with RunningDigest(file.files, digests) as digest:
            _check_file(file, deposited[rows], kept_here, into, physical, digest, on_block)
            records.append({"path": str(file.path), "events": file.n_events, "bytes": file.n_bytes} | digest.finish())
        first_row, n_kept = rows.stop, n_kept + n_kept_here
    return Contents(incident, deposited, records, showers)


def _check_file(
    file: ShowerFile,
    deposited: np.ndarray,
    keep: np.ndarray | None,
    into: np.ndarray | None,
    physical: bool,
    digest: RunningDigest,
    on_block: Callable[[np.ndarray], None] | None,
) -> None:
    """Fill ``deposited`` and ``into`` (rows where ``keep``) of one file."""
    incident = file.incident_energy_mev
    # Rows are read in place, without a copy, where possible.
    direct = into is not None and len(into) == file.n_events and file.dtype == np.float32
    ranges = list(file.block_ranges())
    n_kept = 0
    cells = None
    for start, stop in progress(ranges, len(ranges), f"checking {file.path.name}"):
        values = file.read(start, stop, into[start:stop] if direct else None)
        deposited[start:stop] = _row_sums(file, start, values, physical)
        if physical and start == 0:
            # The first block tells wrong units before minutes are spent on the others.
            cells = hit_cells(incident[:stop], values)
            _check_units(file, deposited[:stop], cells)
        if physical:
            _check_excess(file, start, incident[start:stop], deposited[start:stop])
        if into is not None and not direct:
            picked = values[keep[start:stop]]
            into[n_kept : n_kept + len(picked)] = picked
            n_kept += len(picked)
        if on_block is not None:
            on_block(values)
        digest.advance(stop / file.n_events)
    if physical:
        _check_units(file, deposited, cells)
        if not deposited.any():
            raise DataError(f"{file.path}: all {file.n_events} showers are empty, expected deposited energies in MeV")


def _row_sums(file: ShowerFile, start: int, values: np.ndarray, physical: bool) -> np.ndarray:
    """Sum of each row; any bad voxel shows in the sum or in the minimum, so the common case is two fast passes."""
    # The matrix product is several times faster than sum(axis=1) and as exact as is needed here (1e-6).
    with np.errstate(over="ignore", invalid="ignore"):
        sums = values @ np.ones(values.shape[1], dtype=values.dtype)
    if not (np.abs(sums) < _FLOAT32_MAX).all() or (physical and values.min() < 0):
        _raise_first_bad_voxel(file, start, values, physical)
    return sums


def _raise_first_bad_voxel(file: ShowerFile, start: int, values: np.ndarray, physical: bool) -> None:
    for bad, expected in (
        (~np.isfinite(values), "a finite number"),
        ((values < 0) & physical, "an energy of at least 0"),
        (np.abs(values) > _FLOAT32_MAX / values.shape[1], "an energy that float32 can hold"),
    ):
        if bad.any():
            row, voxel = np.unravel_index(int(np.argmax(bad)), bad.shape)
            raise DataError(
                f"{file.path}: row {start + row}, voxel {voxel} of {file.showers_name} is {values[row, voxel]:g}, "
                f"expected {expected} in MeV; remove this event or write the file again"
            )


def _check_units(file: ShowerFile, deposited: np.ndarray, cells: HitCells | None) -> None:
    """``deposited`` may be that of the first rows only."""
    incident = file.incident_energy_mev
    logarithm = logarithm_by_deposits(incident[: len(deposited)], deposited)
    if logarithm:
        raise DataError(f"{file.path}: {describe_logarithm(logarithm, file.energies_name)}")
    wrong = file.wrong_units_of(median_deposited_fraction(incident[: len(deposited)], deposited), cells)
    if wrong:
        raise DataError(f"{file.path}: {wrong}")


def _check_excess(file: ShowerFile, start: int, incident: np.ndarray, deposited: np.ndarray) -> None:
    excess = deposited > MAX_DEPOSITED_FRACTION * incident
    if excess.any():
        row = int(np.argmax(excess))
        raise DataError(
            f"{file.path}: row {start + row} of {file.showers_name} deposits {deposited[row]:g} MeV, but "
            f"{file.energies_name} is {incident[row]:g} MeV, expected at most {MAX_DEPOSITED_FRACTION:g} times as much;"
            " remove this event or check that both data sets belong together"
        )


class RunningDigest:
    """Checksums of files one after another, computed in parallel with their reading and in step with it.

    hashlib lets other threads run, and a file larger than memory comes from the disk only once because the part that
    is hashed has just been read.

    Parameters
    ----------
    paths : sequence of Path
    algorithms : sequence of str
        Names for :mod:`hashlib`.
    """

    def __init__(self, paths: Sequence[Path], algorithms: Sequence[str]):
        self._hashes = {name: hashlib.new(name) for name in algorithms}
        self._size = sum(path.stat().st_size for path in paths)
        self._done = 0
        self._waiting = list(paths)
        self._file = self._waiting.pop(0).open("rb", buffering=0)
        self._thread = ThreadPoolExecutor(1)
        self._pending: Future | None = None

    def __enter__(self) -> RunningDigest:
        return self

    def __exit__(self, *_exception: object) -> None:
        self._thread.shutdown(cancel_futures=True)
        self._file.close()

    def advance(self, fraction: float) -> None:
        """Let the thread hash up to this fraction of the files, once it is done with the part before."""
        if self._pending is not None:
            self._pending.result()
        self._pending = self._thread.submit(self._hash_up_to, int(fraction * self._size))

    def finish(self) -> dict[str, str]:
        """Hexadecimal digests of the whole files, by name."""
        self.advance(1.0)
        self._pending.result()
        return {name: value.hexdigest() for name, value in self._hashes.items()}

    def _hash_up_to(self, position: int) -> None:
        while self._hashes and self._done < position:
            part = self._file.read(_DIGEST_BYTES)
            if not part and not self._waiting:
                return
            if not part:
                self._file.close()
                self._file = self._waiting.pop(0).open("rb", buffering=0)
            self._done += len(part)
            for value in self._hashes.values():
                value.update(part)
