"""Reading shower files: open several, read energies alone, read everything (no TensorFlow)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path

import h5py
import numpy as np

from calosim_tf.data.contents import check_contents
from calosim_tf.data.hdf5 import GET_AGAIN, HDF5_FAILURES, key_in, open_hdf5, short_reason
from calosim_tf.data.layouts.calochallenge_file import CaloChallengeFile
from calosim_tf.data.layouts.calogan_file import CaloGanFile
from calosim_tf.data.layouts.ecal_file import ECAL, EcalAngleFile, EcalFile
from calosim_tf.data.layouts.ilc_file import LAYERS, IlcFile
from calosim_tf.data.layouts.jet_image_file import IMAGE, SIGNAL, JetImageFile
from calosim_tf.data.layouts.lhcb_arrays import DEPOSITS, is_npz
from calosim_tf.data.layouts.lhcb_file import LhcbFile
from calosim_tf.data.schema import ShowerSet
from calosim_tf.data.shower_file import ShowerFile, incident_energies_mev
from calosim_tf.errors import ConfigError, DataError
from calosim_tf.files import shown
from calosim_tf.geometry import VoxelDetector

# Layout of a detector's files (its record's ``file_layout``) -> reader
LAYOUTS: dict[str, type[ShowerFile]] = {
    "calochallenge": CaloChallengeFile,
    "lhcb": LhcbFile,
    "calogan": CaloGanFile,
    "calogan_central": CaloGanFile,
    "ecal": EcalFile,
    "ecal_angle": EcalAngleFile,
    "jet_image": JetImageFile,
    "ilc": IlcFile,
}


def open_shower_file(
    path: str | PathLike, detector: VoxelDetector | None = None, keys: Sequence[tuple[str, str]] = ()
) -> ShowerFile:
    """Open one file in the layout of a detector, or without one in the layout that its content has.

    Parameters
    ----------
    path : path
    detector : VoxelDetector, optional
    keys : sequence of (str, str)
        As for :class:`ShowerFile`.

    Raises
    ------
    ConfigError
        The detector's record names a layout that has no reader.
    DataError
        As :class:`ShowerFile`.
    """
    name = detector.file_layout if detector is not None else _guess_layout(Path(path), dict(keys))
    if name not in LAYOUTS:
        raise ConfigError(
            f"detector {detector.name!r}: found the file layout {name!r}, which has no reader, expected one of "
            f"{', '.join(LAYOUTS)}"
        )
    return LAYOUTS[name](path, detector, keys)


def _guess_layout(path: Path, keys: Mapping[str, str]) -> str:
    """Layout by the names in the file; if they are not known, ``calochallenge``, whose reader says what is wrong."""
    if is_npz(path):
        return "lhcb"
    with open_hdf5(path) as file:
        try:
            if key_in(file, DEPOSITS, keys) in file:
                return "lhcb"
            if all(key_in(file, name, keys) in file for name in (IMAGE, SIGNAL)):
                return "jet_image"
            if key_in(file, LAYERS, keys) in file:
                return "ilc"
            ecal = key_in(file, ECAL, keys)
            if ecal in file and isinstance(file[ecal], h5py.Dataset):
                return "ecal_angle" if file[ecal].shape[1:4] == EcalAngleFile.record.cube else "ecal"
            return "calogan" if key_in(file, "layer_0", keys) in file else "calochallenge"
        except HDF5_FAILURES as error:
            raise DataError(f"{path}: damaged ({short_reason(error)}); {GET_AGAIN}") from error


def open_showers(
    paths: str | PathLike | Sequence[str | PathLike],
    detector: VoxelDetector | None = None,
    keys: Sequence[tuple[str, str]] = (),
) -> tuple[ShowerFile, ...]:
    """Open one or several files and check their structure; parameters as for :func:`open_shower_file`.

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
            files.append(open_shower_file(path, detector, keys))
            if (files[-1].layout, files[-1].n_voxels) != (files[0].layout, files[0].n_voxels):
                raise DataError(
                    f"{path}: {files[-1].n_voxels} voxels per shower ({files[-1].layout}), but {files[0].path} has "
                    f"{files[0].n_voxels} ({files[0].layout}); give files of one detector"
                )
    except (ConfigError, DataError):
        close_showers(files)
        raise
    return tuple(files)


def read_incident_particles(
    path: str | PathLike, detector: VoxelDetector | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Incident energies and attributes of a file without reading its showers.

    Returns
    -------
    incident_energy_mev : ndarray of float64, shape (events,)
    attributes : ndarray of float64, shape (events, attributes of the detector)

    Raises
    ------
    DataError
        As :class:`ShowerFile` and its ``incident_energy_mev``, and for energies in another unit.
    """
    with open_shower_file(path, detector) as file:
        incident = incident_energies_mev([file])
        attributes = file.particle_attributes if detector is None else particle_attributes([file], detector)
        wrong = file.wrong_units(None)
    if wrong:
        raise DataError(f"{path}: {wrong}")
    return incident, attributes


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
        return ShowerSet(
            contents.incident_energy_mev,
            contents.showers_mev,
            detector,
            source_label(files),
            particle_attributes(files, detector),
        )
    finally:
        close_showers(files)


def particle_attributes(files: Sequence[ShowerFile], detector: VoxelDetector) -> np.ndarray:
    """Attributes of the incident particles of all files, shape (n, attributes of the detector), float64."""
    if not detector.attributes:
        # a file may say more than the detector needs
        return np.empty((sum(file.n_events for file in files), 0))
    return np.concatenate([file.particle_attributes for file in files])


def source_label(files: Sequence[ShowerFile]) -> str:
    """What the showers are: attribute ``source``, else told from attribute ``generator``, else the file name."""
    return shown(" + ".join(dict.fromkeys(_label(file.attributes, file.path) for file in files)))


def _label(attributes: dict, path: Path) -> str:
    if attributes.get("source"):
        return str(attributes["source"])
    generator = str(attributes.get("generator", ""))
    if generator.startswith("EGSnrc"):
        return "EGSnrc sample"
    if "without the Geant4 data" in generator:
        return "Geant4 (data-free) pion sample"
    if "parametrised" in attributes or "parametrised" in generator:
        return "parametrised showers"
    return path.name
