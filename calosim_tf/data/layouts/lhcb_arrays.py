"""The arrays of the LHCb-like layout, from npz or HDF5 (no TensorFlow).

Names, shapes and units are those of the converter of the public generator (github.com/yandexdataschool/CaloGAN).
Arrays are held in memory as a whole.  Pickled objects are refused: a pickle can run any program.
"""

from __future__ import annotations

import struct
import tokenize
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, NPZ_TO_HDF5, key_in, open_hdf5, plain_attribute, short_reason
from calosim_tf.data.layouts.hdf5_storage import require_link, storage_files
from calosim_tf.data.memory import memory_bytes
from calosim_tf.errors import DataError

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
DESCRIPTION, AXES_KEY = "description", "axes"
# Arrays that a message lists at most
MOST_NAMED = 8
# What the two axes of an image may count
AXES = ("yx", "xy")
NO_KEYS: Mapping[str, str] = {}
# Arrays by which npz files of other layouts are known
OTHER_LAYOUTS = {"incident_energies": "CaloChallenge", "layer_0": "CaloGAN", "ECAL": "3DGAN"}
REQUIRED = (DEPOSITS, "ParticleMomentum", "ParticlePoint")

_ZIP_MAGIC = b"PK\x03\x04"
# What numpy and zipfile raise on damaged archives.  numpy leaves those open, so streams are opened and closed here.
_NPZ_FAILURES = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    EOFError,
    MemoryError,
    OverflowError,
    RuntimeError,
    struct.error,
    tokenize.TokenError,
    zipfile.BadZipFile,
    zlib.error,
)


def is_npz(path: Path) -> bool:
    """True for a file that begins or ends as npz does: a cut one is damaged npz, not damaged HDF5."""
    if not path.is_file():
        return False
    try:
        with path.open("rb") as file:
            return file.read(len(_ZIP_MAGIC)) == _ZIP_MAGIC or zipfile.is_zipfile(path)
    except OSError:
        return False


def read_npz(path: Path, keys: Mapping[str, str] = NO_KEYS) -> tuple[dict[str, np.ndarray], list[str]]:
    """Arrays of the layout in an npz file, and the names of the others; :class:`DataError` when it cannot be read.

    Parameters
    ----------
    path : Path
    keys : mapping of str to str
        As for :func:`~calosim_tf.data.hdf5.key_in`.
    """
    if not path.is_file():
        raise DataError(f"{path}: no such file; check the path")
    try:
        if not zipfile.is_zipfile(path):
            raise DataError(f"{path}: is not an npz archive, or is cut off; {GET_AGAIN}")
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            names = list(archive)
            wanted = {name: key for name in ARRAYS if (key := key_in(names, name, keys)) in names}
            members = set(wanted.values())
            _require_fits(path, sum(item.file_size for item in archive.zip.infolist() if _member(item) in members))
            # a member that is no array comes as bytes
            arrays = {name: np.asarray(archive[key]) for name, key in wanted.items()}
    except _NPZ_FAILURES as error:
        raise DataError(f"{path}: cannot be read as npz ({error}); {GET_AGAIN}") from error
    return arrays, sorted(set(names) - members - {DESCRIPTION, AXES_KEY})


def describe_npz(path: Path) -> dict[str, str]:
    """``generator`` from the array of words ``description`` of an npz file, and ``axes``; missing ones are left out.

    Raises
    ------
    DataError
        They cannot be read.
    """
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            words = {name: archive[name] for name in (DESCRIPTION, AXES_KEY) if name in archive}
            texts = {name: array for name, array in words.items() if getattr(array, "dtype", np.dtype("V")).kind == "U"}
    except _NPZ_FAILURES as error:
        raise DataError(f"{path}: cannot be read as npz ({error}); {GET_AGAIN}") from error
    named = {"generator": texts.get(DESCRIPTION), AXES_KEY: texts.get(AXES_KEY)}
    return {name: " ".join(array.reshape(-1)) for name, array in named.items() if array is not None}


