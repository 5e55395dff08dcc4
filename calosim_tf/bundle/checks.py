"""What a sidecar may say, and whether the files of a bundle are those it names (no TensorFlow)."""

from __future__ import annotations

import hashlib
import itertools
import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from calosim_tf.config.energy_range import closed
from calosim_tf.errors import ConfigError, RunFolderError
from calosim_tf.files import sha256
from calosim_tf.geometry import get_detector

if TYPE_CHECKING:
    from calosim_tf.bundle.sidecar import ModelFile, NetworkRecord, Sidecar

DTYPES = ("float32", "int8")


def sum_of(path: Path) -> str:
    """SHA-256 of a file; of a folder that of the lines ``sum  name`` of its files, names relative and sorted."""
    if not path.is_dir():
        return sha256(path)
    lines = [f"{sha256(item)}  {item.relative_to(path).as_posix()}\n" for item in _files(path)]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def size_of(path: Path) -> int:
    """Bytes of a file, or of all files of a folder."""
    return sum(item.stat().st_size for item in _files(path)) if path.is_dir() else path.stat().st_size


def require_sound(sidecar: Sidecar, path: Path) -> None:
    """:class:`RunFolderError` when the sidecar contradicts itself or its detector.

    Raises
    ------
    RunFolderError
    KeyError, TypeError, ValueError
        Something is of the wrong kind.
    """
    try:
        detector = get_detector(sidecar.detector)
    except ConfigError as error:
        raise RunFolderError(f"{path}: {error}") from error
    if sidecar.n_cells != detector.n_voxels or sidecar.attributes != detector.attributes:
        raise RunFolderError(
            f"{path}: found {sidecar.n_cells} cells and attributes {', '.join(sidecar.attributes) or 'none'}, expected "
            f"{detector.n_voxels} and {', '.join(detector.attributes) or 'none'} for detector {detector.name}"
        )
    if not sidecar.networks:
        raise RunFolderError(f"{path}: found no network, expected at least one")
    energy = np.array([detector.mass_mev + 1e3])
    for network in sidecar.networks:
        where = f"{path}: network {network.name}"
        label = network.law().label(energy, detector.central_attributes(energy))
        expected = network.law().value_shape(detector.n_voxels)
        sizes = {label.shape[1], *map(len, (network.condition.names, network.condition.low, network.condition.high))}
        if len(sizes) > 1:
            raise RunFolderError(f"{where}: found conditions of {sorted(sizes)} numbers, expected one size")
        if network.output_shape != tuple(expected):
            raise RunFolderError(f"{where}: found output {network.output_shape}, expected {tuple(expected)}")
    for file in sidecar.all_files:
        _require_plain(file, str(path))
    _require_ranges(sidecar.networks, path)


def checked_files(sidecar: Sidecar, folder: Path) -> None:
    """:class:`RunFolderError` unless every file is there in the size that the sidecar says."""
    for file in sidecar.all_files:
        path = folder / file.path
        if path.is_symlink() or not path.exists():
            raise RunFolderError(f"{path}: found no such file, expected what the sidecar names: export again")
        if (found := size_of(path)) != file.bytes:
            raise RunFolderError(f"{path}: found {found} bytes, expected the {file.bytes} of the sidecar: export again")


def require_sound_file(folder: Path, file: ModelFile) -> Path:
    """Path of a file whose sum is that of the sidecar; :class:`RunFolderError` otherwise."""
    path = Path(folder) / file.path
    found = sum_of(path)
    if found != file.sha256:
        raise RunFolderError(
            f"{path}: found sha256 {found[:12]}, expected the {file.sha256[:12]} of the sidecar: export again"
        )
    return path


def require_same_shapes(
    path: Path, network: NetworkRecord, latent: int | None, condition: int | None, output: int | None
) -> None:
    """:class:`RunFolderError` when a loaded network has other sizes than its sidecar says.

    Parameters
    ----------
    path : Path
        Of the network.
    network : NetworkRecord
    latent, condition, output : int or None
        Numbers per shower that the loaded network takes and gives; None where the format does not say.
    """
    expected = (network.latent.size, len(network.condition.names), math.prod(network.output_shape))
    found = (latent, condition, output)
    if any(one is not None and one != other for one, other in zip(found, expected, strict=True)):
        raise RunFolderError(
            f"{path}: found latent {latent}, condition {condition}, output {output}, expected {expected[0]}, "
            f"{expected[1]}, {expected[2]} as the sidecar says: the network is of another export"
        )


def _files(folder: Path) -> list[Path]:
    return sorted(item for item in folder.rglob("*") if item.is_file())


def _require_plain(file: ModelFile, where: str) -> None:
    if not file.path or file.path.startswith(".") or Path(file.path).name != file.path or "\\" in file.path:
        raise RunFolderError(f"{where}: found the file name {file.path!r}, expected a plain name inside the bundle")
    if file.dtype not in DTYPES or len(file.inputs) != 2 or (file.batch is not None and file.batch < 1):
        raise RunFolderError(
            f"{where}: found dtype {file.dtype!r}, inputs {file.inputs!r}, batch {file.batch!r}, expected "
            f"{' or '.join(DTYPES)}, two names and a number >= 1 or null"
        )


def _require_ranges(networks: tuple[NetworkRecord, ...], path: Path) -> None:
    """Networks of a split are listed in ascending order of energy, like the members of the experiment."""
    lows = [closed(network.energy_range_mev)[0] for network in networks]
    if any(not below < above for below, above in itertools.pairwise(lows)):
        raise RunFolderError(f"{path}: found networks that begin at {lows} MeV, expected them in ascending order")
