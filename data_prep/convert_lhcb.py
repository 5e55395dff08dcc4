"""npz to HDF5 and back for the LHCb-like layout: the same arrays under the same names (no TensorFlow).

Names, shapes and units are those of the converter of the public generator (github.com/yandexdataschool/CaloGAN).
Arrays are held in memory as a whole.  Pickled objects are refused: a pickle can run any program.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, PatientFile, open_hdf5, short_reason
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import flush_to_disk

LHCB_LAYOUT = "lhcb"
DEPOSITS = "EnergyDeposit"
CELLS = (30, 30, 1)
# Name -> unit and shapes of one event; the first shape is what is written where they are the same numbers.
ARRAYS: Mapping[str, tuple[str, tuple[tuple[int, ...], ...]]] = {
    DEPOSITS: ("MeV", (CELLS, CELLS[:2], (900,))),
    "ParticleMomentum": ("GeV", ((3,),)),
    "ParticlePoint": ("cm", ((3,), (2,))),
    "ParticlePDG": ("PDG code", ((), (1,))),
    "TotalEnergySci": ("MeV", ((), (1,))),
    "TotalEnergyAbsorb": ("MeV", ((), (1,))),
}
REQUIRED = (DEPOSITS, "ParticleMomentum", "ParticlePoint")

_NPZ_FAILURES = (OSError, ValueError, KeyError, EOFError, MemoryError, zipfile.BadZipFile, zlib.error)


def npz_to_hdf5(source: Path, out: Path, overwrite: bool = False) -> tuple[int, tuple[str, ...]]:
    """Write the arrays of an npz file to HDF5 (gzip), numbers unchanged.

    Returns
    -------
    events : int
    notes : tuple of str
        Arrays that were left out.

    Raises
    ------
    ConfigError
        ``out`` exists or its folder does not.
    DataError
        The source is missing, damaged, pickled, or not in the layout, or ``out`` cannot be written.
    """
    _require_free(out, overwrite)
    found, others = _read_npz(source)
    arrays = _checked(source, found)
    _write_whole(out, lambda partial: _write_hdf5(partial, arrays))
    return len(arrays[DEPOSITS]), _left_out(others)


def hdf5_to_npz(source: Path, out: Path, overwrite: bool = False) -> tuple[int, tuple[str, ...]]:
    """Write the arrays of an HDF5 file to a compressed npz file, numbers unchanged; as :func:`npz_to_hdf5`."""
    _require_free(out, overwrite)
    found, others = _read_hdf5(source)
    arrays = _checked(source, found)
    _write_whole(out, lambda partial: _write_npz(partial, arrays))
    return len(arrays[DEPOSITS]), _left_out(others)


def _read_npz(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        if not zipfile.is_zipfile(path):
            raise DataError(f"{path}: is not an npz archive, or is cut off; {GET_AGAIN}")
        with np.load(path, allow_pickle=False) as archive:
            names = list(archive)
            # a member that is no array comes as bytes
            arrays = {name: np.asarray(archive[name]) for name in names if name in ARRAYS}
    except _NPZ_FAILURES as error:
        raise DataError(f"{path}: cannot be read as npz ({error}); {GET_AGAIN}") from error
    return arrays, sorted(set(names) - set(ARRAYS))


def _read_hdf5(path: Path) -> tuple[dict[str, np.ndarray], list[str]]:
    with open_hdf5(path) as file:
        try:
            names = list(file)
            arrays = {name: np.asarray(file[name][()]) for name in names if name in ARRAYS}
        except HDF5_FAILURES as error:
            raise DataError(f"{path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error
    return arrays, sorted(set(names) - set(ARRAYS))


def _checked(path: Path, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """The arrays in the shapes of the layout."""
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        found = ", ".join(sorted(arrays)) or "none of them"
        raise DataError(f"{path}: no array {missing[0]!r}, expected {', '.join(REQUIRED)}; found {found}")
    n_events = arrays[DEPOSITS].shape[0] if arrays[DEPOSITS].ndim else 0
    if n_events == 0:
        raise DataError(f"{path}: {DEPOSITS} holds no events")
    return {name: _in_shape(path, name, array, n_events) for name, array in arrays.items()}


def _in_shape(path: Path, name: str, array: np.ndarray, n_events: int) -> np.ndarray:
    shapes = ARRAYS[name][1]
    if array.dtype.kind not in "fiu":
        raise DataError(f"{path}: {name} holds {array.dtype}, expected numbers")
    if array.shape[:1] != (n_events,) or array.shape[1:] not in shapes:
        expected = " or ".join(str((n_events, *shape)) for shape in shapes)
        raise DataError(f"{path}: {name} has shape {array.shape}, expected {expected}")
    finite = np.isfinite(array)
    if not finite.all():
        row = int(np.argwhere(~finite)[0][0])
        raise DataError(f"{path}: {name} of event {row} is not a finite number; remove this event")
    same_numbers = array.size == n_events * int(np.prod(shapes[0]))
    return array.reshape(n_events, *shapes[0]) if same_numbers else array


def _write_hdf5(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with PatientFile(path) as sink:
        with h5py.File(sink, "w") as file:
            for name, array in arrays.items():
                dataset = file.create_dataset(name, data=array, chunks=True, compression="gzip", shuffle=True)
                dataset.attrs["units"] = ARRAYS[name][0]
        if sink.error is not None:
            raise sink.error


def _write_npz(path: Path, arrays: Mapping[str, np.ndarray]) -> None:
    with path.open("wb") as stream:
        np.savez_compressed(stream, **arrays)


def _write_whole(out: Path, write: Callable[[Path], None]) -> None:
    partial = out.with_name(f".{out.name}.partial-{os.getpid()}")
    try:
        write(partial)
        flush_to_disk(partial)
        partial.replace(out)
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise DataError(f"{out}: cannot be written ({reason}); free space or choose another folder") from error
    finally:
        partial.unlink(missing_ok=True)


def _require_free(out: Path, overwrite: bool) -> None:
    if out.is_dir() or (out.exists() and not overwrite):
        raise ConfigError(f"{out}: exists already; give another name or --force to replace it")
    if not out.parent.is_dir():
        raise ConfigError(f"{out}: its folder {out.parent} does not exist; create it first")


def _left_out(names: list[str]) -> tuple[str, ...]:
    return (f"left out, as not part of the layout: {', '.join(names)}",) if names else ()
