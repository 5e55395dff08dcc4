"""Reading shower files: open several, read energies alone, read everything (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path

import numpy as np

from calosim_tf.data.contents import check_contents
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.shower_file import ShowerFile
from calosim_tf.data.units import describe_wrong_units
from calosim_tf.errors import DataError
from calosim_tf.geometry import VoxelDetector

__all__ = ["ShowerFile", "close_showers", "open_showers", "read_incident_energies", "read_showers", "source_label"]


def open_showers(
    paths: str | PathLike | Sequence[str | PathLike], detector: VoxelDetector | None = None
) -> tuple[ShowerFile, ...]:
    """Open one or several files and check their structure.

    Raises
    ------
    DataError
        No path, the same file twice, different numbers of voxels, or what :class:`ShowerFile` raises.
    """
    if isinstance(paths, (str, PathLike)):
        paths = (paths,)
    if not paths:
        raise DataError("no data file was given, expected at least one HDF5 file")
    resolved = [Path(path).resolve() for path in paths]
    for index, path in enumerate(resolved):
        if path in resolved[:index]:
            raise DataError(f"{paths[index]}: given twice, its events would count double; give each file once")
    files: list[ShowerFile] = []
    try:
        for path in paths:
            files.append(ShowerFile(path, detector))
            if files[-1].n_voxels != files[0].n_voxels:
                raise DataError(
                    f"{path}: {files[-1].n_voxels} voxels per shower, but {files[0].path} has {files[0].n_voxels}; "
                    "give files of one detector"
                )
    except DataError:
        close_showers(files)
        raise
    return tuple(files)


def read_incident_energies(path: str | PathLike, detector: VoxelDetector | None = None) -> np.ndarray:
    """Incident energies of a file, MeV, float64, shape (events,), without reading its showers.

    Raises
    ------
    DataError
        As :class:`ShowerFile` and its ``incident_energy_mev``, and for energies that are in GeV.
    """
    with ShowerFile(path, detector) as file:
        incident = file.incident_energy_mev
    wrong = describe_wrong_units(incident, None)
    if wrong:
        raise DataError(f"{path}: {wrong}")
    return incident


def close_showers(files: Sequence[ShowerFile]) -> None:
    """Close all of them."""
    for file in files:
        file.close()


def read_showers(
    paths: str | PathLike | Sequence[str | PathLike], detector: VoxelDetector, *, physical: bool = True
) -> ShowerSet:
    """All showers of the files in memory, checked.

    Parameters
    ----------
    paths : path or sequence of paths
    detector : VoxelDetector
    physical : bool
        False for generated showers, see :func:`~calosim_tf.data.contents.check_contents`.

    Raises
    ------
    DataError
        As :func:`open_showers` and :func:`~calosim_tf.data.contents.check_contents`.
    """
    files = open_showers(paths, detector)
    try:
        everything = np.ones(sum(file.n_events for file in files), dtype=bool)
        contents = check_contents(files, keep=everything, physical=physical)
        return ShowerSet(contents.incident_energy_mev, contents.showers_mev, detector, source_label(files))
    finally:
        close_showers(files)


def source_label(files: Sequence[ShowerFile]) -> str:
    """What the showers are: attribute ``source``, else told from attribute ``generator``, else the file name."""
    return " + ".join(dict.fromkeys(_label(file.attributes, file.path) for file in files))


def _label(attributes: dict, path: Path) -> str:
    if attributes.get("source"):
        return str(attributes["source"])
    generator = str(attributes.get("generator", ""))
    if generator.startswith("EGSnrc"):
        return "EGSnrc sample"
    if "parametrised" in attributes or "parametrised" in generator:
        return "parametrised showers"
    return path.name