def words_for_npz(attributes: Mapping[str, object]) -> dict[str, np.ndarray]:
    """Inverse of :func:`describe_npz`: arrays of words that say what the attributes say."""
    named = {DESCRIPTION: attributes.get("generator"), AXES_KEY: attributes.get(AXES_KEY)}
    return {name: np.array(str(text)) for name, text in named.items() if text is not None}


def read_hdf5(path: Path, keys: Mapping[str, str] = NO_KEYS) -> tuple[dict[str, np.ndarray], list[str]]:
    """As :func:`read_npz` for HDF5."""
    with open_hdf5(path) as file:
        try:
            names = list(file)
            _files_of(file, path, keys)
            wanted = {name: key for name in ARRAYS if (key := key_in(file, name, keys)) in file}
            sizes = [file[key].nbytes for key in wanted.values() if isinstance(file[key], h5py.Dataset)]
            _require_fits(path, sum(sizes))
            arrays = {name: np.asarray(file[key][()]) for name, key in wanted.items()}
        except HDF5_FAILURES as error:
            raise DataError(f"{path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error
    return arrays, sorted(set(names) - {key.partition("/")[0] for key in wanted.values()})


def _member(item: zipfile.ZipInfo) -> str:
    return item.filename.removesuffix(".npy")


def _require_fits(path: Path, n_bytes: int) -> None:
    """Refuse what would not fit into memory: a small file can say that it unpacks to anything."""
    if n_bytes > memory_bytes():
        raise DataError(
            f"{path}: its arrays take {n_bytes / 2**30:.1f} GiB unpacked, this machine has "
            f"{memory_bytes() / 2**30:.1f} GiB of memory; split the file, or fetch it again if it is not that large"
        )


def _files_of(file: h5py.File, path: Path, keys: Mapping[str, str]) -> tuple[Path, ...]:
    """Files that hold the arrays, ``path`` first."""
    found = [path]
    for name in ARRAYS:
        key = key_in(file, name, keys)
        require_link(file, key, path)
        if key in file:
            found += storage_files(file[key], path) if isinstance(file[key], h5py.Dataset) else []
    return tuple(dict.fromkeys(found))


def describe_hdf5(
    path: Path, keys: Mapping[str, str] = NO_KEYS
) -> tuple[dict[str, object], str | None, tuple[Path, ...]]:
    """Attributes of a file, the compression of its deposits and the files that hold its arrays.

    Raises
    ------
    DataError
        They cannot be read.
    """
    with open_hdf5(path) as file:
        try:
            return (
                {name: plain_attribute(value) for name, value in file.attrs.items()},
                file[key_in(file, DEPOSITS, keys)].compression,
                _files_of(file, path, keys),
            )
        except HDF5_FAILURES as error:
            raise DataError(f"{path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error


def checked(path: Path, arrays: Mapping[str, np.ndarray], others: Sequence[str] = ()) -> dict[str, np.ndarray]:
    """The arrays in the first shapes of ``ARRAYS``; :class:`DataError` for missing ones, odd shapes or bad numbers.

    Parameters
    ----------
    path : Path
    arrays : mapping of str to ndarray
    others : sequence of str
        Names of the other arrays in the file, for messages.
    """
    missing = [name for name in REQUIRED if name not in arrays]
    if missing:
        found = ", ".join(ascii(name)[1:-1] for name in sorted([*arrays, *others])[:MOST_NAMED]) or "nothing"
        for layout in (OTHER_LAYOUTS[name] for name in OTHER_LAYOUTS if name in others and is_npz(path)):
            raise DataError(
                f"{path}: is an npz file with the arrays of the {layout} layout ({found}), which is HDF5; write it as "
                f"that: {NPZ_TO_HDF5}"
            )
        raise DataError(
            f"{path}: no array {missing[0]!r}, expected {', '.join(REQUIRED)}; found {found}; other names "
            f"are given with --keys {missing[0]}=NAME (training: data.keys)"
        )
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
