"""Which public weights files can be imported, and what a file is instead (no TensorFlow).

Weights of PyTorch are pickles, which can run any program.  They are not read here: the user, who trusts the file, turns
them into an npz file with PyTorch.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.config import Conv3dGanNetwork, Experiment, LhcbGanNetwork
from calosim_tf.data.hdf5 import HDF5_FAILURES, open_hdf5
from calosim_tf.errors import ConfigError, DataError

HDF5, NPZ = "a Keras 2 weights file in HDF5", "an npz file of PyTorch weights"
# Family of the network -> what its public weights come in
FILE_OF = {Conv3dGanNetwork.family: HDF5, LhcbGanNetwork.family: NPZ}
TO_NPZ = (
    "import numpy, torch; w = torch.load('{0}', map_location='cpu', weights_only=True); "
    "numpy.savez('{1}.npz', **{{k: v.numpy() for k, v in w.items()}})"
)
TO_KERAS_2 = "build the model in Keras 3, load the file and write it with model.save('weights.h5')"

_ZIP = b"PK\x03\x04"
# Length of a table in JSON, and its beginning
_SAFETENSORS = re.compile(rb".{8}\{\"", re.DOTALL)
FROM_SAFETENSORS = "import numpy, safetensors.numpy as s; numpy.savez('{1}.npz', **s.load_file('{0}'))"
# Older versions of PyTorch begin with the pickle of a long number, other pickles with the protocol
_PICKLE = re.compile(rb"\x80[\x02-\x05]")
_KERAS_3 = re.compile(r"(?:^|[/\\])vars[/\\]\d+$")


def require_importable(experiment: Experiment, path: Path) -> None:
    """Refuse in a moment what cannot be imported, before TensorFlow is there.

    Raises
    ------
    ConfigError
        There are no public weights of such a network.
    DataError
        The file is missing or is not what such weights come in; the message says what it is and how to convert it.
    """
    network = experiment.network
    if network.family not in FILE_OF:
        raise ConfigError(f"--experiment {experiment.name}: weights can be imported for conv3d and lhcb_wgan only")
    if isinstance(network, LhcbGanNetwork) and (network.attention != "none" or network.spectral_norm_generator):
        raise ConfigError(
            f"--experiment {experiment.name}: found attention or spectral normalisation, expected the network of the "
            "public weights: lhcb_wgan"
        )
    expected = FILE_OF[network.family]
    if not path.is_file():
        raise DataError(f"{path}: found no file, expected {expected}")
    found, advice = _what(path, expected)
    if found != expected:
        raise DataError(f"{path}: found {found}, expected {expected}{advice}")


def read_npz_weights(path: Path) -> dict[str, np.ndarray]:
    """Arrays of an npz file by name; :class:`DataError` when it cannot be read."""
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: np.asarray(archive[name]) for name in archive}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile, MemoryError, NotImplementedError) as error:
        raise DataError(f"{path}: cannot be read ({error}), expected {NPZ}") from error


def _what(path: Path, expected: str) -> tuple[str, str]:
    """What a file is, and what to do with it where that is something else than expected."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
    except OSError as error:
        raise DataError(f"{path}: cannot be read ({(error.strerror or str(error)).lower()})") from error
    if _SAFETENSORS.match(head):
        return "weights in safetensors", _line(FROM_SAFETENSORS, path, expected)
    to_npz = _line(TO_NPZ, path, expected)
    if head.startswith(_ZIP):
        return _what_zip(path, to_npz)
    if _PICKLE.match(head):
        return "a pickle, as of PyTorch", to_npz
    if expected == NPZ and not h5py.is_hdf5(path):
        return "another file", to_npz
    return _what_hdf5(path)


def _line(program: str, path: Path, expected: str) -> str:
    """Command that makes an npz file, where one is expected; names that would end its quotes are left to the user."""
    name, stem = (path.name, path.stem) if re.fullmatch(r"[\w. +-]+", path.name) else ("FILE", "FILE")
    return f': python -c "{program.format(name, stem)}"' if expected == NPZ else ""


def _what_zip(path: Path, to_npz: str) -> tuple[str, str]:
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
    except (OSError, zipfile.BadZipFile, ValueError) as error:
        raise DataError(f"{path}: is cut off or damaged ({error}); copy or fetch the file again") from error
    if any(name.endswith("data.pkl") for name in names):
        if any("/code/" in name for name in names):
            return "a compiled PyTorch program", ": take the state dict of its authors"
        return "weights of PyTorch", to_npz
    if "model.weights.h5" in names:
        return "a model of Keras 3", f": {TO_KERAS_2}"
    if names and all(name.endswith(".npy") for name in names):
        return NPZ, ""
    return "another zip archive", ""


def _what_hdf5(path: Path) -> tuple[str, str]:
    """Keras 3 numbers the weights of a layer instead of naming them, and names layers after their class."""
    try:
        with open_hdf5(path) as file:
            numbered = file.visititems(lambda place, _: place if _KERAS_3.search(place) else None)
    except HDF5_FAILURES as error:
        raise DataError(f"{path}: cannot be read ({error}), expected {HDF5}") from error
    if numbered:
        return f"weights of Keras 3 ({numbered}), which have no names", f": {TO_KERAS_2}"
    return HDF5, ""
